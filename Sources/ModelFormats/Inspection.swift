public import Vocabulary

/// What a look inside a payload found, without executing any of it.
public struct Inspection: Sendable, Equatable {
    /// What kind of file it is, by its content alone.
    public var format: ModelFormat
    /// The header's facts, small and documented per format (`docs/formats.md`); an object.
    public var details: JSON
    /// How dangerous it is to load.
    public var safety: Safety
    /// What in it could run code, or kept it from being understood, the worst first; bounded.
    public var findings: [Finding]
    /// Every name that a pickle in it imports, in the order of their first appearance; bounded.
    public var imports: [Import]
    /// Why the file cannot be whole, when its own header says so: such a file is refused.
    public var damage: Damage?

    /// The findings of an empty look.
    public init(
        format: ModelFormat, details: JSON = .object([]), safety: Safety, findings: [Finding] = [],
        imports: [Import] = [], damage: Damage? = nil
    ) {
        self.format = format
        self.details = details
        self.safety = safety
        self.findings = findings
        self.imports = imports
        self.damage = damage
    }

    /// The file ends before, or contradicts, what its header announces.
    public struct Damage: Sendable, Equatable {
        /// `truncated` or `malformed`.
        public var code: String
        /// One sentence for a person: what was announced, what is there.
        public var message: String

        /// A damage.
        public init(code: String, message: String) {
            self.code = code
            self.message = message
        }
    }
}

/// How dangerous it is to load a file. Ordered: the later, the worse; the worst of a file's parts is the file's.
public enum Safety: String, Sendable, Comparable, CaseIterable {
    /// The format cannot carry code.
    case noCode = "no-code"
    /// It could carry code; everything in it was read and understood, and all of it is known to be harmless.
    case safe
    /// Everything was read, but it uses names that nobody vouches for.
    case unknownImports = "unknown-imports"
    /// Not everything could be read or understood: never to be taken for safe.
    case unscannable
    /// Loading it runs, or can be made to run, code that a model does not need.
    case dangerous

    /// Whether the left one is less bad.
    public static func < (left: Safety, right: Safety) -> Bool { left.rank < right.rank }

    private var rank: Int { Self.allCases.firstIndex(of: self) ?? 0 }
}

/// One thing that was found.
public struct Finding: Sendable, Hashable {
    /// What it alone makes of the file.
    public var severity: Safety
    /// A stable word for programs, such as `dangerous_import`, `keras_lambda`, `zip_duplicate_name`.
    public var code: String
    /// One sentence for a person.
    public var message: String
    /// The member of an archive it is in, nested ones separated by `!`; empty for the file itself. Escaped.
    public var part: String
    /// The offset in bytes from the start of that part, where there is one.
    public var offset: Int64?

    /// A finding.
    public init(_ severity: Safety, _ code: String, _ message: String, part: String = "", offset: Int64? = nil) {
        self.severity = severity
        self.code = code
        self.message = message
        self.part = part
        self.offset = offset
    }

    /// For `safety_findings` and `ingot check --json`.
    public var json: JSON {
        var members: [JSON.Member] = [
            .init("severity", .string(severity.rawValue)), .init("code", .string(code)),
            .init("message", .string(message)),
        ]
        if !part.isEmpty { members.append(.init("part", .string(part))) }
        if let offset { members.append(.init("offset", .number("\(offset)"))) }
        return .object(members)
    }
}

/// A name that a pickle imports, and what it does with it.
public struct Import: Sendable, Hashable {
    /// How a pickle uses what it imported.
    public enum Use: String, Sendable, CaseIterable, Comparable {
        /// Only mentioned, as an argument or a part of the state.
        case reference
        /// Called: REDUCE, OBJ, INST.
        case call
        /// Instantiated through `__new__`: NEWOBJ, NEWOBJ_EX.
        case new
        /// An instance of it gets its state set: BUILD.
        case build

        /// In the order of the cases.
        public static func < (left: Use, right: Use) -> Bool {
            (allCases.firstIndex(of: left) ?? 0) < (allCases.firstIndex(of: right) ?? 0)
        }
    }

    /// The module, as it is written in the stream.
    public var module: String
    /// The name, dotted where it is.
    public var name: String
    /// Every use of it that was seen.
    public var uses: Set<Use>
    /// What this import alone makes of the file.
    public var verdict: Safety
    /// The part of the file it is in; see ``Finding/part``.
    public var part: String
    /// Where it appears first, in bytes from the start of that part.
    public var offset: Int64
    /// How often it is imported.
    public var count: Int

    /// An import.
    public init(
        module: String, name: String, uses: Set<Use>, verdict: Safety, part: String = "", offset: Int64, count: Int = 1
    ) {
        self.module = module
        self.name = name
        self.uses = uses
        self.verdict = verdict
        self.part = part
        self.offset = offset
        self.count = count
    }
}

/// The kinds of file that are told apart, by the names that rows and manifests use.
public enum ModelFormat: String, Sendable, CaseIterable {
    case pickle
    case joblib
    case pytorch
    case torchscript
    case pytorchLegacy = "pytorch-legacy"
    case safetensors
    case gguf
    case ggml
    case onnx
    case keras
    case kerasHDF5 = "keras-hdf5"
    case hdf5
    case savedModel = "saved-model"
    case tensorflowGraph = "tensorflow-graph"
    case tflite
    case npy
    case npz
    case xgboostJSON = "xgboost-json"
    case xgboostUBJ = "xgboost-ubj"
    case xgboostBinary = "xgboost-binary"
    case lightgbm
    case catboost
    case pmml
    case rds
    case coreml
    case flax
    case skops
    case zip
    case tar
    case unknown
}
