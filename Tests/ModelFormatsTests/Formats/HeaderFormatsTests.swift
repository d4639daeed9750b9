import LinuxSystem
import ModelFormats
import Testing
import Vocabulary

/// A source that counts what is read of it, and has zeros behind its first bytes.
private final class CountedBytes: ByteSource {
    let start: [UInt8]
    let sizeInBytes: Int64
    private(set) var bytesRead = 0

    init(_ start: [UInt8], sizeInBytes: Int64) {
        self.start = start
        self.sizeInBytes = sizeInBytes
    }

    func read(at offset: Int64, into buffer: UnsafeMutableRawBufferPointer) throws(ReadFailure) -> Int {
        let count = Int(min(Int64(buffer.count), max(0, sizeInBytes - offset)))
        for index in 0..<count {
            let position = offset + Int64(index)
            unsafe buffer[index] = position < start.count ? start[Int(position)] : 0
        }
        bytesRead += count
        return count
    }
}

/// A source whose medium is broken.
private final class BrokenBytes: ByteSource {
    let sizeInBytes: Int64 = 1000
    func read(at offset: Int64, into buffer: UnsafeMutableRawBufferPointer) throws(ReadFailure) -> Int {
        throw .limit("no more may be read")
    }
}

@Suite struct `Recognising formats by their content` {
    @Test(arguments: Fixtures.all.indices) func `every valid file is recognised and whole`(index: Int) throws {
        let (format, bytes) = Fixtures.all[index]
        let inspection = try #require(inspect(bytes))
        #expect(inspection.format == format)
        #expect(inspection.damage == nil)
        #expect(inspection.findings.isEmpty)
        #expect(inspection.safety <= .safe)
    }

    @Test(arguments: Fixtures.all.indices) func `no part of a valid file is taken for another format`(index: Int) {
        let (format, bytes) = Fixtures.all[index]
        for count in 0..<bytes.count {
            guard let inspection = inspect(Array(bytes[..<count])) else { continue }
            let expected = format == .kerasHDF5 ? [.hdf5, .kerasHDF5] : [format]
            #expect(expected.contains(inspection.format), "\(format) cut to \(count) bytes")
        }
    }

    @Test(arguments: Fixtures.all.indices) func `a file that lost its last byte is damaged or was complete`(index: Int)
    {
        let (format, bytes) = Fixtures.all[index]
        // Their headers say nothing of what comes last in these, or the recognition needs the whole file.
        guard ![.lightgbm, .xgboostBinary, .catboost, .flax, .tflite].contains(format) else { return }
        let inspection = inspect(Array(bytes.dropLast()))
        #expect(inspection?.damage != nil, "\(format)")
        #expect(inspection?.safety ?? .unscannable >= .unscannable)
    }

    @Test func `other files are not recognised`() {
        let others: [[UInt8]] = [
            [], [0], Array("GGU"), Array("hello, world\n"), Array("\n\n\n\nhello"), Array("{\"version\":\"1.0.0\"}"),
            Array("<html><body></body></html>"), Array("<?xml version=\"1.0\"?><svg/>"),
            [0x80, 4, 0x95, 0, 0, 0, 0, 0, 0, 0, 0], Array("PK\u{3}\u{4}"), [UInt8](repeating: 0, count: 5000),
            [UInt8](repeating: 0xFF, count: 5000), Array("X\nfoo"), [0x81, 0xA1, 0x61, 0x01, 0x00],
            [0x08, 0x07, 0x12, 0x00],
        ]
        for bytes in others { #expect(inspect(bytes) == nil, "\(bytes.prefix(8))") }
    }

    @Test func `an unknown file costs a few kilobytes whatever its size`() {
        for start in [[UInt8](), Array("{\"a\":1}"), [0x0A, 0x50, 0x0A], [0x08, 0x01, 0x12], Array("<?xml")] {
            let source = CountedBytes(start, sizeInBytes: 1 << 40)
            #expect(HeaderFormats.inspect(source) == nil)
            #expect(source.bytesRead <= 64 * 1024)
        }
    }

    @Test func `a large file costs its header only`() throws {
        let size = (4 as Int64) << 30
        let header = #"{"a":{"dtype":"U8","shape":[4294967296],"data_offsets":[0,4294967296]}}"#
        let start = Fixtures.safetensors(header, data: 0)
        let source = CountedBytes(start, sizeInBytes: Int64(start.count) + size)
        let inspection = try #require(HeaderFormats.inspect(source))
        #expect(inspection.damage == nil)
        #expect(inspection.fact("parameter_count") == "4294967296")
        #expect(source.bytesRead <= 64 * 1024)
    }

    @Test func `what cannot be read is never taken for safe`() throws {
        let inspection = try #require(HeaderFormats.inspect(BrokenBytes()))
        #expect(inspection.format == .unknown)
        #expect(inspection.safety == .unscannable)
    }

    @Test func `details stay small however much there is to say`() throws {
        let pairs = (0..<2000).map { index in
            Fixtures.ggufPair("key.\(index)", 8, Fixtures.ggufString(String(repeating: "x", count: 5000)))
        }
        let inspection = try #require(inspect(Fixtures.gguf(pairs: pairs)))
        #expect(inspection.fact("key_count") == "2000")
        #expect((60 * 1024...70 * 1024).contains(inspection.details.text.utf8.count))
        #expect(inspection.fact("details_cut") == "true")
    }
}
