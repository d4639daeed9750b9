/// Writes pickle streams by hand, opcode by opcode, as nobody's pickler would.
struct PickleStream: ExpressibleByStringLiteral {
    var bytes: [UInt8]

    init(_ bytes: [UInt8]) { self.bytes = bytes }
    init(stringLiteral value: String) { bytes = value.unicodeScalars.map { UInt8($0.value) } }

    static func + (left: PickleStream, right: PickleStream) -> PickleStream { .init(left.bytes + right.bytes) }

    /// `os.system('echo pwn')`, without STOP.
    static let payload: PickleStream = "cos\nsystem\nVecho pwn\n\u{85}R"
    static let stop: PickleStream = "."

    static func text(_ text: String) -> PickleStream { .init([0x8C, UInt8(text.utf8.count)] + text.utf8) }
    static func imported(_ module: String, _ name: String) -> PickleStream { text(module) + text(name) + "\u{93}" }
    static func proto(_ version: UInt8) -> PickleStream { .init([0x80, version]) }
    static func little(_ value: UInt64, _ width: Int) -> PickleStream {
        .init((0..<width).map { UInt8(truncatingIfNeeded: value >> (8 * UInt64($0))) })
    }
    /// A literal of bytes, BINBYTES.
    static func literal(_ content: PickleStream) -> PickleStream {
        "B" + little(UInt64(content.bytes.count), 4) + content
    }
    static func frame(_ length: UInt64) -> PickleStream { "\u{95}" + little(length, 8) }
    static func repeated(_ part: PickleStream, _ count: Int) -> PickleStream {
        .init(Array(repeatElement(part.bytes, count: count).joined()))
    }
}
