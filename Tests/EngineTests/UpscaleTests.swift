import API
import Checkpoints
import Digests
import Engine
import Foundation
import Images
import JSON
import Kinds
import Models
import Pipelines
import Tensor
import Testing
import Vocabulary
import Wire

/// `upscale`: pictures of all shapes through tiny networks with random weights.
@Suite(.serialized) struct UpscaleTests {
    private let folder: TemporaryFolder
    private let workshop: Workshop

    /// Networks of this suite: factor, and how many pixels a side is a multiple of inside.
    private static let networks = ["srvgg-x2", "srvgg-x4", "rrdb-x4", "rrdb-x2"]

    init() throws {
        folder = try TemporaryFolder()
        workshop = folder.workshop()
        for name in Self.networks {
            try Data(SafetensorsWriter.file(Self.weights(name))).write(
                to: URL(fileURLWithPath: "\(folder.path)/\(name).safetensors"))
        }
    }

    private static func weights(_ name: String) -> [String: Tensor] {
        var generator = Generator(state: UInt64(name.utf8.reduce(0) { $0 &* 31 &+ Int($1) }))
        var tensors: [String: Tensor] = [:]
        func add(_ name: String, _ shape: [Int], _ scale: Float) {
            tensors[name] = Tensor(
                (0..<shape.reduce(1, *)).map { _ in scale * Float.random(in: -1...1, using: &generator) }, shape)
        }
        func convolution(_ name: String, _ inputs: Int, _ outputs: Int) {
            add(name + ".weight", [outputs, inputs, 3, 3], 1 / Float(3 * inputs).squareRoot())
            add(name + ".bias", [outputs], 0.1)
        }
        if name.hasPrefix("srvgg") {
            let factor = name.hasSuffix("x4") ? 4 : 2
            convolution("body.0", 3, 8)
            add("body.1.weight", [8], 0.25)
            convolution("body.2", 8, 8)
            add("body.3.weight", [8], 0.25)
            convolution("body.4", 8, 3 * factor * factor)
            return tensors
        }
        convolution("conv_first", name.hasSuffix("x2") ? 12 : 3, 8)
        for block in 0..<2 {
            for part in 1...3 {
                for number in 0..<5 {
                    convolution("body.\(block).rdb\(part).conv\(number + 1)", 8 + 4 * number, number < 4 ? 4 : 8)
                }
            }
        }
        for name in ["conv_body", "conv_up1", "conv_up2", "conv_hr"] { convolution(name, 8, 8) }
        convolution("conv_last", 8, 3)
        return tensors
    }

    private static func picture(_ width: Int, _ height: Int, channels: Int = 3, seed: UInt64 = 1) -> Image {
        var generator = Generator(state: seed)
        return Image(
            width: width, height: height, channels: channels,
            samples: (0..<width * height * channels).map { _ in UInt8(truncatingIfNeeded: generator.next() >> 40) })
    }

    private func parameters(_ image: Image, _ model: String?) throws -> (Upscale, [InputFile]) {
        try parameters(bytes: try image.png(), model)
    }

    private func parameters(bytes: [UInt8], _ model: String?) throws -> (Upscale, [InputFile]) {
        let blob = Blob(sha256: SHA256.hexadecimal(of: bytes))
        let path = "\(folder.path)/\(UUID().uuidString)"
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        var parameters = Upscale(image: blob)
        (parameters.model, parameters.precision) = (model, .f32)
        return (parameters, [InputFile(blob: blob, path: path)])
    }

    private func enlarge(
        _ image: Image, _ model: String?, _ change: (inout Upscale) -> Void = { _ in }
    ) throws -> (image: Image, result: Upscale.Result, reports: Reports) {
        var (parameters, inputs) = try parameters(image, model)
        change(&parameters)
        let (result, reports) = try workshop.run(parameters, inputs: inputs)
        let file = try #require(reports.files.first)
        #expect(reports.files.count == 1)
        return (
            try Image.decode(file), try JSONDecoder().decode(Upscale.Result.self, from: Data(result.text())), reports
        )
    }

    /// What the network makes of the whole picture at once, its sides filled up by a mirror where it joins pixels.
    private func whole(_ image: Image, _ model: String) throws -> Image {
        let network = try upscaler(CheckpointStore(path: "\(folder.path)/\(model).safetensors"), .f32)
        let (width, height) = (image.width + image.width % network.unit, image.height + image.height % network.unit)
        func mirrored(_ place: Int, _ count: Int) -> Int { place < count ? place : max(0, count - 2) }
        let values = (0..<width * height * 3).map { at in
            Float(image[mirrored(at / 3 % width, image.width), mirrored(at / 3 / width, image.height), at % 3]) / 255
        }
        let factor = network.factor
        let result = network(Tensor(values, [1, height, width, 3]))
            .cropped(0..<image.height * factor, 0..<image.width * factor)
        return Image(
            width: image.width * factor, height: image.height * factor, channels: 3, result.floats, .unit)
    }

    private func largestDifference(_ one: Image, _ other: Image) -> Int {
        guard one.width == other.width, one.height == other.height, one.channels == other.channels else { return .max }
        return zip(one.samples, other.samples).map { abs(Int($0) - Int($1)) }.max() ?? 0
    }

    // MARK: Pixels

    @Test(arguments: networks, [(1, 1), (2, 1), (7, 5), (40, 33), (900, 20)])
    func `every size comes out as the network alone makes it`(model: String, size: (Int, Int)) throws {
        defer { Arena.trim() }
        let picture = Self.picture(size.0, size.1)
        let (made, result, reports) = try enlarge(picture, model)
        #expect(try largestDifference(made, whole(picture, model)) <= 1)
        #expect(result.model == model && result.modelSHA256?.count == 64)
        #expect(result.sourceWidth == size.0 && result.sourceHeight == size.1)
        #expect(reports.warnings.isEmpty && reports.stages.contains(.upscale))
    }

    @Test func `the size is the one that was asked for`() throws {
        let picture = Self.picture(12, 8)
        let natural = try enlarge(picture, "srvgg-x4").image
        let sizes: [((inout Upscale) -> Void, Int, Int)] = [
            ({ $0.scale = 1 }, 12, 8), ({ $0.scale = 3 }, 36, 24), ({ $0.scale = 8 }, 96, 64),
            ({ $0.width = 30 }, 30, 20), ({ $0.height = 5 }, 8, 5), ({ ($0.width, $0.height) = (9, 31) }, 9, 31),
        ]
        for (change, width, height) in sizes {
            let made = try enlarge(picture, "srvgg-x4", change).image
            #expect(try made == natural.resized(width: width, height: height), "\(width)x\(height)")
            let plain = try enlarge(picture, Upscale.lanczos, change).image
            #expect(try plain == picture.resized(width: width, height: height), "\(width)x\(height)")
        }
        #expect(try enlarge(picture, Upscale.lanczos).image == picture.resized(width: 24, height: 16))
    }

    @Test func `grey stays grey and needs no network of its own`() throws {
        let grey = Self.picture(9, 7, channels: 1)
        let made = try enlarge(grey, "rrdb-x4").image
        #expect(made.channels == 1)
        #expect(try largestDifference(made, whole(grey.rgb(), "rrdb-x4").grey()) <= 1)
        #expect(try enlarge(grey, Upscale.lanczos).image == grey.resized(width: 18, height: 14))
    }

    @Test(arguments: ["srvgg-x2", Upscale.lanczos])
    func `alpha is resampled, and the colours of clear pixels do not show`(model: String) throws {
        // A red disc; what is clear around it is stored as green.
        var samples: [UInt8] = []
        for y in 0..<24 {
            for x in 0..<24 {
                let isInside = (x - 12) * (x - 12) + (y - 12) * (y - 12) < 80
                samples += isInside ? [200, 30, 30, 255] : [0, 255, 0, 0]
            }
        }
        let disc = Image(width: 24, height: 24, channels: 4, samples: samples)
        let made = try enlarge(disc, model).image
        #expect(made.channels == 4)
        #expect(try made.alpha == disc.alpha?.resized(width: 48, height: 48))
        // As if the whole picture had the disc's colour.
        let red = Image(width: 24, height: 24, color: [200, 30, 30])
        let wanted = try enlarge(red, model).image
        for y in 4..<44 {
            for x in 4..<44 where made[x, y, 3] > 0 {
                for channel in 0..<3 {
                    #expect(abs(Int(made[x, y, channel]) - Int(wanted[x, y, channel])) <= 1, "\(x), \(y)")
                }
            }
        }
        let laid = try enlarge(disc, model) { $0.format = .jpeg }
        #expect(laid.image.channels == 3 && laid.reports.warnings.count == 1)
    }

    // MARK: Going on

    @Test(arguments: networks) func `an upscaling goes on from every checkpoint`(model: String) throws {
        defer { Arena.trim() }
        let size = model.hasPrefix("srvgg") ? (3000, 45) : (700, 24)
        let (parameters, inputs) = try parameters(Self.picture(size.0, size.1), model)
        let paths = Dictionary(uniqueKeysWithValues: inputs.map { ($0.blob, $0.path) })
        let row = try #require(JobKinds.named(Upscale.kind))
        func end(_ resume: Checkpoint?, _ meet: (Checkpoint) -> Void = { _ in }) throws -> [UInt8] {
            var work = try row.begin(parameters.json, paths, resume)
            var file: [UInt8] = []
            while work.next != nil {
                let desk = Desk(workshop)
                try work.advance(desk)
                for case .output(_, let bytes) in desk.leaves { file = bytes }
                if work.next?.stage == .upscale, let point = try work.checkpoint() { meet(point) }
            }
            return file
        }
        var points: [Checkpoint] = []
        let file = try end(nil) { points.append($0) }
        #expect(points.count >= 2 && !file.isEmpty)
        for (number, point) in points.enumerated() where number < 3 || number % 3 == 0 {
            #expect(try end(point) == file)
            guard number < 2 else { continue }
            // Damaged: from the beginning, with the same result.
            var damaged = point
            damaged.tensors[damaged.tensors.count - 1] ^= 1
            #expect(try end(damaged) == file)
            damaged = Checkpoint(facts: point.facts, tensors: Array(point.tensors.dropLast(4)))
            #expect(try end(damaged) == file)
        }
        // From a checkpoint there is less to do.
        var resumed = 0
        let last: Checkpoint = try #require(points.last)
        _ = try end(last) { _ in resumed += 1 }
        #expect(resumed <= 1)
    }

    @Test func `a checkpoint belongs to one picture, network, size and precision`() throws {
        let (parameters, inputs) = try parameters(Self.picture(1200, 41), "rrdb-x4")
        let row = try #require(JobKinds.named(Upscale.kind))
        func begin(_ parameters: Upscale, _ inputs: [InputFile], _ resume: Checkpoint?) throws -> any Work {
            var work = try row.begin(
                parameters.json, Dictionary(uniqueKeysWithValues: inputs.map { ($0.blob, $0.path) }), resume)
            while work.next?.stage == .load { try work.advance(Desk(workshop)) }
            return work
        }
        var work = try begin(parameters, inputs, nil)
        for _ in 0..<5 { try work.advance(Desk(workshop)) }
        let point = try #require(try work.checkpoint())
        #expect(try begin(parameters, inputs, point).next?.step == 5)
        let changes: [(inout Upscale) -> Void] = [
            { $0.model = "rrdb-x2" }, { $0.precision = .bf16 }, { $0.scale = 2 }, { $0.format = .webp },
        ]
        for change in changes {
            var other = parameters
            change(&other)
            #expect(try begin(other, inputs, point).next?.step == 0)
        }
        let (other, files) = try self.parameters(Self.picture(1200, 41, seed: 2), "rrdb-x4")
        #expect(try begin(other, files, point).next?.step == 0)
    }

    // MARK: What is refused

    private func failure(_ bytes: [UInt8], _ model: String?, _ change: (inout Upscale) -> Void = { _ in }) throws
        -> ErrorBody
    {
        var (parameters, inputs) = try parameters(bytes: bytes, model)
        change(&parameters)
        let failed = #expect(throws: FailedJob.self) { try workshop.run(parameters, inputs: inputs) }
        return try #require(failed).body
    }

    @Test func `an upscaler that is not there is named with what to do`() throws {
        let picture = try Self.picture(4, 4).png()
        for model in [nil, "nothing"] {
            let body = try failure(picture, model)
            #expect(body.param == "model" && body.message.contains("make upscaler") && body.message.contains("lanczos"))
            #expect(throws: PipelineError.self) {
                try JobKinds.named(Upscale.kind)?.appraise(try parameters(bytes: picture, model).0.json, [:], workshop)
            }
        }
    }

    @Test func `a file that is no upscaler, or a broken one, is told`() throws {
        let picture = try Self.picture(4, 4).png()
        let whole = Self.weights("rrdb-x4")
        let files: [(String, [String: Tensor])] = [
            ("other", ["unet.conv_in.weight": Tensor(zeros: [1])]),
            ("lacking", whole.filter { $0.key != "conv_hr.bias" }),
            ("more", whole.merging(["extra.weight": Tensor(zeros: [2])]) { $1 }),
            ("shape", whole.merging(["conv_last.weight": Tensor(zeros: [3, 7, 3, 3])]) { $1 }),
            ("infinite", whole.merging(["conv_last.bias": Tensor([0, .infinity, 0], [3])]) { $1 }),
        ]
        for (name, tensors) in files {
            try Data(SafetensorsWriter.file(tensors)).write(
                to: URL(fileURLWithPath: "\(folder.path)/\(name).safetensors"))
            let body = try failure(picture, name)
            #expect(["bad_checkpoint", "invalid_parameter", "non_finite"].contains(body.code), "\(name): \(body)")
        }
        try Data(SafetensorsWriter.file(whole).prefix(500)).write(
            to: URL(fileURLWithPath: "\(folder.path)/cut.safetensors"))
        #expect(try failure(picture, "cut").code == "bad_checkpoint")
    }

    @Test func `what would be too large is refused before it is made`() throws {
        let long = try Self.picture(5000, 1).png()
        #expect(try failure(long, "srvgg-x4").param == "scale")
        #expect(try failure(long, "srvgg-x4") { $0.scale = 1 }.param == "image")
        #expect(try failure(long, Upscale.lanczos) { $0.scale = 4 }.param == "scale")
        #expect(try failure(try Self.picture(1, 9).png(), Upscale.lanczos) { $0.width = 16384 }.param == "width")
        let small = folder.workshop(budgetBytes: 1)
        let (parameters, inputs) = try parameters(Self.picture(64, 64), "srvgg-x4")
        let failed = #expect(throws: FailedJob.self) { try small.run(parameters, inputs: inputs) }
        #expect(failed?.body.code == "too_large")
    }

    @Test func `a file that is no picture, or is cut anywhere, is refused`() throws {
        let bytes = try Self.picture(5, 5).png()
        for cut in [[], Array("GIF89a".utf8)]
            + stride(from: 1, to: bytes.count - 20, by: 7).map({
                Array(bytes.prefix($0))
            })
        {
            let body = try failure(cut, "srvgg-x2")
            #expect(body.code == "bad_picture" && body.param == "image", "\(cut.count): \(body)")
        }
    }
}
