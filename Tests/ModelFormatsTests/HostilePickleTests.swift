import ModelFormats
import Testing

/// A way to hide something from a scanner, and every verdict that is right for it.
struct Trick: Sendable, CustomTestStringConvertible {
    var name: String
    var bytes: [UInt8]
    var verdicts: Set<Safety>

    var testDescription: String { name }

    init(_ name: String, _ stream: PickleStream, _ verdicts: Safety...) {
        self.name = name
        bytes = stream.bytes
        self.verdicts = Set(verdicts)
    }
}

private let payload = PickleStream.payload
private let stop = PickleStream.stop
private typealias P = PickleStream

private let numbers: [Trick] = [
    Trick("GLOBAL", payload + stop, .dangerous),
    Trick("STACK_GLOBAL", P.proto(4) + .imported("os", "system") + .text("id") + "\u{85}R.", .dangerous),
    Trick("hexadecimal INT", "I0x1\n0" + payload + stop, .dangerous),
    Trick("octal LONG", "L0o17L\n0" + payload + stop, .dangerous),
    Trick("NUL in INT", "I5\0junk\n0" + payload + stop, .dangerous),
    Trick("NUL in FLOAT", "F1.5\0x\n0" + payload + stop, .dangerous),
    Trick("INT with a leading zero", "I012\n0" + payload + stop, .dangerous),
    Trick("INT with a leading zero alone", P.proto(2) + "I012\n.", .unscannable),
    Trick("FLOAT with an underscore", "F1_0.5\n0" + payload + stop, .dangerous),
    Trick("STRING beyond ASCII", "S'\u{FF}'\n0" + payload + stop, .dangerous),
    Trick("PERSID with a backslash", "Pabc\\\n0" + payload + stop, .dangerous),
]

private let names: [Trick] = [
    Trick("space in the module", "cos \nsystem\n.", .unknownImports, .dangerous),
    Trick("carriage return", "cos\r\nsystem\r\n.", .unknownImports, .dangerous),
    Trick("UTF-8 name", "cos\nsyst\u{C3}\u{A9}m\n.", .unknownImports, .dangerous),
    Trick("UNICODE escapes", "V\\u006f\\u0073\nV\\u0073ystem\n\u{93}Vid\n\u{85}R.", .dangerous),
    Trick("STRING escapes", "S'\\x6f\\163'\nS'system'\n\u{93}Vid\n\u{85}R.", .dangerous),
    Trick(
        "BINUNICODE8 names", P.proto(4) + "\u{8D}" + .little(2, 8) + "os\u{8D}" + .little(6, 8) + "system\u{93}.",
        .dangerous),
    Trick("BINSTRING names", "T" + .little(2, 4) + "osU\u{06}system\u{93}.", .dangerous),
    Trick("names through the memo", "Vos\np5\n0Vsystem\nq\u{07}0g5\nh\u{07}\u{93}Vid\n\u{85}R.", .dangerous),
    Trick("overwritten memo", "Vjson\nq\u{01}0Vos\nq\u{01}0h\u{01}Vsystem\n\u{93}.", .dangerous),
    Trick("huge memo index", "Vos\nr\u{FF}\u{FF}\u{FF}\u{FF}0j\u{FF}\u{FF}\u{FF}\u{FF}Vsystem\n\u{93}.", .dangerous),
    Trick("MEMOIZE after a sparse PUT", "Vjson\np5\n0Vos\n\u{94}0h\u{01}Vsystem\n\u{93}.", .dangerous),
    Trick("memo filled after POP", "Vos\nVjson\n0q\u{00}0h\u{00}Vsystem\n\u{93}.", .dangerous),
    Trick("memo filled after DUP", "Vos\n2q\u{00}00h\u{00}Vsystem\n\u{93}.", .dangerous),
    Trick("noise between the operands", "Vos\nN0(1(N1Vsystem\n\u{93}Vid\n\u{85}R.", .dangerous),
    Trick(
        "computed name",
        "cbuiltins\nstr\nVos\n\u{85}RVsystem\n\u{93}Vid\n\u{85}R.", .dangerous),
    Trick("missing memo entry after an import", payload + "h\u{63}.", .dangerous),
    Trick("missing memo entry", P.proto(2) + "h\u{63}.", .unscannable),
    Trick("number as a module", P.proto(4) + "K\u{01}Vsystem\n\u{93}.", .unscannable),
    Trick("extension registry", P.proto(2) + "\u{82}\u{01})R.", .dangerous),
    Trick("dotted name", P.proto(4) + .imported("pathlib", "os.system") + .text("id") + "\u{85}R.", .dangerous),
    Trick("dunder chain", P.proto(4) + .imported("collections", "OrderedDict.__init__") + ".", .dangerous),
    Trick("Python 2's commands", "ccommands\ngetoutput\nVid\n\u{85}R.", .dangerous),
    Trick("Python 2's __builtin__", "c__builtin__\neval\nV1\n\u{85}R.", .dangerous),
    Trick("Python 2's imap", "citertools\nimap\n.", .dangerous),
    Trick("posix", "cposix\nsystem\nVid\n\u{85}R.", .dangerous),
    Trick("_pickle", "c_pickle\nloads\n.", .dangerous),
    Trick("_io", "c_io\nFileIO\nVx\n\u{85}R.", .dangerous),
    Trick("_operator", "c_operator\nattrgetter\nVx\n\u{85}R.", .dangerous),
    Trick("a module nobody knows", "cevil.gadget\nrun\nVid\n\u{85}R.", .unknownImports),
    Trick("unlisted module of numpy", "cnumpy.lib.function_base\nvectorize\n.", .unknownImports, .dangerous),
]

private let calls: [Trick] = [
    Trick("INST", "(Vid\nios\nsystem\n.", .dangerous),
    Trick("INST without a mark", P.proto(0) + "ios\nsystem\n.", .dangerous),
    Trick("OBJ", "(cos\nsystem\nVid\no.", .dangerous),
    Trick("OBJ and POP", "(cos\nsystem\nVid\no0N.", .dangerous),
    Trick("NEWOBJ", "csubprocess\nPopen\nVid\n\u{85}\u{81}.", .dangerous),
    Trick("NEWOBJ_EX", "csubprocess\nPopen\n)}\u{92}.", .dangerous),
    Trick("BUILD on a module", "ctorch\n_utils\n}Vx\nNsb.", .dangerous),
    Trick("SETITEM on sys.modules", "csys\nmodules\nVx\nNs.", .dangerous),
    Trick("BUILD on an allowed function", "cnumpy\nmean\n}Vx\nNsb.", .dangerous),
    Trick("APPEND to a class", "ccollections\nOrderedDict\nNa.", .dangerous),
    Trick("call of a result", "ccollections\nOrderedDict\n)R)R.", .dangerous),
    Trick("attrgetter", "coperator\nattrgetter\nVsystem\n\u{85}Rcos\npath\n\u{85}R.", .dangerous),
    Trick(
        "a function that calls its argument",
        "ctorch._tensor\n_rebuild_from_type_v2\n(cos\nsystem\nctorch\nTensor\n(Vid\ntNtR.", .dangerous),
    Trick(
        "a constructor as argument", "cnumpy.random._pickle\n__generator_ctor\nVx\ncos\nsystem\n\u{86}R.", .dangerous),
    Trick(
        "a mere class as argument", "cnumpy.random._pickle\n__generator_ctor\nVx\ncnumpy\nndarray\n\u{86}R.",
        .unknownImports),
    Trick("defaultdict of a function", "ccollections\ndefaultdict\ncnumpy\nmean\n\u{85}R.", .unknownImports),
    Trick("nested pickle", P.proto(5) + "cpickle\nloads\n" + .literal(payload + stop) + "\u{85}R.", .dangerous),
    Trick(
        "nested pickle for PyTorch",
        P.proto(2) + "ctorch.storage\n_load_from_bytes\n" + .literal(payload + stop) + "\u{85}R.",
        .dangerous),
    Trick(
        "nested harmless pickle for PyTorch",
        P.proto(2) + "ctorch.storage\n_load_from_bytes\n" + .literal("\u{80}\u{02}}.") + "\u{85}R.", .safe),
    Trick(
        "nested broken pickle for PyTorch",
        P.proto(2) + "ctorch.storage\n_load_from_bytes\n" + .literal("\u{80}\u{02}h\u{09}.") + "\u{85}R.", .unscannable),
    Trick("a literal that happens to be a pickle", P.proto(3) + .literal(payload + stop) + ".", .safe),
    Trick("_codecs.encode with another codec", "c_codecs\nencode\nVx\nVrot13\n\u{86}R.", .unknownImports),
    Trick(
        "_reconstructor of a class nobody knows",
        "ccopy_reg\n_reconstructor\n(cevil\nClass\nc__builtin__\nobject\nNtR.", .unknownImports),
    Trick("persistent id of a module", P.proto(2) + "(Vmodule\ncos\npath\nVf\nVsrc\ntQ.", .dangerous),
    Trick("persistent id that is no storage", P.proto(2) + "(Vmodule\nctorch\nTensor\nVf\nVsrc\ntQ.", .unscannable),
    Trick("persistent id as text", P.proto(0) + "Pmodule\n.", .unscannable),
    Trick("out-of-band buffer", P.proto(5) + "\u{97}.", .unscannable),
]

private let endings: [Trick] = [
    Trick("broken tail", payload + "\u{FF}\u{FF}", .dangerous),
    Trick("no STOP", payload, .dangerous),
    Trick("second stream", P.proto(2) + "}." + payload + stop, .dangerous),
    Trick("second stream that is broken", P.proto(2) + "}.\u{FF}", .unscannable),
    Trick("odd number, then the payload", "cjson\nJSONEncoder\n0I0x1\n0" + payload + stop, .dangerous),
    Trick("argument over a frame's end", P.proto(4) + .frame(3) + "X" + .little(4, 4) + "abcd0}.", .unscannable),
    Trick(
        "opcodes hidden behind a frame's end",
        P.proto(4) + .frame(5) + "B" + .little(UInt64(payload.bytes.count), 4) + payload + stop, .unscannable,
        .dangerous),
    Trick("frame in a frame", P.proto(4) + .frame(11) + .frame(2) + "}.", .unscannable),
    Trick("frame longer than the file", P.proto(4) + .frame(255) + "}.", .unscannable),
    Trick("frame in protocol 0", .frame(2) + "}.", .safe),
    Trick("empty frame", P.proto(4) + .frame(0) + .frame(2) + "}.", .safe),
    Trick("protocol in the middle", "}\u{80}\u{02}0}.", .safe),
    Trick("protocol from the future", P.proto(2) + "}0\u{80}\u{07}.", .unscannable),
]

private let floods: [Trick] = [
    Trick("huge memo index alone", P.proto(2) + "}r\u{FF}\u{FF}\u{FF}\u{FF}.", .unscannable),
    Trick("BINBYTES8 of 2^63", P.proto(4) + "\u{8E}" + .little(1 << 63, 8), .unscannable),
    Trick("BINUNICODE8 of 2^62", P.proto(4) + "\u{8D}" + .little(1 << 62, 8), .unscannable),
    Trick("LONG4 of 2^31-1", P.proto(2) + "\u{8B}\u{FF}\u{FF}\u{FF}\u{7F}", .unscannable),
    Trick("LONG4 of -1", P.proto(2) + "\u{8B}\u{FF}\u{FF}\u{FF}\u{FF}", .unscannable),
    Trick("FRAME of 2^63", P.proto(4) + .frame(1 << 63) + "}.", .unscannable),
    Trick("marks", P.proto(2) + .repeated("(", 1_100_000) + ".", .unscannable),
    Trick("DUP", P.proto(2) + "N" + .repeated("2", 1_100_000) + ".", .unscannable),
    Trick("marks before the payload, no protocol", .repeated("(", 1_100_000) + payload + stop, .unscannable),
    Trick(
        "a long module name, no protocol", "c" + .repeated("a", 5000) + "\nb\n0" + payload + stop, .unscannable,
        .dangerous),
    Trick("a long persistent id, no protocol", "P" + .repeated("a", 5000) + "\n0" + payload + stop, .dangerous),
    Trick("a long string, no protocol", "V" + .repeated("a", 5000) + "\n0" + payload + stop, .dangerous),
    Trick("billion laughs", P.proto(2) + "N" + .repeated("22\u{87}q\u{00}h\u{00}0", 50_000) + ".", .safe),
    Trick("one long INT", P.proto(0) + "I" + .repeated("1", 1_000_000) + "\n.", .unscannable),
    Trick("deep tuples", P.proto(2) + "N" + .repeated("\u{85}", 500_000) + ".", .safe),
]

@Suite struct `Pickles that hide what they do` {
    @Test(arguments: numbers + names + calls + endings + floods)
    func `are not taken for safe`(_ trick: Trick) throws {
        var inspection: Inspection?
        let time = ContinuousClock().measure { inspection = PythonContent.inspect(MemoryBytes(trick.bytes)) }
        let found = try #require(inspection)
        #expect(time < .seconds(20))
        #expect(trick.verdicts.contains(found.safety), "\(found.safety): \(found.findings.map(\.message))")
        if found.safety > .unknownImports { #expect(found.findings.contains { $0.severity == found.safety }) }
    }

    @Test func `have their imports told, with uses, places and counts`() throws {
        let stream: PickleStream =
            "\u{80}\u{02}cevil\nrun\n0cevil\nrun\nVx\n\u{85}Rccollections\nOrderedDict\n)R\u{86}."
        let found = try #require(PythonContent.inspect(MemoryBytes(stream.bytes)))
        #expect(found.imports.map(\.module) == ["evil", "collections"])
        #expect(found.imports[0].uses == [.call] && found.imports[0].count == 2 && found.imports[0].offset == 2)
        #expect(found.imports.map(\.verdict) == [.unknownImports, .safe])
    }

    @Test func `may have more findings than are kept, and keep their verdict`() throws {
        var limits = InspectionLimits()
        limits.findings = 3
        let noise = PickleStream.repeated("I0x1\n0", 50)
        let found = try #require(PythonContent.inspect(MemoryBytes((noise + payload + stop).bytes), limits: limits))
        #expect(found.safety == .dangerous && found.findings.count <= 3 && found.findings[0].severity == .dangerous)
    }

    @Test(arguments: [
        "class Model:\n    pass\n", "import os\nos.system('id')\n", "Version: 1.0\nName: x\n", "tree\nversion=v4\n",
        "{\"a\": 1}",
        "GGUF\u{03}\0\0\0", "curl http://x\nbar baz\n", "(c) 2026 somebody\nall rights\n", "PMML", "In the beginning\n",
        "N.B. this is text\n",
    ])
    func `are not seen in plain text`(_ text: String) {
        #expect(PythonContent.inspect(MemoryBytes(Array(text.utf8))) == nil)
    }

    @Test(arguments: ["c", "i", "I", "L", "F", "p", "P", "V", "S", "g"])
    func `are not seen in a table with a wide header`(_ letter: String) {
        let header = letter + (0..<2000).map { "olumn \($0)" }.joined(separator: ",")
        #expect(PythonContent.inspect(MemoryBytes(Array((header + "\n1,2,3\n").utf8))) == nil)
    }
}

@Suite struct `Limits of an inspection` {
    private func limited(_ change: (inout InspectionLimits) -> Void, _ stream: PickleStream) -> Inspection? {
        var limits = InspectionLimits()
        change(&limits)
        return PythonContent.inspect(MemoryBytes(stream.bytes), limits: limits)
    }

    @Test func `make a file unscannable, each of them`() {
        let long = P.proto(2) + .repeated("N0", 5000) + "}."
        #expect(limited({ $0.opcodesPerStream = 5000 }, long)?.safety == .unscannable)
        #expect(limited({ $0.opcodesPerFile = 5000 }, long)?.safety == .unscannable)
        #expect(limited({ $0.stackDepth = 10 }, P.proto(2) + .repeated("N", 11) + ".")?.safety == .unscannable)
        #expect(limited({ $0.memoEntries = 2 }, P.proto(4) + "N\u{94}\u{94}\u{94}.")?.safety == .unscannable)
        #expect(
            limited({ $0.retainedText = 4 }, P.proto(4) + .text("abcdef") + .text("g") + ".")?.safety == .unscannable)
        #expect(
            limited({ $0.imports = 1 }, P.proto(2) + "cbuiltins\nset\ncbuiltins\nlist\n\u{86}.")?.safety == .unscannable
        )
        let nested = P.proto(2) + "ctorch.storage\n_load_from_bytes\n" + .literal("\u{80}\u{02}}.") + "\u{85}R."
        #expect(limited({ $0.nestedPickles = 0 }, nested)?.safety == .unscannable)
        #expect(limited({ _ in }, long)?.safety == .safe)
    }
}
