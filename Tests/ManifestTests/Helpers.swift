import Manifest
import Vocabulary

/// The verdict on a text: the manifest or every reason against it.
enum Verdict {
    case accepted(Manifest)
    case refused([Reason])

    init(_ bytes: [UInt8], _ syntax: ManifestSyntax) {
        do throws(ManifestError) {
            self = .accepted(try Manifest.parse(bytes, syntax: syntax))
        } catch {
            self = .refused(error.reasons)
        }
    }

    init(_ text: String, _ syntax: ManifestSyntax = .json) { self.init(Array(text.utf8), syntax) }

    var manifest: Manifest? {
        if case .accepted(let manifest) = self { manifest } else { nil }
    }

    var reasons: [Reason] {
        if case .refused(let reasons) = self { reasons } else { [] }
    }

    /// Each reason as `code line:column field`.
    var marks: [String] {
        reasons.map { reason in
            let place = "\(reason.line.map(String.init) ?? "?"):\(reason.column.map(String.init) ?? "?")"
            return "\(reason.code) \(place)" + (reason.field.map { " \($0)" } ?? "")
        }
    }
}

/// A manifest with further members in its object; what is added begins in column 40.
func manifest(with members: String) -> String {
    #"{"model_id": "m","model_version": "1"\#(members.isEmpty ? "" : ", \(members)")}"#
}

/// The YAML manifest with further lines, which begin on line 3.
func yaml(with lines: String) -> String {
    "model_id: m\nmodel_version: \"1\"\n\(lines)"
}
