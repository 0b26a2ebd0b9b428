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
    targets: [
        // SIMD kernels per instruction set, their dispatch and the thread pool.
        .target(name: "CKernels", cSettings: c),
        // Values of arithmetic: tensors, packed and quantised weights.
        .target(name: "Tensor", dependencies: ["CKernels"], swiftSettings: swift + [.strictMemorySafety()]),
        // File formats of model weights, and the path into them.
        .target(name: "Checkpoints", dependencies: ["Tensor"], swiftSettings: swift),
        // Building blocks that take their weights by path.
        .target(name: "Layers", dependencies: ["Tensor", "Checkpoints"], swiftSettings: swift),
        // Random numbers as others draw them.
        .target(name: "RandomSources", path: "Sources/Random", swiftSettings: swift),
        // What `lazuli bench` runs.
        .target(name: "Bench", dependencies: ["Tensor"], swiftSettings: swift),
        .testTarget(name: "TensorTests", dependencies: ["Tensor"], swiftSettings: swift),
    ],
    swiftLanguageModes: [.v6]
)
