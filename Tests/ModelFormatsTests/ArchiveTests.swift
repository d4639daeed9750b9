import ModelFormats
import Testing

/// A source that counts how many bytes are read from it, or fails.
private final class Watched: ByteSource {
    let inner: MemoryBytes
    var bytesRead = 0
    var failure: ReadFailure?

    init(_ bytes: [UInt8]) { inner = MemoryBytes(bytes) }

    var sizeInBytes: Int64 { inner.sizeInBytes }

    func read(at offset: Int64, into buffer: UnsafeMutableRawBufferPointer) throws(ReadFailure) -> Int {
        if let failure { throw failure }
        let count = unsafe try inner.read(at: offset, into: buffer)
        bytesRead += count
        return count
    }
}

@Suite struct `Files without anything of Python's` {
    @Test func `cost their beginning and their end`() {
        var bytes: [UInt8] = Array("GGUF".utf8) + [3, 0, 0, 0]
        bytes += [UInt8](repeating: 0x5A, count: 20_000_000)
        let source = Watched(bytes)
        #expect(PythonContent.inspect(source) == nil)
        #expect(source.bytesRead < 300_000, "\(source.bytesRead)")
    }

    @Test func `are not assumed when nothing can be read`() {
        let source = Watched([UInt8](repeating: 0, count: 100))
        source.failure = .limit("no medium")
        #expect(PythonContent.inspect(source)?.safety == .unscannable)
    }
}

@Suite struct `A zip archive` {
    /// One stored member and its directory.
    private func zip(_ content: [UInt8], checksum: UInt32) -> [UInt8] {
        let size = PickleStream.little(UInt64(content.count), 4).bytes
        let common =
            [0, 0, 0, 0, 0, 0, 0, 0] + PickleStream.little(UInt64(checksum), 4).bytes + size + size + [1, 0, 0, 0]
        let local = [0x50, 0x4B, 3, 4, 20, 0] + common + Array("a".utf8) + content
        let central = [0x50, 0x4B, 1, 2, 20, 0, 20, 0] + common + [UInt8](repeating: 0, count: 14) + Array("a".utf8)
        let end = [0x50, 0x4B, 5, 6, 0, 0, 0, 0, 1, 0, 1, 0] + PickleStream.little(UInt64(central.count), 4).bytes
        return local + central + end + PickleStream.little(UInt64(local.count), 4).bytes + [0, 0]
    }

    @Test func `gives its members at any place`() throws {
        let archive = try #require(ZipArchive(MemoryBytes(zip(Array("123456789".utf8), checksum: 0xCBF4_3926))))
        #expect(archive.findings.isEmpty && archive.members.count == 1)
        let member = archive.members[0]
        let content = try archive.content(of: member)
        #expect(member.displayName == "a" && content.sizeInBytes == 9)
        #expect(try ByteReader(content, from: 3).bytes(2) == Array("45".utf8))
        #expect(archive.findings(after: content, of: member).isEmpty)
    }

    @Test func `has its checksums verified`() throws {
        let archive = try #require(ZipArchive(MemoryBytes(zip(Array("123456789".utf8), checksum: 1))))
        let content = try archive.content(of: archive.members[0])
        #expect(archive.findings(after: content, of: archive.members[0]).map(\.code) == ["zip_checksum"])
    }

    @Test func `is none without a header and an end`() {
        #expect(ZipArchive(MemoryBytes([])) == nil)
        #expect(ZipArchive(MemoryBytes([UInt8](repeating: 0x50, count: 100_000))) == nil)
    }
}

@Suite struct `The list of allowed names` {
    @Test func `depends on the use`() {
        #expect(AllowList.verdict(module: "collections", name: "OrderedDict", use: .call) == .safe)
        #expect(AllowList.verdict(module: "numpy", name: "ndarray", use: .reference) == .safe)
        #expect(AllowList.verdict(module: "numpy", name: "ndarray", use: .call) == .unknownImports)
        #expect(AllowList.verdict(module: "sklearn.svm._classes", name: "SVC", use: .new) == .safe)
        #expect(AllowList.verdict(module: "sklearn.svm._classes", name: "SVC", use: .call) == .unknownImports)
    }

    @Test func `knows names exactly`() {
        #expect(AllowList.verdict(module: "sklearn.svm._classes", name: "SVCX", use: .new) == .unknownImports)
        #expect(AllowList.verdict(module: "sklearn.svm", name: "_classes.SVC", use: .new) == .dangerous)
        #expect(AllowList.verdict(module: "os", name: "system", use: .reference) == .dangerous)
        #expect(AllowList.verdict(module: "torch.jit._pickle", name: "build_intlist", use: .call) == .unknownImports)
    }

    @Test func `takes Python 2's names for what they became`() {
        #expect(AllowList.verdict(module: "__builtin__", name: "unicode", use: .call) == .safe)
        #expect(AllowList.verdict(module: "copy_reg", name: "_reconstructor", use: .call) == .safe)
        #expect(AllowList.verdict(module: "commands", name: "getoutput", use: .reference) == .dangerous)
        #expect(AllowList.verdict(module: "UserDict", name: "UserDict", use: .new) == .unknownImports)
    }
}
