import CFuzzer
import Glibc
import Manifest
import ModelFormats
import Settings

/// What is fuzzed: the reader that `INGOT_FUZZ` names.
private let reader: @Sendable ([UInt8]) -> Void = {
    switch unsafe getenv("INGOT_FUZZ").map({ unsafe String(cString: $0) }) {
    case "manifest-json": { _ = try? Manifest.parse($0, syntax: .json) }
    case "manifest-yaml": { _ = try? Manifest.parse($0, syntax: .yaml) }
    case "configuration":
        { bytes in
            guard let text = String(validating: bytes, as: UTF8.self) else { return }
            _ = try? Settings.parse(text, file: "fuzz.yaml", environment: [:])
        }
    case "model": { _ = Inspector.inspect(MemoryBytes($0)) }
    default: fatalError("INGOT_FUZZ names no reader")
    }
}()

@main enum Fuzz {
    static func main() {
        var count = CommandLine.argc
        var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?> = unsafe CommandLine.unsafeArgv
        // One input: whatever it is, nothing may trap, hang, or take more memory than a small multiple of it.
        exit(
            unsafe LLVMFuzzerRunDriver(&count, &arguments) { bytes, count in
                unsafe reader(Array(UnsafeBufferPointer(start: bytes, count: count)))
                return 0
            })
    }
}
