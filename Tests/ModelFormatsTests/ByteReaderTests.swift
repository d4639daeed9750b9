import ModelFormats
import Testing

@Suite struct `Reading forwards` {
    @Test func `numbers come in both byte orders`() throws {
        let reader = ByteReader(MemoryBytes([1, 2, 3, 4, 1, 2]))
        #expect(try reader.little(UInt32.self) == 0x0403_0201)
        #expect(try reader.big(UInt16.self) == 0x0102)
        #expect(try reader.isAtEnd())
    }

    @Test func `nothing is allocated for bytes that are not there`() {
        let reader = ByteReader(MemoryBytes([1, 2, 3]))
        #expect(throws: ReadFailure.truncated(what: "bytes", offset: 0)) { try reader.bytes(Int.max) }
        #expect(throws: ReadFailure.truncated(what: "bytes", offset: 0)) { try reader.skip(4) }
    }

    @Test func `a skip passes the buffer's end`() throws {
        let reader = ByteReader(MemoryBytes([UInt8](repeating: 7, count: 200_000) + [9]))
        _ = try reader.byte()
        try reader.skip(199_999)
        #expect(try reader.byte() == 9)
        #expect(try reader.peek() == nil)
    }
}
