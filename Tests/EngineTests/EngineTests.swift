import API
import Checkpoints
import Engine
import Foundation
import Images
import Kinds
import Pipelines
import Testing
import Vocabulary
import Wire

/// The whole way from a request to files, on the default model. `Kernels.threads` belongs to the process, so one at a time.
@Suite(.serialized, .enabled(if: TestModels.hasLanguageModel, "run `make language-model` first"))
struct EngineTests {
    private let workshop = TestModels.workshop

    private func request(_ prompt: String = "a red apple", _ change: (inout Generate) -> Void = { _ in }) -> Generate {
        var request = Generate(prompt: prompt)
        (request.width, request.height, request.steps, request.seed) = (64, 48, 2, 7)
        change(&request)
        return request
    }

    @Test func `a request becomes a picture of its size`() throws {
        let (result, reports) = try workshop.draw(request())
        let image = try Image.decode(try #require(reports.files.first))
        #expect(image.width == 64 && image.height == 48)
        #expect(result.model == "lazuli-mini" && result.promptTokens > 0 && result.truncatedText == nil)
        #expect(reports.stages == [.load, .encode, .denoise, .decode, .write])
        #expect(result.modelSHA256?.count == 64)
    }

    /// Goldens/mini.png comes from `training/reference.py "a red apple on a blue background" --seed 1 --steps 4`.
    @Test func `the default model draws what torch and diffusers draw`() throws {
        let golden = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent(
            "Goldens/mini.png")
        let wanted = try Image.decode([UInt8](Data(contentsOf: golden)))
        var request = Generate(prompt: "a red apple on a blue background")
        (request.steps, request.seed, request.precision) = (4, 1, .f32)
        let picture = try Image.decode(try workshop.draw(request).reports.files[0])
        #expect(picture.width == wanted.width && picture.height == wanted.height)
        let distances = zip(picture.samples, wanted.samples).map { abs(Int($0) - Int($1)) }
        #expect(distances.max() ?? 255 <= 2)
    }

    @Test(arguments: [Vocabulary.ImageFormat.png, .jpeg, .webp]) func `a recipe, replayed, gives the same bytes`(
        format: Vocabulary.ImageFormat
    ) throws {
        let original = request("a \"quoted\" cat, naïve: 猫\n on two lines") {
            $0.format = format
            $0.negativePrompt = "dog"
            $0.sampler = "DPM++ 2M"
            $0.count = 2
        }
        let files = try workshop.draw(original).reports.files
        #expect(files.count == 2)
        for file in files {
            let text = try #require(try Metadata(reading: file).recipe)
            let recipe = try JSONDecoder().decode(Recipe<Generate>.self, from: Data(text.utf8))
            #expect(try workshop.draw(recipe.request).reports.files == [file])
        }
    }

    @Test(arguments: [
        ("euler_ancestral", nil, "Euler a", nil), ("k_heun", "karras", "Heun", "Karras"),
        ("dpm++2m", nil, "DPM++ 2M", nil), ("DPM2 a Karras", nil, "DPM2 a", "Karras"),
        ("dpmpp_2m_sde", "sgm_uniform", "DPM++ 2M SDE", "SGM Uniform"),
        ("k_lms", "ddim", "LMS", "DDIM"), ("euler", "beta", "Euler", "beta"), ("Euler", "Beta", "Euler", "Beta"),
        ("res-multistep", "kl_optimal", "res_multistep", "kl_optimal"),
    ]) func `other programs read AUTOMATIC1111's labels, which draw the same picture again`(
        sampler: String, schedule: String?, label: String, scheduleLabel: String?
    ) throws {
        let file = try #require(
            try workshop.draw(
                request {
                    $0.sampler = sampler
                    $0.schedule = schedule
                }
            ).reports.files.first)
        let read = A1111Parameters(try #require(try Metadata(reading: file).parameters))
        #expect(read["Sampler"] == label && read["Schedule type"] == scheduleLabel)
        let again = try workshop.draw(
            request {
                $0.sampler = read["Sampler"]
                $0.schedule = read["Schedule type"]
            })
        #expect(again.reports.files == [file])
    }

    @Test func `pictures of a batch are those of their seeds alone`() throws {
        let batch = try workshop.draw(request { $0.count = 3 }).reports.files
        for (index, file) in batch.enumerated() {
            let single = try workshop.draw(request { $0.seed = 7 + UInt64(index) }).reports.files
            #expect(try Image.decode(file) == Image.decode(single[0]))
        }
        #expect(Set(batch).count == 3)
    }

    @Test(arguments: [MetadataLevel.none, .minimal]) func `metadata can be left out`(level: MetadataLevel) throws {
        let file = try #require(try workshop.draw(request { $0.metadata = level }).reports.files.first)
        let metadata = try Metadata(reading: file)
        #expect(metadata.recipe == nil && metadata.parameters == nil)
    }

    @Test func `sizes that cannot be drawn are refused with the nearest`() throws {
        let error = try workshop.failure(request { $0.width = 61 })
        #expect(error.code == "invalid_size" && error.message.contains("64x48"))
    }

    @Test func `a prompt that is too long is reported, or refused on demand`() throws {
        let long = [String](repeating: "apple", count: 100).joined(separator: " ")
        let (result, reports) = try workshop.draw(request(long))
        #expect(result.truncatedText?.hasSuffix("apple") == true && reports.warnings.count == 1)
        #expect(long.hasSuffix(result.truncatedText ?? "?"))
        #expect(try workshop.failure(request(long) { $0.onTruncate = .error }).code == "prompt_too_long")
    }

    @Test func `an unknown model, sampler or precision is an error with a remedy`() throws {
        let changes: [(code: String, change: (inout Generate) -> Void)] = [
            ("unknown_model", { $0.model = "nothing" }), ("invalid_sampler", { $0.sampler = "nothing" }),
            ("invalid_sampler", { $0.schedule = "nothing" }), ("invalid_parameter", { $0.precision = .int8 }),
            ("unknown_model", { $0.model = "../lazuli-mini" }), ("invalid_parameter", { $0.clipSkip = 1 }),
        ]
        for (code, change) in changes {
            #expect(try workshop.failure(request("a", change)).code == code)
        }
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
                { workshop in
                    let body = try workshop.failure(request { $0.model = "changed" })
                    #expect(body.code == "non_finite" && body.stage == stage)
                    #expect(body.step == (stage == .denoise ? 1 : nil))
                })
        }
    }

    @Test func `a checkpoint with a tensor too many or too few is refused`() throws {
        try TestModels.withChangedCopy(
            part: "unet",
            { weights, _ in
                let place = try #require(weights.range(of: Data("\"conv_out.bias\"".utf8)))
                weights.replaceSubrange(place, with: Data("\"conv_out.bios\"".utf8))
            },
            { workshop in
                let body = try workshop.failure(request { $0.model = "changed" })
                #expect(body.code == "bad_checkpoint" && body.message.contains("conv_out.bias"))
            })
    }

    @Test func `a model whose files change is drawn as it is then, and never half`() throws {
        try TestModels.withCopy { copy, workshop in
            let file = copy.appendingPathComponent("unet/diffusion_pytorch_model.safetensors")
            let old = try Data(contentsOf: file)
            let request = request { $0.model = "changed" }
            let (first, firstReports) = try workshop.draw(request)
            var new = old
            let range = try CheckpointStore(path: file.path).entry("conv_out.weight").range
            for place in stride(from: range.lowerBound, to: range.upperBound, by: 2) { new[place + 1] ^= 0x80 }

            // Replaced as a whole, by a rename.
            try new.write(to: file, options: .atomic)
            let (second, secondReports) = try workshop.draw(request)
            #expect(second.modelSHA256 != first.modelSHA256)
            #expect(try Image.decode(secondReports.files[0]) != Image.decode(firstReports.files[0]))

            // Written in place.
            let handle = try FileHandle(forWritingTo: file)
            try handle.write(contentsOf: old)
            try handle.close()
            let (third, thirdReports) = try workshop.draw(request)
            #expect(third.modelSHA256 == first.modelSHA256)
            #expect(thirdReports.files == firstReports.files)
        }
    }
}
