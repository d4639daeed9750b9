import ContentStore
import Inspectors
import LinuxSystem
import Logging
import Manifest
import ModelFormats
import ServiceManager
import Settings
import Vocabulary

extension Examiner {
    /// Decides on a payload by what is in it.
    func judge(_ uninspected: Uninspected, _ inspection: Inspection) {
        let work = uninspected.stored.work
        complain(of: inspection, work)
        if let problem = noteInspector(inspection),
            work.claim.drop.settings.rejectSafety.contains(Safety.unscannable.rawValue)
        {
            // Nobody's model is refused for a fault of ours.
            work.file.releaseLease()
            return stages.retry(
                work.claim, code: "inspector",
                "The daemon cannot look into it now (\(problem)), and what it cannot look into is refused here.")
        }
        var inspected = uninspected
        inspected.stored.inspection = inspection
        decide(on: inspected, inspection)
    }

    /// Keeps the status honest about the inspector.
    ///
    /// - Returns: why no inspector can be had, when none can.
    private func noteInspector(_ inspection: Inspection) -> String? {
        let problem = inspection.findings.first { $0.code == SandboxedInspector.unavailableCode }?.message
        if stages.board.snapshot.inspectorProblem != problem { stages.board.update { $0.inspectorProblem = problem } }
        return problem
    }

    private func decide(on inspected: Uninspected, _ inspection: Inspection) {
        var stored = inspected.stored
        let work = stored.work
        stored.warnings += warnings(about: inspection, work)
        if let reason = objection(to: inspection, work) {
            var refusal = Refusal(of: work, reason, manifestSHA256: stored.manifestSHA256)
            refusal.digest = stored.digest
            refusal.sizeInBytes = stored.sizeInBytes
            refusal.warnings = stored.warnings
            refusal.format = inspection.format
            refusal.safety = inspection.safety
            refusal.findings = inspection.findings.map(\.json)
            work.file.releaseLease()
            return stages.take(.refuse(refusal), sizeInBytes: stored.sizeInBytes)
        }
        if let blob = inspected.blob {
            stages.publishBox.send(Staged(stored: stored, blob: blob))
        } else {
            stages.registerBox.send(.register(stored, moved: nil))
        }
    }

    /// Why the content of a payload costs it its row.
    private func objection(to inspection: Inspection, _ work: Work) -> Reason? {
        if let damage = inspection.damage { return Reason(damage) }
        if let declared = work.manifest.format, inspection.format.conflicts(withDeclared: declared) {
            return Reason(
                code: "format_mismatch",
                message: "The manifest says format \"\(declared)\", and the payload is \(inspection.format.rawValue).",
                field: "format",
                hint: "Correct format, or leave it out: the content tells. Or drop the file that was meant.")
        }
        guard work.claim.drop.settings.rejectSafety.contains(inspection.safety.rawValue) else { return nil }
        let worst = inspection.findings.first.map { ": \($0.message)" } ?? ""
        return Reason(
            code: "unsafe_payload",
            message: "This drop directory refuses what is \(inspection.safety.rawValue) to load, which this payload is"
                + Self.ended(worst),
            hint:
                "findings in reason.json says what was found and where; a format that cannot carry code, such as safetensors, passes."
        )
    }

    private func warnings(about inspection: Inspection, _ work: Work) -> [Warning] {
        guard let ending = work.claim.payloadName.extensionForLoaders,
            inspection.format.disagrees(withExtension: ending)
        else { return [] }
        return [
            Warning(
                code: "extension_mismatch",
                message:
                    "The name ends in .\(ending), but the content is \(inspection.format.rawValue); loaders that go by the "
                    + "name will not read it.")
        ]
    }

    /// What went wrong with the inspector itself, for the operator; the row has it too.
    private func complain(of inspection: Inspection, _ work: Work) {
        if let sandbox = inspector.sandbox, sandbox != .complete {
            stages.log.complaint(
                .failed, .warning, key: "sandbox",
                "The inspector of payloads is shut in by no more than \(sandbox.names.joined(separator: ", ")); "
                    + "the kernel or the unit's sandbox denies the rest")
        }
        guard let finding = inspection.findings.first(where: { $0.code.hasPrefix("inspector_") }) else { return }
        stages.log.complaint(
            .failed, .warning, key: finding.code,
            "\(work.claim.sourceName) is unscannable: \(finding.message)", work.fields)
    }

    fileprivate static func ended(_ sentence: String) -> String { sentence.hasSuffix(".") ? sentence : sentence + "." }
}

extension Reason {
    /// A payload that contradicts its own header.
    fileprivate init(_ damage: Inspection.Damage) {
        let isTruncated = damage.code == "truncated"
        self.init(
            code: isTruncated ? "truncated" : "malformed_payload",
            message: "The payload is " + (isTruncated ? "cut short: " : "malformed: ") + Examiner.ended(damage.message),
            hint: isTruncated
                ? "Drop the complete file again. With size_bytes or sha256 in the manifest it is waited for."
                : "Check that it loads where it was made, and drop it again.")
    }
}
