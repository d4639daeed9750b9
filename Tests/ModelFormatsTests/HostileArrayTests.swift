import ModelFormats
import Testing

private typealias P = PickleStream

/// Where joblib's arrays lie is told by values that a stranger chose: whoever makes the scanner skip more than joblib reads, hides opcodes in
/// what it skips. Each of these ran `os.system` under joblib.load, or brought Python down, before it was told.
@Suite struct `Arrays that hide something` {
    private static let wrapper = P.imported("joblib.numpy_pickle", "NumpyArrayWrapper")
    private static let array = P.imported("numpy", "ndarray")
    /// POP, then `os.system`.
    private static let hidden: P = "0" + P.payload + "."

    private static func int(_ number: Int32) -> P { "J" + .little(UInt64(UInt32(bitPattern: number)), 4) }
    /// `numpy.dtype(name, False, True)`.
    private static func type(_ name: String) -> P {
        .imported("numpy", "dtype") + .text(name) + "\u{89}\u{88}\u{87}R"
    }
    /// BUILD of a type: version, byte order, subarray, names, fields, size, alignment, flags.
    private static func state(_ fields: P = "NNN", size: Int32, flags: Int32) -> P {
        "(" + int(3) + .text("|") + fields + int(size) + int(-1) + int(flags) + "tb"
    }
    /// The state of a wrapper, as pairs.
    private static func described(_ type: P, shape: P, more: P = "") -> P {
        "}(" + .text("subclass") + array + .text("shape") + shape + more + .text("order") + .text("C") + .text("dtype")
            + type + .text("allow_mmap") + "\u{88}u"
    }
    /// One field `a` of a type.
    private static func field(_ type: P) -> P { "N" + .text("a") + "\u{85}}" + .text("a") + type + int(0) + "\u{86}s" }
    private static func stored(_ type: P, shape: P, more: P = "", _ rest: P) -> P {
        P.proto(4) + wrapper + ")\u{81}" + described(type, shape: shape, more: more) + "b" + rest
    }
    private static func padded(_ start: P, to size: Int) -> P { start + .repeated(".", size - start.bytes.count) + "." }

    private static let tricks: [Trick] = [
        Trick(
            "a size for a type that has its own",
            stored(
                type("f8") + state(size: 200, flags: 0), shape: int(1) + "\u{85}",
                padded("." + .repeated("\0", 7) + hidden, to: 200)), .unscannable, .dangerous),
        Trick(
            "a class that becomes a wrapper",
            P.proto(4) + .imported("sklearn.gaussian_process.kernels", "RBF") + ")\u{81}N"
                + described(type("u1"), shape: int(2) + "\u{85}", more: .text("__class__") + wrapper) + "\u{86}b"
                + "C" + .init([UInt8(hidden.bytes.count)]) + hidden + "0.", .dangerous),
        Trick(
            "a class that becomes a wrapper by its dictionary",
            P.proto(4) + .imported("sklearn.gaussian_process.kernels", "RBF") + ")\u{81}"
                + described(type("u1"), shape: int(2) + "\u{85}", more: .text("__class__") + wrapper) + "b.",
            .dangerous),
        Trick(
            "a shape under a key that is computed",
            stored(
                type("u1"), shape: int(200) + "\u{85}",
                more: P.imported("builtins", "str") + .text("shape") + "\u{85}R" + int(1) + "\u{85}",
                padded("." + hidden, to: 200)), .unscannable, .dangerous),
        Trick(
            "a method under its name",
            stored(
                type("u1"), shape: int(1) + "\u{85}", more: .text("read") + .imported("builtins", "str"), "\0."),
            .unscannable, .dangerous),
        Trick(
            "objects that say they are none",
            stored(
                type("O8") + state(size: -1, flags: 62), shape: int(1) + "\u{85}",
                padded(hidden, to: 8 + hidden.bytes.count)),
            .unscannable, .dangerous),
        Trick(
            "fields in a type that has none",
            stored(
                type("O8") + state(field(type("u1")), size: 200, flags: 63), shape: int(1) + "\u{85}",
                padded(hidden, to: 200)), .unscannable, .dangerous),
        Trick(
            "a field beyond the element",
            P.proto(4) + type("V8") + state(field(type("V64") + state(size: 64, flags: 0)), size: 8, flags: 0) + ".",
            .unscannable),
        Trick(
            "pointers out of bytes",
            P.proto(4) + .imported("numpy._core.multiarray", "scalar") + type("V8")
                + state(field(type("O8")), size: 8, flags: 0) + .literal("AAAAAAAA") + "\u{86}R.",
            .unscannable, .dangerous),
        Trick(
            "an address as an array",
            P.proto(4) + .imported("sklearn.gaussian_process.kernels", "RBF") + ")\u{81}}"
                + .text("__array_interface__") + "}sb.", .dangerous),
        Trick(
            "attributes from a mapping that was called for",
            P.proto(4) + .imported("sklearn.gaussian_process.kernels", "RBF") + ")\u{81}"
                + .imported("builtins", "dict") + "]\u{85}Rb.", .unscannable, .dangerous),
        Trick("a wrapper that is only mentioned", P.proto(4) + wrapper + ".", .unknownImports, .dangerous),
        Trick(
            "a loader that is only mentioned", P.proto(4) + .imported("torch.storage", "_load_from_bytes") + ".",
            .unknownImports, .dangerous),
    ]

    @Test(arguments: tricks) func `are not taken for safe`(_ trick: Trick) throws {
        let found = try #require(PythonContent.inspect(MemoryBytes(trick.bytes)))
        #expect(trick.verdicts.contains(found.safety), "\(found.safety): \(found.findings.map(\.message))")
    }

    @Test func `and the same arrays as joblib writes them are safe`() throws {
        let bytes = P.repeated("\0", 8)
        let honest: [P] = [
            Self.stored(Self.type("f8"), shape: Self.int(1) + "\u{85}", bytes + "."),
            Self.stored(
                Self.type("f8") + Self.state(size: -1, flags: 0), shape: Self.int(1) + "\u{85}", bytes + "."),
            Self.stored(
                Self.type("V8") + Self.state(Self.field(Self.type("f8")), size: 8, flags: 16),
                shape: Self.int(1) + "\u{85}", bytes + "."),
        ]
        for stream in honest {
            let found = try #require(PythonContent.inspect(MemoryBytes(stream.bytes)))
            #expect(found.safety == .safe, "\(found.findings.map(\.message))")
        }
    }
}
