/// What comes to a worker with the descriptor of a file: the file's size.
struct Request {
    static let byteCount = 8

    let sizeInBytes: Int64

    init(sizeInBytes: Int64) { self.sizeInBytes = sizeInBytes }

    init(_ bytes: [UInt8]) {
        sizeInBytes = Int64(bitPattern: bytes.prefix(8).reversed().reduce(0) { $0 << 8 | UInt64($1) })
    }

    var bytes: [UInt8] { (0..<8).map { UInt8(truncatingIfNeeded: sizeInBytes >> (8 * Int64($0))) } }
}

/// What stands before an answer.
struct AnswerHeader {
    static let byteCount = 8
    /// An answer is never longer: an inspection keeps few findings and names.
    static let longest = 64 << 20

    /// How many bytes of JSON follow.
    let length: Int
    /// After the start: what is in force of the sandbox. After that: 1 when the worker ends behind this answer.
    let word: UInt32

    init(length: Int, word: UInt32) {
        self.length = length
        self.word = word
    }

    init(_ bytes: ArraySlice<UInt8>) {
        func number(_ bytes: ArraySlice<UInt8>) -> UInt32 { bytes.reversed().reduce(0) { $0 << 8 | UInt32($1) } }
        length = Int(number(bytes.prefix(4)))
        word = number(bytes.dropFirst(4).prefix(4))
    }

    var bytes: [UInt8] {
        let both = UInt64(UInt32(clamping: length)) | UInt64(word) << 32
        return (0..<8).map { UInt8(truncatingIfNeeded: both >> (8 * UInt64($0))) }
    }
}
