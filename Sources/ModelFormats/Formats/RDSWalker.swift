internal import Vocabulary

/// Passes over every item of an R serialization (serialize.c of R), with a stack of its own in place of recursion.
///
/// A promise is evaluated when somebody first looks at it, which a model never needs; closures and bytecode are code
/// that runs when somebody calls it, which models of R do have.
struct RDSWalker {
    private static let stackLimit = 1_000_000
    private static let itemLimit = 100_000_000

    /// What is left to be read.
    private enum Work {
        /// So many items in a row.
        case items(Int64)
        /// A pairlist's tag.
        case tag
        /// The number of bytecode's constants, then these.
        case constantCount
        /// The constants of bytecode, so many.
        case constants(Int64)
        /// The type of a part of bytecode's language, then that part.
        case language
    }

    /// The kinds of item, by their number in the file.
    private enum Kind {
        static let symbol = 1
        static let pairlist = 2
        static let closure = 3
        static let environment = 4
        static let promise = 5
        static let language = 6
        static let bytecode = 21
    }

    private let bytes: ByteReader
    private let isBigEndian: Bool
    private var work: [Work] = [.items(1)]
    private var items = 0
    private var kinds: [Int: Int] = [:]
    private var promiseOffset: Int64?
    private var codeOffset: Int64?
    private var classes: [String] = []
    private var references: UInt32 = 0
    /// The number of the symbol `class` among what can be referred to.
    private var classReference: UInt32?
    private var nextIsClass = false
    private var classNamesLeft: Int64 = 0
    private var isInTag = false

    init(_ bytes: ByteReader, isBigEndian: Bool) {
        self.bytes = bytes
        self.isBigEndian = isBigEndian
    }

    mutating func readHeader(into report: inout HeaderReport) throws(ReadFailure) {
        let version = try integer("the version")
        guard version == 2 || version == 3 else {
            throw .malformed(what: "R's serialization has no version \(version)", offset: bytes.offset)
        }
        report.set("serialization_version", version)
        let writer = try integer("the version of R")
        report.set("r_version", "\(writer >> 16 & 0xFF).\(writer >> 8 & 0xFF).\(writer & 0xFF)")
        _ = try integer("the oldest reader's version")
        guard version == 3 else { return }
        report.set("native_encoding", String(decoding: try text("the native encoding"), as: UTF8.self))
    }

    func note(in report: inout HeaderReport) {
        report.set("item_count", items)
        report.set("classes", .list(classes.map { .text($0) }))
        if let promiseOffset {
            report.find(
                .dangerous, "rds_promise", "A promise is evaluated as soon as somebody looks at it.", at: promiseOffset)
        }
        if let codeOffset {
            let closures = kinds[Kind.closure] ?? 0
            let bytecodes = kinds[Kind.bytecode] ?? 0
            report.find(
                .unknownImports, "rds_code", "There is R code: \(closures) closures, \(bytecodes) with bytecode.",
                at: codeOffset)
        }
    }

    /// Reads everything that is left to be read.
    mutating func walk() throws(ReadFailure) {
        while let next = work.popLast() {
            guard work.count < Self.stackLimit, items < Self.itemLimit else {
                throw .limit("the object has too many or too deeply nested items")
            }
            switch next {
            case .items(let count):
                guard count > 0 else { continue }
                if count > 1 { work.append(.items(count - 1)) }
                try readItem()
            case .tag:
                isInTag = true
                try readItem()
            case .constantCount: work.append(.constants(try length(4, "the constants of bytecode")))
            case .constants(let count):
                guard count > 0 else { continue }
                work.append(.constants(count - 1))
                try readLanguage(try integer("a constant's type"))
            case .language: try readLanguage(try integer("a type in bytecode"))
            }
        }
    }

    private func integer(_ what: @autoclosure () -> String) throws(ReadFailure) -> Int32 {
        isBigEndian ? try bytes.big(Int32.self, what()) : try bytes.little(Int32.self, what())
    }

    /// A length and that many bytes; -1 is R's missing string.
    private func text(_ what: String) throws(ReadFailure) -> [UInt8] {
        let size = Int64(try integer(what))
        guard size >= -1 else { throw .malformed(what: "\(what) has the length \(size)", offset: bytes.offset) }
        guard size <= bytes.remaining else {
            throw .truncated(what: "\(what) of \(size) bytes", offset: bytes.offset)
        }
        let kept = try bytes.bytes(Int(min(max(size, 0), 1024)), what)
        try bytes.skip(max(size, 0) - Int64(kept.count), what)
        return kept
    }

    /// A vector's length, checked against the bytes that are left; long vectors have it in two more numbers.
    private func length(_ width: Int64, _ what: String) throws(ReadFailure) -> Int64 {
        var length = Int64(try integer("the length of \(what)"))
        if length == -1 {
            let high = Int64(try integer("the length of \(what)"))
            let low = Int64(UInt32(bitPattern: try integer("the length of \(what)")))
            guard (0...65_535).contains(high) else {
                throw .malformed(what: "\(what) is longer than any vector", offset: bytes.offset)
            }
            length = high << 32 | low
        }
        guard length >= 0 else { throw .malformed(what: "\(what) has the length \(length)", offset: bytes.offset) }
        guard length <= bytes.remaining / width else {
            throw .truncated(what: "\(what) with \(length) elements", offset: bytes.offset)
        }
        return length
    }
}

// MARK: - Items

extension RDSWalker {
    private mutating func readItem() throws(ReadFailure) {
        let start = bytes.offset
        let flags = UInt32(bitPattern: try integer("an item"))
        let kind = Int(flags & 0xFF)
        items += 1
        kinds[kind, default: 0] += 1
        let isTag = isInTag
        let isClass = nextIsClass
        (isInTag, nextIsClass) = (false, false)
        if kind == Kind.promise { promiseOffset = promiseOffset ?? start }
        if kind == Kind.closure || kind == Kind.bytecode { codeOffset = codeOffset ?? start }
        switch kind {
        case 242, 241, 250, 251, 252, 253, 254: break
        case 255: try readReference(flags, isTag: isTag)
        case Kind.symbol: try readSymbol(isTag: isTag)
        case 9: try readCharacters()
        case 2, 3, 5, 6, 17, 239, 240: pushPairlist(flags, hasAttributes: flags & 0x200 != 0 || kind >= 239)
        default: try readOther(kind, flags, isClass: isClass)
        }
    }

    private mutating func readOther(_ kind: Int, _ flags: UInt32, isClass: Bool) throws(ReadFailure) {
        let hasAttributes = flags & 0x200 != 0
        switch kind {
        case Kind.environment:
            references &+= 1
            _ = try integer("an environment")
            work.append(.items(4))
            return
        case 7, 8: _ = try text("a builtin's name")
        case 10, 13: try skipVector(4, "a vector of integers")
        case 14: try skipVector(8, "a vector of numbers")
        case 15: try skipVector(16, "a vector of complex numbers")
        case 24: try skipVector(1, "raw bytes")
        case 16, 19, 20:
            let count = try length(4, "a list")
            if hasAttributes { work.append(.items(1)) }
            work.append(.items(count))
            if isClass, kind == 16 { classNamesLeft = count }
            return
        case Kind.bytecode:
            _ = try integer("bytecode")
            if hasAttributes { work.append(.items(1)) }
            pushBytecode()
            return
        case 22, 23:
            references &+= 1
            if kind == 22 {
                work.append(.items(hasAttributes ? 3 : 2))
            } else if hasAttributes {
                work.append(.items(1))
            }
            return
        case 25: break
        case 238: return work.append(.items(3))
        case 247, 248, 249:
            references &+= 1
            _ = try integer("a namespace")
            return work.append(.items(try length(4, "a namespace")))
        default:
            throw .malformed(what: "\(kind) is no type of R", offset: bytes.offset)
        }
        if hasAttributes { work.append(.items(1)) }
    }

    private mutating func skipVector(_ width: Int64, _ what: String) throws(ReadFailure) {
        try bytes.skip(length(width, what) * width, what)
    }

    /// Attributes, tag, value, and the rest of the list, of which there is always one.
    private mutating func pushPairlist(_ flags: UInt32, hasAttributes: Bool) {
        work.append(.items(2))
        if flags & 0x400 != 0 { work.append(.tag) }
        if hasAttributes { work.append(.items(1)) }
    }

    private mutating func readReference(_ flags: UInt32, isTag: Bool) throws(ReadFailure) {
        var index = flags >> 8
        if index == 0 { index = UInt32(bitPattern: try integer("a reference")) }
        guard (1...max(references, 1)).contains(index), references > 0 else {
            throw .malformed(what: "reference \(index) is to nothing", offset: bytes.offset)
        }
        nextIsClass = isTag && index == classReference
    }

    /// A symbol is an item of characters, which is read at once to know the tag `class`.
    private mutating func readSymbol(isTag: Bool) throws(ReadFailure) {
        guard try integer("a symbol") & 0xFF == 9 else {
            throw .malformed(what: "a symbol has no name", offset: bytes.offset)
        }
        references &+= 1
        guard try text("a symbol's name") == Array("class".utf8) else { return }
        classReference = references
        nextIsClass = isTag
    }

    private mutating func readCharacters() throws(ReadFailure) {
        let characters = try text("a string")
        guard classNamesLeft > 0 else { return }
        classNamesLeft -= 1
        let name = String(decoding: characters, as: UTF8.self)
        if classes.count < HeaderReport.listLimit, !classes.contains(name) { classes.append(name) }
    }

    /// The code is an item, then come the constants, each with its type before it.
    private mutating func pushBytecode() {
        work.append(.constantCount)
        work.append(.items(1))
    }

    /// A part of bytecode's language, by its type.
    private mutating func readLanguage(_ type: Int32) throws(ReadFailure) {
        switch type {
        case 21: pushBytecode()
        case 243: _ = try integer("a reference in bytecode")
        case 244:
            _ = try integer("a reference in bytecode")
            work.append(.language)
        case 2, 6, 239, 240:
            work.append(.language)
            work.append(.language)
            work.append(.items(type >= 239 ? 2 : 1))
        default: try readItem()
        }
    }
}
