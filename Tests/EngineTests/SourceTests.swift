import API
import Digests
import Engine
import Foundation
import Images
import JSON
import Kinds
import Pipelines
import Tensor
import Testing
import Vocabulary
import Wire

/// Pictures that jobs read, as files in a folder.
struct Inputs {
    private let folder: TemporaryFolder
    private(set) var files: [InputFile] = []

    init() throws { folder = try TemporaryFolder() }

    mutating func add(_ bytes: [UInt8]) throws -> Blob {
        let blob = Blob(sha256: SHA256.hexadecimal(of: bytes))
        let path = "\(folder.path)/\(blob.sha256)"
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        files.append(InputFile(blob: blob, path: path))
        return blob
    }

    mutating func add(_ image: Image) throws -> Blob { try add(try image.png()) }

    /// A tensor [H, W, C] or [H, W] of samples.
    mutating func add(_ samples: Tensor) throws -> Blob {
        try add(
            Image(
                width: samples.shape[1], height: samples.shape[0],
                channels: samples.shape.count > 2 ? samples.shape[2] : 1,
                samples: samples.floats.map { UInt8($0) }))
    }
}

/// Drawings that begin from a picture, against diffusers' pipelines.
@Suite struct SourceTests {
    @Test(arguments: TinyModel.sources)
    func `a model draws from a picture what diffusers draws`(golden: String) throws {
        let folder = try TemporaryFolder()
        let model = try TinyModel(golden)
        try model.write(to: "\(folder.path)/m")
        let workshop = folder.workshop()
        #expect(model.members.count >= 2)
        for (number, members) in model.members.enumerated() {
            var members = members
            var inputs = try Inputs()
            for (parameter, kind) in [("image", "source"), ("mask", "mask")] {
                guard let place = members[parameter]?.asInt else { continue }
                let blob = try inputs.add(try #require(model.inputs["\(kind).\(place)"]))
                members[parameter] = .string(blob.sha256)
            }
            members["model"] = .string("m")
            let files =
                members["kind"]?.asString == "edit"
                ? try workshop.draw(Edit(members), inputs: inputs.files).reports.files
                : try workshop.draw(Generate(members), inputs: inputs.files).reports.files
            let found = try Image.decode(try #require(files.first)).samples.map { Float($0) }
            for (other, wanted) in model.pictures.enumerated() {
                let distance = zip(found, wanted.floats).map { abs($0 - $1) }.max() ?? 255
                // The pictures differ by more than what is allowed, so that one is not taken for another.
                #expect((distance <= 2) == (other == number), "request \(number), picture \(other): \(distance)")
            }
        }
    }

    // MARK: Sizes and pixels

    /// A tiny model in a folder of its own, and requests to it.
    struct Studio {
        let folder: TemporaryFolder
        let workshop: Workshop
        var inputs: Inputs

        init(_ golden: String = TinyModel.sd1) throws {
            folder = try TemporaryFolder()
            try TinyModel(golden).write(to: "\(folder.path)/m")
            workshop = folder.workshop()
            inputs = try Inputs()
        }

        func request(_ image: Blob?, _ change: (inout Generate) -> Void = { _ in }) -> Generate {
            var request = Generate(prompt: "two cats")
            (request.model, request.image, request.seed, request.steps) = ("m", image, 5, 2)
            (request.precision, request.strength) = (.f32, 0.5)
            change(&request)
            return request
        }

        func image(_ request: some DrawingParameters) throws -> Image {
            try Image.decode(try #require(try workshop.draw(request, inputs: inputs.files).reports.files.first))
        }
    }

    /// A picture with a value of its own at every place.
    static func pattern(_ width: Int, _ height: Int, channels: Int = 3) -> Image {
        let samples = (0..<width * height * channels).map { UInt8(truncatingIfNeeded: ($0 &* 2_654_435_761) >> 13) }
        return Image(width: width, height: height, channels: channels, samples: samples)
    }

    private static let sizes = [(1, 1), (3, 1), (1, 9), (7, 5), (8, 8), (17, 31), (33, 40), (61, 64), (65, 23)]

    @Test func `a result has the size of its source, or the one that was asked for`() throws {
        var studio = try Studio()
        for (width, height) in Self.sizes {
            let blob = try studio.inputs.add(Self.pattern(width, height))
            let same = try studio.image(studio.request(blob))
            #expect(same.width == width && same.height == height)
            let asked = try studio.image(studio.request(blob) { ($0.width, $0.height) = (40, 24) })
            #expect(asked.width == 40 && asked.height == 24)
            let wide = try studio.image(studio.request(blob) { $0.width = 3 * width })
            #expect(wide.width == 3 * width && wide.height == 3 * height)
            let grown = try studio.image(studio.request(blob) { ($0.extendLeft, $0.extendBottom) = (5, 9) })
            #expect(grown.width == width + 5 && grown.height == height + 9)
        }
    }

    @Test(arguments: ["rgb", "grey", "alpha"]) func `pixels outside a hard mask are the source's own`(kind: String)
        throws
    {
        var studio = try Studio()
        for (width, height) in Self.sizes where width > 2 && height > 2 {
            let source = Self.pattern(width, height, channels: ["rgb": 3, "grey": 1, "alpha": 4][kind] ?? 3)
            let blob = try studio.inputs.add(source)
            var mask = Image(width: width, height: height, color: [0])
            for y in height / 3..<height { for x in 0..<(width + 1) / 2 { mask[x, y, 0] = 255 } }
            let maskBlob = try studio.inputs.add(mask)
            for maskedOnly in [nil, true] {
                let request = studio.request(blob) {
                    ($0.mask, $0.maskedOnly, $0.strength) = (maskBlob, maskedOnly, 1)
                }
                let result = try studio.image(request)
                let wanted = source.rgb()
                var repainted = 0
                for y in 0..<height {
                    for x in 0..<width {
                        let isSame = (0..<3).allSatisfy { result[x, y, $0] == wanted[x, y, $0] }
                        if mask[x, y, 0] == 0 { #expect(isSame, "\(x), \(y) of \(width)x\(height)") }
                        if !isSame { repainted += 1 }
                    }
                }
                #expect(repainted > 0)
            }
        }
    }

    @Test func `the old picture stands in an extended one, but for the seam`() throws {
        var studio = try Studio()
        let source = Self.pattern(80, 64)
        let blob = try studio.inputs.add(source)
        let result = try studio.image(studio.request(blob) { ($0.extendLeft, $0.extendTop) = (24, 8) })
        #expect(result.width == 104 && result.height == 72)
        // A quarter of the shorter side fades in.
        let kept = result.cropped(x: 24 + 16, y: 8 + 16, width: 64, height: 48)
        #expect(kept == source.cropped(x: 16, y: 16, width: 64, height: 48))
    }

    @Test func `a mask means its brightness, or its alpha where it has one, and can be soft`() throws {
        var studio = try Studio()
        let source = Self.pattern(32, 32)
        let blob = try studio.inputs.add(source)
        var grey = Image(width: 32, height: 32, color: [0])
        for y in 0..<32 { for x in 0..<16 { grey[x, y, 0] = 255 } }
        let opaque = Image(width: 32, height: 32, color: [9, 9, 9]).with(alpha: grey)
        let pictures = try [grey, grey.rgb(), opaque].map { mask in
            let maskBlob = try studio.inputs.add(mask)
            return try studio.image(studio.request(blob) { $0.mask = maskBlob })
        }
        #expect(pictures[0] == pictures[1] && pictures[1] == pictures[2])
        let opposite = Image(width: 32, height: 32, channels: 1, samples: grey.samples.map { 255 - $0 })
        for mask in [opposite, Image(width: 32, height: 32, color: [9, 9, 9]).with(alpha: opposite)] {
            let maskBlob = try studio.inputs.add(mask)
            let inverted = try studio.image(studio.request(blob) { ($0.mask, $0.invertMask) = (maskBlob, true) })
            #expect(inverted == pictures[0])
        }
        let greyBlob = try studio.inputs.add(grey)
        let soft = try studio.image(studio.request(blob) { ($0.mask, $0.maskBlur) = (greyBlob, 3) })
        #expect(soft != pictures[0])
        // Beyond three deviations nothing is softened.
        #expect(soft.cropped(x: 26, y: 0, width: 6, height: 32) == source.cropped(x: 26, y: 0, width: 6, height: 32))
    }

    @Test(arguments: MaskedContent.allCases) func `what stands under the mask is as asked`(content: MaskedContent)
        throws
    {
        var studio = try Studio()
        let blob = try studio.inputs.add(Self.pattern(32, 32))
        let mask = try studio.inputs.add(Image(width: 32, height: 32, color: [255]))
        let request = studio.request(blob) { ($0.mask, $0.maskedContent, $0.strength) = (mask, content, 0.5) }
        let result = try studio.image(request)
        let original = try studio.image(studio.request(blob) { ($0.mask, $0.strength) = (mask, 0.5) })
        #expect((result == original) == (content == .original))
    }

    @Test func `a recipe, replayed, gives the same bytes`() throws {
        var studio = try Studio()
        let blob = try studio.inputs.add(Self.pattern(37, 29))
        let mask = try studio.inputs.add(Image(width: 37, height: 29, color: [255]))
        for change: (inout Generate) -> Void in [
            { _ in }, { $0.mask = mask }, { ($0.mask, $0.maskedOnly) = (mask, true) }, { $0.extendRight = 11 },
            { ($0.width, $0.strength) = (64, nil) },
        ] {
            let file = try #require(
                try studio.workshop.draw(studio.request(blob, change), inputs: studio.inputs.files).reports.files.first)
            let text = try #require(try Metadata(reading: file).recipe)
            let recipe = try JSONDecoder().decode(Recipe<Generate>.self, from: Data(text.utf8))
            #expect(recipe.kind == nil)
            let again = try studio.workshop.draw(recipe.request, inputs: studio.inputs.files)
            #expect(again.reports.files == [file])
        }
    }

    // MARK: Refusals

    @Test func `what cannot be drawn from is refused with the parameter that is wrong`() throws {
        var studio = try Studio()
        let blob = try studio.inputs.add(Self.pattern(32, 32))
        let black = try studio.inputs.add(Image(width: 32, height: 32, color: [0]))
        let small = try studio.inputs.add(Image(width: 16, height: 32, color: [255]))
        let text = try studio.inputs.add(Array("no picture".utf8))
        let whole = try Self.pattern(32, 32).png()
        let cut = try studio.inputs.add(Array(whole.prefix(whole.count / 2)))
        let cases: [(String, String, Generate)] = [
            ("mask", "white", studio.request(blob) { $0.mask = black }),
            ("mask", "16x32", studio.request(blob) { $0.mask = small }),
            ("image", "PNG", studio.request(text)), ("image", "too early", studio.request(cut)),
            ("mask", "PNG", studio.request(blob) { $0.mask = text }),
            ("image", "not there", studio.request(Blob(sha256: String(repeating: "0", count: 64)))),
        ]
        for (parameter, fact, request) in cases {
            let body = try studio.workshop.failure(request, inputs: studio.inputs.files)
            #expect(body.param == parameter && body.message.contains(fact), "\(body)")
            #expect(body.type == .invalidRequest)
        }
        // Stable Diffusion was not trained for instructions.
        var edit = Edit(prompt: "paint it", image: blob)
        edit.model = "m"
        let refused = try studio.workshop.failure(edit, inputs: studio.inputs.files)
        #expect(refused.param == "model" && refused.message.contains("instruction"))
        #expect(try studio.workshop.registry.textToImage("m", .f32).kinds == [Generate.kind])
    }

    @Test func `a model is refused what it was not trained for`() throws {
        var inpaint = try Studio("source-inpaint")
        let blob = try inpaint.inputs.add(Self.pattern(32, 32))
        #expect(try inpaint.workshop.failure(inpaint.request(nil) { $0.strength = nil }).param == "image")
        #expect(try inpaint.workshop.failure(inpaint.request(blob), inputs: inpaint.inputs.files).param == "mask")
        let instruct = try Studio("source-instruct")
        #expect(try instruct.workshop.failure(instruct.request(nil) { $0.strength = nil }).param == "model")
        #expect(try instruct.workshop.failure(instruct.request(blob), inputs: inpaint.inputs.files).param == "model")
        #expect(try instruct.workshop.registry.textToImage("m", .f32).kinds == [Edit.kind])
    }

    @Test func `parameters that mean nothing without others are refused`() throws {
        let blob = Blob(sha256: String(repeating: "a", count: 64))
        let cases: [(String, (inout Generate) -> Void)] = [
            ("strength", { $0.strength = 0.5 }), ("mask", { $0.mask = blob }), ("extend_top", { $0.extendTop = 8 }),
            ("strength", { ($0.image, $0.strength) = (blob, 0) }),
            ("strength", { ($0.image, $0.strength) = (blob, 1.1) }),
            ("mask_blur", { ($0.image, $0.maskBlur) = (blob, 4) }),
            ("masked_content", { ($0.image, $0.maskedContent) = (blob, .fill) }),
            ("masked_only", { ($0.image, $0.maskedOnly) = (blob, true) }),
            ("unmasked", { ($0.image, $0.unmasked) = (blob, .model) }),
            ("mask_padding", { ($0.image, $0.mask, $0.maskPadding) = (blob, blob, 3) }),
            ("masked_only", { ($0.image, $0.mask, $0.maskedOnly, $0.extendTop) = (blob, blob, true, 8) }),
        ]
        for (parameter, change) in cases {
            var request = Generate(prompt: "p")
            change(&request)
            let error = #expect(throws: RequestError.self) { _ = try request.validated() }
            #expect(error?.body.param == parameter)
        }
    }

    // MARK: Memory and interruptions

    @Test func `an estimate knows the source's size from its header`() throws {
        var studio = try Studio()
        let row = try #require(JobKinds.named(Generate.kind))
        var last = 0
        for side in [64, 256, 1024] {
            let blob = try studio.inputs.add(Image(width: side, height: side, color: [1, 2, 3]))
            let files = Dictionary(uniqueKeysWithValues: studio.inputs.files.map { ($0.blob, $0.path) })
            let bytes = try row.appraise(studio.request(blob).json, files, studio.workshop).estimate.memoryBytes
            #expect(bytes > last)
            last = bytes
        }
    }

    @Test(arguments: TinyModel.sources) func `a drawing from a picture goes on from every checkpoint`(golden: String)
        throws
    {
        var studio = try Studio(golden)
        let model = try TinyModel(golden)
        for (number, members) in model.members.enumerated() {
            var members = members
            for (parameter, kind) in [("image", "source"), ("mask", "mask")] {
                guard let place = members[parameter]?.asInt else { continue }
                members[parameter] = .string(
                    try studio.inputs.add(try #require(model.inputs["\(kind).\(place)"])).sha256)
            }
            members["model"] = .string("m")
            members["count"] = .int(2)
            let kind = JobKind(members["kind"]?.asString ?? "generate")
            members["kind"] = nil
            let row = try #require(JobKinds.named(kind))
            let inputs = Dictionary(
                uniqueKeysWithValues: Set(studio.inputs.files.map(\.blob)).map { blob in
                    (blob, studio.inputs.files.first { $0.blob == blob }?.path ?? "")
                })
            func run(_ point: Checkpoint?) throws -> (files: [[UInt8]], points: [(Checkpoint, Int)]) {
                var (files, points): ([[UInt8]], [(Checkpoint, Int)]) = ([], [])
                var work = try row.begin(.object(members), inputs, point)
                while work.next != nil {
                    let desk = Desk(studio.workshop)
                    try work.advance(desk)
                    for case .output(_, let bytes) in desk.leaves { files.append(bytes) }
                    if point == nil, let point = try work.checkpoint() { points.append((point, files.count)) }
                }
                return (files, points)
            }
            let (files, points) = try run(nil)
            #expect(files.count == 2 && points.count > 2)
            for (point, after) in points {
                #expect(try Array(files[..<after]) + run(point).files == files, "request \(number) from \(point.facts)")
            }
        }
    }
}

/// Lazuli Mini, which was trained at one size.
@Suite(.serialized, .enabled(if: TestModels.hasLanguageModel, "run `make language-model` first"))
struct MiniEditTests {
    @Test func `an edit of any size is drawn at the model's own, comes back at its own, and can be replayed`() throws {
        let workshop = TestModels.workshop
        var inputs = try Inputs()
        for (width, height) in [(128, 128), (200, 90), (31, 57)] {
            let blob = try inputs.add(Image(width: width, height: height, color: [80, 140, 230]))
            var edit = Edit(prompt: "make the background yellow", image: blob)
            (edit.steps, edit.seed) = (2, 3)
            let (result, reports) = try workshop.draw(edit, inputs: inputs.files)
            let file = try #require(reports.files.first)
            let image = try Image.decode(file)
            #expect(image.width == width && image.height == height)
            #expect((result.framing == nil) == (width == 128))
            #expect(result.parameters.imageGuidance == 1)
            let recipe = try JSONDecoder().decode(
                Recipe<Edit>.self, from: Data(try #require(try Metadata(reading: file).recipe).utf8))
            #expect(recipe.kind == "edit")
            #expect(try workshop.draw(recipe.request, inputs: inputs.files).reports.files == [file])
        }
        #expect(try workshop.registry.textToImage("lazuli-mini", .f32).kinds == [Generate.kind, Edit.kind])
    }

    /// Goldens/mini-edit.png comes from `training/reference.py "change the background to yellow" --source mini.png --seed 2
    /// --steps 4` of the golden beside it.
    @Test func `an edit is what torch and diffusers make of it`() throws {
        let goldens = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Goldens")
        let source = [UInt8](try Data(contentsOf: goldens.appendingPathComponent("mini.png")))
        let wanted = try Image.decode([UInt8](Data(contentsOf: goldens.appendingPathComponent("mini-edit.png"))))
        var inputs = try Inputs()
        var edit = Edit(prompt: "change the background to yellow", image: try inputs.add(source))
        (edit.steps, edit.seed, edit.precision) = (4, 2, .f32)
        let file = try #require(try TestModels.workshop.draw(edit, inputs: inputs.files).reports.files.first)
        let picture = try Image.decode(file)
        let distances = zip(picture.samples, wanted.samples).map { abs(Int($0) - Int($1)) }
        #expect(picture.samples.count == wanted.samples.count && distances.max() ?? 255 <= 2)
    }
}
