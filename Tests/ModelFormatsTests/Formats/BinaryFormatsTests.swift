import ModelFormats
import Testing

/// Bytes that come in small pieces.
private final class SlowStream: ByteStream {
    private var rest: ArraySlice<UInt8>

    init(_ bytes: [UInt8]) { rest = bytes[...] }

    func next(into buffer: UnsafeMutableRawBufferPointer) throws(ReadFailure) -> Int {
        let part = rest.prefix(min(7, buffer.count))
        for (index, byte) in part.enumerated() { unsafe buffer[index] = byte }
        rest = rest.dropFirst(part.count)
        return part.count
    }
}

@Suite struct `R serializations` {
    private func item(_ type: Int32, _ rest: [UInt8] = []) -> [UInt8] { big(type) + rest }

    @Test func `version, classes and size are told`() throws {
        let inspection = try #require(inspect(Fixtures.rds(Fixtures.rdsVector)))
        #expect(inspection.safety == .safe)
        #expect(inspection.fact("r_version") == #""4.2.1""#)
        #expect(inspection.fact("native_encoding") == #""UTF-8""#)
        #expect(inspection.fact("classes") == #"["randomForest"]"#)
    }

    @Test func `a promise is dangerous, wherever it is`() throws {
        let promise = item(5) + Fixtures.rdsNull + item(6) + Fixtures.rdsNull + Fixtures.rdsNull
        let inspection = try #require(inspect(Fixtures.rds(item(19, big(Int32(1)) + promise))))
        #expect(inspection.codes == ["rds_promise"])
        #expect(inspection.safety == .dangerous)
    }

    @Test func `closures and bytecode are code`() throws {
        let bytecode =
            item(21) + big(Int32(1)) + item(13, big(Int32(1)) + big(Int32(12))) + big(Int32(2))
            + big(Int32(14)) + Fixtures.rdsNumbers + big(Int32(6)) + Fixtures.rdsNull + big(Int32(254))
            + Fixtures.rdsNull
            + big(Int32(254)) + Fixtures.rdsNull
        let closure = item(3) + Fixtures.rdsNull + bytecode
        let inspection = try #require(inspect(Fixtures.rds(closure)))
        #expect(inspection.damage == nil)
        #expect(inspection.codes == ["rds_code"])
        #expect(inspection.safety == .unknownImports)
    }

    @Test func `environments, references, namespaces and long vectors are passed`() {
        let symbol = item(1) + Fixtures.rdsString("x")
        let environment =
            item(4) + big(Int32(0)) + Fixtures.rdsNull + Fixtures.rdsNull + Fixtures.rdsNull + Fixtures.rdsNull
        let namespace = item(249) + big(Int32(0)) + big(Int32(1)) + Fixtures.rdsString("base")
        let long = item(13) + big(Int32(-1)) + big(Int32(0)) + big(Int32(2)) + [UInt8](repeating: 0, count: 8)
        let all =
            symbol + environment + namespace + item(255 | 1 << 8) + long + item(25) + item(8, big(Int32(1)) + [0x63])
        #expect(inspect(Fixtures.rds(item(19, big(Int32(7)) + all)))?.damage == nil)
        let workspace = Array("RDX3\n") + Fixtures.rds(Fixtures.rdsVector)
        #expect(inspect(workspace)?.fact("workspace") == "true")
    }

    @Test func `lengths without bytes are truncations`() {
        for length in [Int32.max, 1000] {
            #expect(inspect(Fixtures.rds(item(14, big(length))))?.damage?.code == "truncated")
            #expect(inspect(Fixtures.rds(item(19, big(length))))?.damage?.code == "truncated")
            #expect(inspect(Fixtures.rds(item(9, big(length))))?.damage?.code == "truncated")
        }
        let long = item(14) + big(Int32(-1)) + big(Int32(65_535)) + big(Int32(-1))
        #expect(inspect(Fixtures.rds(long))?.damage?.code == "truncated")
    }

    @Test func `types, lengths and references that do not exist are malformed`() {
        for bad in [
            item(100), item(14, big(Int32(-2))), item(9, big(Int32(-5))), item(255 | 9 << 8), item(255, big(Int32(0))),
            item(14) + big(Int32(-1)) + big(Int32(-1)) + big(Int32(0)), item(1) + item(14), Fixtures.rdsNull + [0],
        ] {
            #expect(inspect(Fixtures.rds(bad))?.damage?.code == "malformed")
        }
    }

    @Test func `depth costs no stack`() {
        let lists = (0..<50_000).flatMap { _ in item(19, big(Int32(1))) } + Fixtures.rdsNull
        #expect(inspect(Fixtures.rds(lists))?.damage == nil)
        let code = (0..<50_000).flatMap { _ in item(21, big(Int32(1))) }
        #expect(inspect(Fixtures.rds(code))?.damage?.code == "truncated")
    }

    @Test func `a decompressor's stream is read like a file`() {
        let whole = Fixtures.rds(Fixtures.rdsVector)
        #expect(RDS.inspect(stream: SlowStream(whole)) == inspect(whole))
        #expect(RDS.inspect(stream: SlowStream(whole.dropLast(3)))?.damage?.code == "truncated")
        let lie = Fixtures.rds(item(14, big(Int32.max)))
        #expect(RDS.inspect(stream: SlowStream(lie))?.damage?.code == "truncated")
        for other in ["", "X", "hello", "RDX9\n", "Rhubarb", "XY"] {
            #expect(RDS.inspect(stream: SlowStream(Array(other.utf8))) == nil)
        }
    }

    @Test func `R's text form is known, not read`() {
        #expect(inspect(Array("A\n3\n262657\n"))?.safety == .unscannable)
    }
}

@Suite struct `Flax checkpoints` {
    @Test func `arrays and keys are told`() throws {
        let inspection = try #require(inspect(Fixtures.flax()))
        #expect(inspection.safety == .noCode)
        #expect(inspection.fact("keys") == #"["params"]"#)
        #expect(inspection.fact("dtypes") == #"{"float32":1}"#)
        #expect(inspection.fact("parameter_count") == "6")
    }

    @Test func `extensions of others need code`() {
        #expect(inspect(Fixtures.flax([0xD4, 77, 0]))?.codes == ["msgpack_extension"])
    }

    @Test func `arrays that contradict themselves and rests are malformed`() {
        let good = Fixtures.flaxArray([1], "float32", 4)
        let pair = [0x82, 0xA1, 0x61] + good + [0xA1, 0x62]
        #expect(inspect(pair + Fixtures.flaxArray([2, 2], "float32", 24))?.damage?.code == "malformed")
        #expect(inspect(pair + [0xC7, 2, 1, 0x93, 0x90, 0, 0, 0])?.damage?.code == "malformed")
        #expect(inspect(pair + good + [0])?.damage?.code == "malformed")
        #expect(inspect(pair + [UInt8](repeating: 0x91, count: 100))?.damage?.code == "malformed")
    }

    @Test func `counts and lengths without bytes are truncations`() {
        let start = [0x82, 0xA1, 0x61] + Fixtures.flaxArray([1], "float32", 4) + [0xA1, 0x62]
        for rest in [
            [0xDF, 0xFF, 0xFF, 0xFF, 0xFF], [0xDD, 0xFF, 0xFF, 0xFF, 0xFF], [0xC6, 0xFF, 0xFF, 0xFF, 0xFF], [],
        ] {
            #expect(inspect(start + rest.map { UInt8($0) })?.damage?.code == "truncated")
        }
    }
}
