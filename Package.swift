// swift-tools-version: 6.2
import PackageDescription

let swift: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .treatAllWarnings(as: .error),
]
let c: [CSetting] = [.enableWarning("all"), .enableWarning("extra"), .treatAllWarnings(as: .error)]

let package = Package(
    name: "lazuli",
    products: [
        .executable(name: "lazuli", targets: ["lazuli"]),
        .executable(name: "lazulid", targets: ["lazulid"]),
    ],
    dependencies: [
        .package(url: "https://github.com/hummingbird-project/hummingbird", exact: "2.28.1", traits: []),
        .package(url: "https://github.com/groue/GRDB.swift", exact: "7.10.0"),
        .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
        .package(url: "https://github.com/apple/swift-http-types", exact: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", exact: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", exact: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-extras", exact: "1.35.2"),
        .package(url: "https://github.com/apple/swift-system", exact: "1.8.1"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", exact: "2.13.0"),
    ],
    targets: [
        // Words that every room speaks.
        .target(name: "Vocabulary", swiftSettings: swift),
        // The one reader and writer of JSON.
        .target(name: "JSON", swiftSettings: swift),
        // SIMD kernels per instruction set, their dispatch and the thread pool.
        .target(name: "CKernels", cSettings: c),
        // Shims over libpng and libjpeg-turbo, whose error paths are setjmp's.
        .target(
            name: "CImages", cSettings: c,
            linkerSettings: [
                .linkedLibrary("png"), .linkedLibrary("jpeg"), .linkedLibrary("webp"), .linkedLibrary("lcms2"),
                .linkedLibrary("z"),
            ]),
        // SHA-256 of the system's libcrypto.
        .target(name: "CCrypto", cSettings: c, linkerSettings: [.linkedLibrary("crypto")]),
        .target(name: "Digests", dependencies: ["CCrypto"], swiftSettings: swift),
        // The one way to start a program.
        .target(name: "Processes", swiftSettings: swift),
        // Values of arithmetic: tensors, packed and quantised weights.
        .target(
            name: "Tensor", dependencies: ["CKernels", "Vocabulary"], swiftSettings: swift + [.strictMemorySafety()]),
        // File formats of model weights, and the path into them.
        .target(name: "Checkpoints", dependencies: ["JSON", "Tensor"], swiftSettings: swift),
        // Building blocks that take their weights by path.
        .target(name: "Layers", dependencies: ["Checkpoints", "Tensor", "Vocabulary"], swiftSettings: swift),
        // Text to token ids and back.
        .target(
            name: "Tokenizers", dependencies: ["JSON"], exclude: ["Unicode/make_canonical_mappings.py"],
            swiftSettings: swift),
        // Pictures as bytes: PNG, JPEG, orientation, metadata.
        .target(name: "Images", dependencies: ["CImages", "CKernels", "Vocabulary"], swiftSettings: swift),
        // One architecture a file.
        .target(name: "Models", dependencies: ["Checkpoints", "Layers", "Tensor"], swiftSettings: swift),
        // Samplers and noise schedules as tables of numbers.
        .target(name: "Schedulers", path: "schedulers", exclude: ["README.md"], swiftSettings: swift),
        // Random numbers as others draw them.
        .target(name: "RandomSources", dependencies: ["Vocabulary"], path: "Sources/Random", swiftSettings: swift),
        // One task a file, and the registry of models.
        .target(
            name: "Pipelines",
            dependencies: [
                "API", "Checkpoints", "Digests", "Images", "JSON", "Kinds", "Models", "RandomSources", "Schedulers",
                "Tensor", "Tokenizers", "Vocabulary",
            ], swiftSettings: swift),
        // Wire types shared by daemon and client.
        .target(name: "API", dependencies: ["JSON", "Vocabulary"], swiftSettings: swift),
        // Kinds of jobs as tables of parameters.
        .target(name: "Kinds", dependencies: ["API", "JSON", "Vocabulary"], swiftSettings: swift),
        // Frames between the daemon and its worker.
        .target(name: "Wire", dependencies: ["API", "JSON", "Vocabulary"], swiftSettings: swift),
        // What the worker does: whose slice is next, and the thread that computes it.
        .target(
            name: "Engine",
            dependencies: [
                "API", "Checkpoints", "Digests", "Images", "JSON", "Kinds", "Pipelines", "Schedulers", "Tensor",
                "Tokenizers", "Vocabulary", "Wire",
            ], swiftSettings: swift),
        // The state machine of a job and its journal.
        .target(
            name: "Jobs", dependencies: ["Vocabulary", .product(name: "GRDB", package: "GRDB.swift")],
            swiftSettings: swift),
        // HTTP: dialects that only translate to and from kinds of jobs.
        .target(
            name: "HTTP",
            dependencies: [
                "API", "Digests", "JSON", "Kinds", "Vocabulary",
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTPTypes", package: "swift-nio-extras"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ], swiftSettings: swift),
        // The daemon: takes jobs, holds the worker, joins both. Names no kind of job.
        .target(
            name: "Service",
            dependencies: [
                "API", "Digests", "HTTP", "JSON", "Jobs", "Kinds", "Processes", "Vocabulary", "Wire",
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ], swiftSettings: swift),
        // Talks to the socket.
        .target(
            name: "Client", dependencies: ["API", "Digests", "JSON", "Kinds", "Processes", "Vocabulary"],
            swiftSettings: swift),
        // What `lazuli bench` runs.
        .target(
            name: "Benchmark", dependencies: ["Checkpoints", "Models", "Pipelines", "Tensor", "Vocabulary"],
            swiftSettings: swift),
        // The two programs.
        .executableTarget(
            name: "lazulid",
            dependencies: [
                "API", "Engine", "HTTP", "Kinds", "Pipelines", "Processes", "Service", "Vocabulary", "Wire",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
            ], swiftSettings: swift),
        .executableTarget(
            name: "lazuli",
            dependencies: [
                "API", "Benchmark", "Checkpoints", "Client", "Digests", "Images", "JSON", "Kinds", "Pipelines",
                "Processes",
                "Tensor", "Vocabulary",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "SystemPackage", package: "swift-system"),
            ], swiftSettings: swift),
        // Kernels checked against double precision, in C so that emulators of other machines run them too.
        .target(name: "CKernelChecks", dependencies: ["CKernels"], path: "Tests/CKernelChecks", cSettings: c),
        // A worker without weights, for the tests of everything around one.
        .executableTarget(
            name: "FakeWorker",
            dependencies: ["API", "Digests", "JSON", "Vocabulary", "Wire"],
            path: "Tests/FakeWorker",
            swiftSettings: swift),
        // HTTP over a Unix socket for tests, also as another user.
        .target(name: "CPeers", path: "Tests/CPeers", cSettings: c),
        .target(name: "UnixHTTP", dependencies: ["CPeers"], path: "Tests/UnixHTTP", swiftSettings: swift),
        .testTarget(
            name: "CKernelsTests", dependencies: ["CKernelChecks", "CKernels"], exclude: ["Goldens"],
            swiftSettings: swift),
        .testTarget(
            name: "EngineTests",
            dependencies: [
                "API", "Checkpoints", "Digests", "Engine", "Images", "JSON", "Kinds", "Models", "Pipelines",
                "Schedulers",
                "Tensor", "Vocabulary", "Wire",
            ], exclude: ["Goldens"], swiftSettings: swift),
        .testTarget(name: "KindsTests", dependencies: ["API", "JSON", "Kinds", "Vocabulary"], swiftSettings: swift),
        .testTarget(name: "WireTests", dependencies: ["API", "JSON", "Vocabulary", "Wire"], swiftSettings: swift),
        .testTarget(
            name: "JobsTests", dependencies: ["Jobs", "Vocabulary", .product(name: "GRDB", package: "GRDB.swift")],
            swiftSettings: swift),
        .testTarget(
            name: "ClientTests", dependencies: ["API", "Client", "Digests", "Vocabulary"], swiftSettings: swift),
        .testTarget(
            name: "HTTPTests",
            dependencies: [
                "API", "HTTP", "JSON", "Kinds", "UnixHTTP", "Vocabulary",
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
            ], swiftSettings: swift),
        .testTarget(
            name: "ServiceTests",
            dependencies: [
                "API", "Digests", "FakeWorker", "JSON", "Jobs", "Service", "UnixHTTP", "Vocabulary", "lazulid",
                .product(name: "GRDB", package: "GRDB.swift"),
            ], swiftSettings: swift),
        .testTarget(
            name: "CommandTests", dependencies: ["FakeWorker", "lazuli", "lazulid"], exclude: ["Goldens"],
            swiftSettings: swift),
        .testTarget(name: "DigestsTests", dependencies: ["Digests"], swiftSettings: swift),
        .testTarget(name: "JSONTests", dependencies: ["JSON"], swiftSettings: swift),
        .testTarget(name: "TensorTests", dependencies: ["Tensor", "Vocabulary"], swiftSettings: swift),
        .testTarget(
            name: "CheckpointsTests", dependencies: ["Checkpoints", "JSON", "Vocabulary"], exclude: ["Goldens"],
            swiftSettings: swift),
        .testTarget(
            name: "TokenizersTests", dependencies: ["JSON", "Tokenizers"],
            exclude: ["Goldens", "corpus.py", "make_goldens.py"],
            swiftSettings: swift),
        .testTarget(
            name: "ImagesTests", dependencies: ["Images", "Vocabulary"], exclude: ["Goldens"], swiftSettings: swift),
        .testTarget(
            name: "FaultTests", dependencies: ["Checkpoints", "Images", "Vocabulary"], swiftSettings: swift),
        .testTarget(
            name: "ModelsTests",
            dependencies: ["Checkpoints", "JSON", "Layers", "Models", "Tensor", "Vocabulary"], swiftSettings: swift),
        .testTarget(
            name: "SchedulersTests", dependencies: ["RandomSources", "Schedulers", "Vocabulary"],
            exclude: ["make_goldens.py", "make_comfyui_goldens.py", "make_kdiffusion_goldens.py"],
            resources: [.copy("Goldens")], swiftSettings: swift),
        .testTarget(
            name: "RandomSourcesTests", dependencies: ["RandomSources", "Vocabulary"], exclude: ["make_goldens.py"],
            resources: [.copy("Goldens")], swiftSettings: swift),
    ],
    swiftLanguageModes: [.v6]
)
