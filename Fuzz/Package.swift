// swift-tools-version: 6.2
import PackageDescription

// Coverage-guided fuzzing, libFuzzer (https://llvm.org/docs/LibFuzzer.html) of the toolchain. A package of its own, because everything
// in it is built with other flags; run it with scripts/fuzz.
let package = Package(
    name: "fuzz",
    dependencies: [.package(name: "ingot", path: "..")],
    targets: [
        .target(name: "CFuzzer"),
        .executableTarget(
            name: "fuzz", dependencies: ["CFuzzer", .product(name: "IngotReaders", package: "ingot")],
            swiftSettings: [
                .swiftLanguageMode(.v6), .strictMemorySafety(), .unsafeFlags(["-parse-as-library"]),
            ]),
    ])
