import Checkpoints
import Foundation
import JSON
import Kinds
import Pipelines
import Tensor
import Testing
import Vocabulary

/// A whole tiny model of Tests/Goldens/make_goldens.py: configurations, weights that both sides compute, requests and the
/// pictures that diffusers draws for them.
struct TinyModel {
    static let sd1 = "pipeline-sd1"
    static let sdxl = "pipeline-sdxl"
    /// Its requests say other things than its scheduler's file.
    static let overrides = "pipeline-overrides"

    /// Models and what they draw from pictures.
    static let sources = [
        "source-sd1", "source-sd1-mask", "source-sdxl", "source-inpaint", "source-inpaint-xl", "source-instruct",
        "source-instruct-xl",
    ]

    /// What is drawn from a prompt alone.
    let requests: [Generate]
    /// Members of every request; pictures are named by the numbers of their tensors.
    let members: [[String: JSON]]
    let pictures: [Tensor]
    /// Pictures that requests name, by kind and number, such as "source.0".
    let inputs: [String: Tensor]
    private let files: [(path: String, bytes: [UInt8])]

    private static let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()

    /// `seed` other than the golden's gives a model of the same shapes with other weights.
    init(_ golden: String, seed: Int? = nil) throws {
        let path = Self.tests.appendingPathComponent("Goldens/models/\(golden)").path
        let file = try JSON(Array(Data(contentsOf: URL(fileURLWithPath: path + ".json"))))
        let config = try #require(file["config"]?.asObject)
        let weights = try #require(file["weights"]?.asObject)
        let seed = try #require(seed ?? file["seed"]?.asInt)
        var files: [(String, [UInt8])] = []
        for (name, value) in config where name != "requests" {
            switch name {
            case "model_index.json": files.append((name, value.text()))
            case "scheduler": files.append(("scheduler/scheduler_config.json", value.text()))
            case "tokenizer", "tokenizer_2":
                files.append(("\(name)/tokenizer_config.json", value.text()))
                for file in ["vocab.json", "merges.txt"] {
                    let source = Self.tests.appendingPathComponent("TokenizersTests/Goldens/clip/\(file)")
                    files.append(("\(name)/\(file)", Array(try Data(contentsOf: source))))
                }
            default:
                files.append(("\(name)/config.json", value.text()))
                let file = name.hasPrefix("text") ? "model" : "diffusion_pytorch_model"
                let tensors = try Self.tensors(weights, name + "/", UInt64(seed))
                files.append(("\(name)/\(file).safetensors", SafetensorsWriter.file(tensors)))
            }
        }
        self.files = files
        members = (config["requests"]?.asArray ?? []).enumerated().map { number, request in
            var fixed: [String: JSON] = ["steps": .int(3), "seed": .int(number), "precision": .string("f32")]
            if request["image"] == nil { (fixed["width"], fixed["height"]) = (.int(32), .int(32)) }
            return fixed.merging(request.asObject ?? [:]) { $1 }
        }
        requests = try members.filter { $0["image"] == nil }.map { try Generate($0) }
        let kept = try SafetensorsWriter.tensors(
            Array(Data(contentsOf: URL(fileURLWithPath: path + ".safetensors"))), name: golden)
        pictures = members.indices.compactMap { kept[String($0)] }
        inputs = kept.filter { Int($0.key) == nil }
        try #require(pictures.count == members.count)
    }

    /// Writes the model's folder.
    func write(to folder: String) throws {
        for (path, bytes) in files {
            let file = URL(fileURLWithPath: "\(folder)/\(path)")
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(bytes).write(to: file)
        }
    }

    private static func tensors(_ table: [String: JSON], _ prefix: String, _ seed: UInt64) throws -> [String: Tensor] {
        var tensors: [String: Tensor] = [:]
        for (key, value) in table where key.hasPrefix(prefix) {
            let numbers = (value.asArray ?? []).compactMap(\.asDouble)
            try #require(numbers.count > 2)
            let shape = numbers.dropFirst(2).map { Int($0) }
            tensors[String(key.dropFirst(prefix.count))] = Tensor(
                ComputedWeights.floats(
                    key, seed, offset: Float(numbers[0]), scale: Float(numbers[1]), shape.reduce(1, *)), shape)
        }
        return tensors
    }
}

/// Weights that both sides compute: Tests/Goldens/weights.py says how.
enum ComputedWeights {
    /// A tensor by its name, with the offset and scale of its role.
    static func tensor(_ name: String, _ seed: UInt64, _ shape: [Int]) -> Tensor {
        let (offset, scale) = role(name, shape)
        return Tensor(floats(name, seed, offset: offset, scale: scale, shape.reduce(1, *)), shape)
    }

    private static func role(_ name: String, _ shape: [Int]) -> (offset: Float, scale: Float) {
        if shape.count == 1 { return (name.hasSuffix("weight") ? 1 : 0, 0.1) }
        if name.contains("embed") && !name.contains("proj") && !name.contains("linear") { return (0, 0.5) }
        return (0, Float((3 / Double(shape.dropFirst().reduce(1, *))).squareRoot()))
    }

    /// Elements of the tensor `name`.
    static func floats(_ name: String, _ seed: UInt64, offset: Float, scale: Float, _ count: Int) -> [Float] {
        var state = name.utf8.reduce(0xCBF2_9CE4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 } ^ seed
        return (0..<count).map { _ in
            state &+= 0x9E37_79B9_7F4A_7C15
            var z = (state ^ (state >> 30)) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
            z ^= z >> 31
            return offset + scale * (Float(Int(z >> 40) - 1 << 23) / Float(1 << 23))
        }
    }
}

/// A folder that goes with the test.
final class TemporaryFolder {
    let path: String

    init() throws {
        path = "/tmp/lazuli-test-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// A workshop over the models of this folder.
    func workshop(budgetBytes: Int? = nil) -> Workshop {
        Workshop(ModelCatalog(roots: [path]), budgetBytes: budgetBytes)
    }
}
