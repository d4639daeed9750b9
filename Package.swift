// swift-tools-version: 6.2
import PackageDescription

/// Settings of every target of ours: one language, one strictness, no exceptions.
let house: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
]

/// A Swift target of ours.
func room(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: house)
}

/// The tests of one target, with the shared test kit.
func tests(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .testTarget(
        name: "\(name)Tests",
        dependencies: [.init(stringLiteral: name), "TestKit"] + dependencies,
        swiftSettings: house)
}

let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let heap: Target.Dependency = .product(name: "HeapModule", package: "swift-collections")
let lifecycle: Target.Dependency = .product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let arguments: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")
let yams: Target.Dependency = .product(name: "Yams", package: "Yams")

let package = Package(
    name: "ingot",
    products: [
        .executable(name: "ingotd", targets: ["ingotd"]),
        // What reads bytes of strangers; for the fuzzers in Fuzz.
        .library(name: "IngotReaders", targets: ["Manifest", "ModelFormats", "Settings"]),
        .executable(name: "ingot", targets: ["ingot"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    ],
    targets: [
        // Executables: arguments, wiring, exit codes.
        .executableTarget(
            name: "ingotd",
            dependencies: [
                "Intake", "ContentStore", "DropWatch", "Inspectors", "Settings", "ServiceManager", "LocalPostgres",
                "LinuxSystem",
                arguments, logging, lifecycle, .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ],
            swiftSettings: house),

        .executableTarget(
            name: "ingot",
            dependencies: [
                "ContentStore", "Inspectors", "LinuxSystem", "Manifest", "ModelFormats", "Registry", "Settings",
                "Vocabulary", arguments,
            ],
            swiftSettings: house),

        // The pipeline.
        room(
            "Intake",
            [
                "DropWatch", "ContentStore", "Inspectors", "Manifest", "ModelFormats", "Registry", "ServiceManager",
                "Settings", "LinuxSystem", heap, "Vocabulary", logging, lifecycle,
            ]),

        // Reads files in processes that can do nothing else.
        room("Inspectors", ["LinuxSystem", "ModelFormats", "Vocabulary"]),

        // One layer, no sideways imports.
        room("DropWatch", ["LinuxSystem", "Vocabulary"]),
        room("ContentStore", ["LinuxSystem", "Vocabulary", "CLibcrypto"]),
        room("Manifest", ["Vocabulary", yams]),
        room("ModelFormats", ["CCompression", "LinuxSystem", "Vocabulary"]),
        room("Registry", ["PostgresClient", "Vocabulary"]),
        room("ServiceManager", ["CSystemd", "LinuxSystem", "Vocabulary", logging]),
        room("Settings", ["LinuxSystem", "Vocabulary", yams]),
        room("LocalPostgres", ["LinuxSystem", "Vocabulary"]),

        room("PostgresClient", ["CLibpq", "Vocabulary"]),
        room("LinuxSystem", ["CLinux", "Vocabulary"]),
        room("Vocabulary"),

        // C: shims and system libraries, importable by one target each.
        .target(name: "CLinux"),
        .systemLibrary(name: "CLibpq", pkgConfig: "libpq", providers: [.apt(["libpq-dev"])]),
        .systemLibrary(name: "CSystemd", pkgConfig: "libsystemd", providers: [.apt(["libsystemd-dev"])]),
        .systemLibrary(
            name: "CCompression", providers: [.apt(["zlib1g-dev", "libbz2-dev", "liblzma-dev", "liblz4-dev"])]),
        .systemLibrary(name: "CLibcrypto", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),

        // Tests.
        .target(
            name: "TestKit",
            dependencies: [
                "ContentStore", "LinuxSystem", "LocalPostgres", "Manifest", "PostgresClient", "Vocabulary",
            ],
            path: "Tests/TestKit",
            swiftSettings: house),
        tests("Vocabulary"),
        tests("LinuxSystem"),
        tests("Manifest", ["LocalPostgres", "PostgresClient", "Vocabulary"]),
        tests("Settings"),
        tests("ServiceManager"),
        tests("Registry", ["LocalPostgres", "PostgresClient", "Vocabulary"]),
        tests("DropWatch", ["LinuxSystem"]),
        .testTarget(
            name: "ModelFormatsTests", dependencies: ["LinuxSystem", "ModelFormats", "TestKit", "Vocabulary"],
            exclude: ["Python"], swiftSettings: house),
        tests("ContentStore", ["LinuxSystem"]),
        tests("Inspectors", ["ingotd", "LinuxSystem", "ModelFormats", "Vocabulary"]),
        tests(
            "Intake",
            [
                "ingot", "ingotd", "LinuxSystem", "LocalPostgres", "Manifest", "ModelFormats", "PostgresClient",
                "Settings", "Vocabulary",
            ]),
        .testTarget(
            name: "CommandTests", dependencies: ["ingot", "LinuxSystem", "Manifest", "TestKit", "Vocabulary"],
            exclude: ["files.py"], swiftSettings: house),
        .executableTarget(name: "CRecorder", path: "Tests/CRecorder"),
        .testTarget(
            name: "FaultTests",
            dependencies: [
                "ingotd", "LinuxSystem", "LocalPostgres", "Manifest", "PostgresClient", "TestKit", "Vocabulary",
            ],
            exclude: ["hostile.py"], swiftSettings: house),
        .testTarget(name: "SystemTests", dependencies: ["LinuxSystem", "TestKit", "Vocabulary"], swiftSettings: house),
    ]
)
