import Checkpoints
import Engine
import Foundation
import Images
import JSON
import Kinds
import Pipelines
import Tensor
import Testing
import Vocabulary

/// Models as their owners publish them, scaled down in width; Tests/Goldens/published_goldens.py tells what stays.
@Suite struct PublishedTests {
    @Test(arguments: Published.drawn)
    func `a published configuration draws what diffusers draws`(name: String) throws {
        let folder = try TemporaryFolder()
        let model = try Published(name)
        try model.write(to: "\(folder.path)/m")
        let workshop = folder.workshop()
        var pictures = try model.pictures()
        #expect(model.requests.count >= 2)
        var inputs = try Inputs()
        var blobs: [String: Blob] = [:]
        for parameter in ["image", "mask"] where model.requests[0][parameter] != nil {
            blobs[parameter] = try inputs.add(pictures.removeFirst())
        }
        #expect(pictures.count == model.requests.count)
        for (number, members) in model.requests.enumerated() {
            var members = members
            for (parameter, blob) in blobs { members[parameter] = .string(blob.sha256) }
            (members["model"], members["seed"], members["precision"]) = (.string("m"), .int(number), .string("f32"))
            if blobs.isEmpty {
                (members["width"], members["height"]) = (.int(Published.width), .int(Published.height))
            }
            let files =
                members["kind"]?.asString == "edit"
                ? try workshop.draw(Edit(members), inputs: inputs.files).reports.files
                : try workshop.draw(Generate(members), inputs: inputs.files).reports.files
            let found = try Image.decode(try #require(files.first)).samples
            for (other, wanted) in pictures.enumerated() {
                #expect(found.count == wanted.samples.count)
                let distance = zip(found, wanted.samples).map { abs(Int($0) - Int($1)) }.max() ?? 255
                // The pictures differ by more than what is allowed, so that one is not taken for another.
                #expect((distance <= 2) == (other == number), "request \(number), picture \(other): \(distance)")
            }
        }
    }

    @Test(arguments: Published.refused)
    func `a published configuration that cannot be drawn is refused when it is opened`(name: String) throws {
        let folder = try TemporaryFolder()
        try Published(name).write(to: "\(folder.path)/m")
        let error = #expect(throws: (any Error).self) {
            _ = try Registry(ModelCatalog(roots: [folder.path])).textToImage("m", .f32)
        }
        #expect("\(try #require(error))".contains("refiner"), "\(String(describing: error))")
    }

    @Test func `there are forty of them`() {
        #expect(Published.drawn.count >= 40)
        #expect(Set(Published.drawn + Published.refused).count == Published.drawn.count + Published.refused.count)
    }
}

/// One model of Tests/Goldens/published.
private struct Published {
    static let width = 64, height = 48

    private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("../Goldens/published").standardizedFileURL
    private static let all = (try? JSON(Array(Data(contentsOf: folder.appendingPathComponent("models.json")))))
    private static let models = all?["models"]?.asArray ?? []

    static let drawn = names { !$0.isEmpty }
    static let refused = names(\.isEmpty)

    private static func names(_ fits: ([JSON]) -> Bool) -> [String] {
        models.filter { fits($0["requests"]?.asArray ?? []) }.compactMap { $0["name"]?.asString }
    }

    let name: String
    let requests: [[String: JSON]]
    private let facts: JSON

    init(_ name: String) throws {
        self.name = name
        facts = try #require(Self.models.first { $0["name"]?.asString == name })
        requests = (facts["requests"]?.asArray ?? []).compactMap(\.asObject)
    }

    /// The pictures of the golden, from the top: source and mask where there are any, then one for each request.
    func pictures() throws -> [Image] {
        let file = Self.folder.appendingPathComponent("\(name).png")
        let stack = try Image.decode(Array(Data(contentsOf: file)))
        try #require(stack.width == Self.width && stack.height % Self.height == 0)
        let size = Self.width * Self.height * stack.channels
        return (0..<stack.height / Self.height).map {
            Image(
                width: Self.width, height: Self.height, channels: stack.channels,
                samples: Array(stack.samples[$0 * size..<($0 + 1) * size]))
        }
    }

    /// Writes the model as diffusers saves it.
    func write(to folder: String) throws {
        try write(try #require(facts["index"]).text(), "\(folder)/model_index.json")
        try write(try #require(facts["scheduler"]).text(), "\(folder)/scheduler/scheduler_config.json")
        let seed = UInt64(try #require(Self.all?["seed"]?.asInt))
        for (part, identifier) in try #require(facts["parts"]?.asObject) {
            let identifier = try #require(identifier.asString)
            guard let config = Self.all?["parts"]?[identifier] else { continue }
            try write(config.text(), "\(folder)/\(part)/config.json")
            let shapes = Self.folder.appendingPathComponent("shapes-\(identifier).json")
            // What is refused is refused for its configuration, and some of it has no shapes here.
            guard !requests.isEmpty else { continue }
            var tensors: [String: Tensor] = [:]
            for (name, shape) in Self.spread(try JSON(Array(Data(contentsOf: shapes)))) {
                tensors[name] = ComputedWeights.tensor("\(part)/\(name)", seed, shape)
            }
            let file = part.hasPrefix("text") ? "model" : "diffusion_pytorch_model"
            try write(SafetensorsWriter.file(tensors), "\(folder)/\(part)/\(file).safetensors")
            guard part.hasPrefix("text") else { continue }
            let tokenizer = part.replacing("text_encoder", with: "tokenizer")
            let padding: JSON = part == "text_encoder" ? facts["pad_token"] ?? .null : .string("!")
            try write(
                JSON.object(["pad_token": padding, "model_max_length": .int(77)]).text(),
                "\(folder)/\(tokenizer)/tokenizer_config.json")
            for file in ["vocab.json", "merges.txt"] {
                let source = Self.folder.appendingPathComponent("../../TokenizersTests/Goldens/clip/\(file)")
                try write(Array(Data(contentsOf: source)), "\(folder)/\(tokenizer)/\(file)")
            }
        }
    }

    private func write(_ bytes: [UInt8], _ path: String) throws {
        let file = URL(fileURLWithPath: path)
        try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(bytes).write(to: file)
    }

    /// Shapes by name from a tree where brothers that are alike share an entry, "0,1".
    private static func spread(_ tree: JSON, _ path: String = "") -> [String: [Int]] {
        if let shape = tree.asArray { return [path: shape.compactMap(\.asInt)] }
        var shapes: [String: [Int]] = [:]
        for (keys, value) in tree.asObject ?? [:] {
            for key in keys.split(separator: ",") {
                shapes.merge(spread(value, path.isEmpty ? String(key) : "\(path).\(key)")) { $1 }
            }
        }
        return shapes
    }
}
