import API
import Checkpoints
import Engine
import Foundation
import Images
import Pipelines
import Testing
import Wire

/// The whole way from a request to files, on the default model. `Kernels.threads` belongs to the process, so one at a time.
@Suite(.serialized, .enabled(if: TestModels.hasLanguageModel, "run `make language-model` first"))
struct EngineTests {
    private let engine = TestModels.engine

    private func request(_ prompt: String = "a red apple", _ change: (inout GenerateRequest) -> Void = { _ in })
        -> GenerateRequest
    {
        var request = GenerateRequest(prompt: prompt, width: 64, height: 48, steps: 2, seed: 7)
        change(&request)
        return request
    }

    @Test func `a request becomes a picture of its size`() throws {
        let (result, report) = try engine.draw(request())
        let image = try Image.decode(try #require(report.files.first))
        #expect(image.width == 64 && image.height == 48)
        #expect(result.model == "lazuli-mini" && result.promptTokens > 0 && result.truncatedText == nil)
        #expect(report.stages == [.load, .encode, .denoise, .decode, .write])
        #expect(result.modelSHA256?.count == 64)
    }

    /// Goldens/mini.png comes from `training/reference.py "a red apple on a blue background" --seed 1 --steps 4`.
    @Test func `the default model draws what torch and diffusers draw`() throws {
        let golden = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent(
            "Goldens/mini.png")
        let wanted = try Image.decode([UInt8](Data(contentsOf: golden)))
        let file = try engine.draw(
            GenerateRequest(
                prompt: "a red apple on a blue background", steps: 4, seed: 1, precision: .f32)
        ).report.files[0]
        let picture = try Image.decode(file)
        #expect(picture.width == wanted.width && picture.height == wanted.height)
        let distances = zip(picture.samples, wanted.samples).map { abs(Int($0) - Int($1)) }
        #expect(distances.max() ?? 255 <= 2)
    }

    @Test(arguments: [API.ImageFormat.png, .jpeg]) func `a recipe, replayed, gives the same bytes`(
        format: API.ImageFormat
    ) throws {
        let original = request("a \"quoted\" cat, naïve: 猫\n on two lines") {
            $0.format = format
            $0.negativePrompt = "dog"
            $0.sampler = "DPM++ 2M"
            $0.count = 2
        }
        let files = try engine.draw(original).report.files
        #expect(files.count == 2)
        for file in files {
            let text = try #require(try Metadata(reading: file).recipe)
            let recipe = try JSONDecoder().decode(Recipe.self, from: Data(text.utf8))
            #expect(try engine.draw(recipe.request).report.files == [file])
        }
    }

    @Test func `pictures of a batch are those of their seeds alone`() throws {
        let batch = try engine.draw(request { $0.count = 3 }).report.files
        for (index, file) in batch.enumerated() {
            let single = try engine.draw(request { $0.seed = 7 + UInt64(index) }).report.files
            #expect(try Image.decode(file) == Image.decode(single[0]))
        }
        #expect(Set(batch).count == 3)
    }

    @Test(arguments: [MetadataLevel.none, .minimal]) func `metadata can be left out`(level: MetadataLevel) throws {
        let file = try #require(try engine.draw(request { $0.metadata = level }).report.files.first)
        let metadata = try Metadata(reading: file)
        #expect(metadata.recipe == nil && metadata.parameters == nil)
    }

    @Test func `sizes that cannot be drawn are refused with the nearest`() throws {
        let error = try #require(throws: ExecutionError.self) { try engine.draw(request { $0.width = 61 }) }
        guard case .failed(let body) = error else { return #expect(Bool(false), "\(error)") }
        #expect(body.code == "invalid_size" && body.message.contains("64x48"))
    }

    @Test func `a prompt that is too long is reported, or refused on demand`() throws {
        let long = [String](repeating: "apple", count: 100).joined(separator: " ")
        let (result, report) = try engine.draw(request(long))
        #expect(result.truncatedText?.hasSuffix("apple") == true && report.warnings.count == 1)
        #expect(long.hasSuffix(result.truncatedText ?? "?"))
        #expect(throws: ExecutionError.self) { try engine.draw(request(long) { $0.onTruncate = .error }) }
    }

    @Test func `an unknown model, sampler or precision is an error with a remedy`() throws {
        for change: (inout GenerateRequest) -> Void in [
            { $0.model = "nothing" }, { $0.sampler = "nothing" }, { $0.schedule = "nothing" }, { $0.precision = .int8 },
            { $0.model = "../lazuli-mini" },
        ] {
            #expect(throws: ExecutionError.self) { try engine.draw(request("a", change)) }
        }
    }

    @Test func `a cancelled job stops within a step and writes nothing`() throws {
        let report = Report()
        var asked = 0
        #expect(throws: ExecutionError.cancelled) {
            try engine.run(request { $0.steps = 50 }, report: { report.add($0) }) {
                asked += 1
                return asked > 5
            }
        }
        #expect(report.files.isEmpty && asked == 6)
    }

    @Test func `a weight that is not a number fails the job with stage and step`() throws {
        for (part, name, stage) in [
            ("unet", "conv_out.bias", Stage.denoise), ("vae", "decoder.layers.0.bias", .decode),
        ] {
            try TestModels.withChangedCopy(
                part: part,
                { weights, store in
                    let range = try store.entry(name).range
                    weights.replaceSubrange(range.lowerBound..<range.lowerBound + 2, with: [0x00, 0x7E])
                },
                { engine in
                    let report = Report()
                    let error = try #require(throws: ExecutionError.self) {
                        try engine.run(request { $0.model = "changed" }, report: { report.add($0) }) { false }
                    }
                    guard case .failed(let body) = error else { return #expect(Bool(false), "\(error)") }
                    #expect(body.code == "non_finite" && body.stage == stage)
                    #expect(body.step == (stage == .denoise ? 1 : nil) && report.files.isEmpty)
                })
        }
    }

    @Test func `a checkpoint with a tensor too many or too few is refused`() throws {
        for (old, new) in [("conv_out.bias", "conv_out.bios")] {
            try TestModels.withChangedCopy(
                part: "unet",
                { weights, _ in
                    let place = try #require(weights.range(of: Data("\"\(old)\"".utf8)))
                    weights.replaceSubrange(place, with: Data("\"\(new)\"".utf8))
                },
                { engine in
                    let error = try #require(throws: ExecutionError.self) {
                        try engine.draw(request { $0.model = "changed" })
                    }
                    guard case .failed(let body) = error else { return #expect(Bool(false), "\(error)") }
                    #expect(body.code == "bad_checkpoint" && body.message.contains("conv_out.bias"))
                })
        }
    }

    @Test func `models are listed with what is wrong with them`() throws {
        let models = try engine.models()
        let mini = try #require(models.first { $0.id == "lazuli-mini" })
        #expect(mini.isDefault && mini.unavailable == nil && mini.bytes > 1_000_000)
    }
}
