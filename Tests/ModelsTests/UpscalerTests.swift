import Checkpoints
import Models
import Tensor
import Testing
import Vocabulary

@Suite struct UpscalerTests {
    @Test(arguments: goldens("upscaler"))
    func `an upscaler agrees with its reference`(name: String) throws {
        let golden = try Golden(name)
        let network = try upscaler(golden.store(), .f32)
        let (pixels, expected) = (try golden.image("pixels"), try golden.image("enlarged"))
        let enlarged = network(pixels)
        #expect(enlarged.shape == expected.shape)
        #expect(enlarged.error(against: expected) < 1e-5)
        #expect(network.factor == expected.shape[1] / pixels.shape[1])
        let fast = try upscaler(golden.store(), .bf16)
        let near = fast(pixels)
        #expect(near.deviation(from: expected) < 0.03)
    }

    /// Wide enough for bands of few lines; the last band is shorter, or as high as the halo of the one before.
    @Test(.serialized, arguments: goldens("upscaler"), [1, 10, 24])
    func `a picture in bands is the picture as a whole`(name: String, lines: Int) throws {
        // Other tests measure the memory of this process.
        defer { Arena.trim() }
        let store = try Golden(name).store()
        for precision in [Precision.f32, .bf16] {
            let network = try upscaler(store, precision)
            let (height, width) = (lines * network.unit, (name.contains("rrdb") ? 1700 : 3000) * network.unit)
            let picture = noise([1, height, width, 3], seed: UInt64(lines))
            var banded = BandedUpscaling(network, picture)
            var bands: [Tensor] = []
            let steps = banded.steps
            while !banded.isDone {
                #expect(banded.step < steps)
                if let band = banded.advance(network) { bands.append(band[0]) }
            }
            #expect(banded.step == steps && (lines < 24 || (bands.count > 1 && steps > network.passes.count)))
            let whole = network(picture)
            let result = Tensor.stacked(bands)
            #expect([1] + result.shape == whole.shape)
            // Exactly, wherever the kernels sum in one order.
            let difference = zip(result.floats, whole.floats).map { abs($0 - $1) }.max() ?? 0
            #expect(difference <= (precision == .f32 ? 1e-5 : 1.0 / 255), "\(difference)")
        }
    }

    private func noise(_ shape: [Int], seed: UInt64) -> Tensor {
        var state = seed
        return Tensor(
            (0..<shape.reduce(1, *)).map { _ in
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                return Float(state >> 56) / 255
            }, shape)
    }

    /// Each spelling of a chain's names, from the oldest.
    @Test(arguments: ["model", "trunk", "modern"], ["", "params.", "params_ema."])
    func `the names of all years load`(spelling: String, wrapper: String) throws {
        let golden = try Golden("upscaler-rrdb")
        let store = try golden.store { name in
            wrapper + (spelling == "model" ? name : renamed(name, modern: spelling == "modern"))
        }
        let network = try upscaler(store, .f32)
        let enlarged = network(try golden.image("pixels"))
        #expect(try enlarged.error(against: golden.image("enlarged")) < 1e-5)
    }

    private func renamed(_ name: String, modern: Bool) -> String {
        let table = [
            ("model.0.", "conv_first.", "conv_first."), ("model.1.sub.2.", "trunk_conv.", "conv_body."),
            ("model.3.", "upconv1.", "conv_up1."), ("model.6.", "upconv2.", "conv_up2."),
            ("model.8.", "HRconv.", "conv_hr."), ("model.10.", "conv_last.", "conv_last."),
        ]
        for (chain, old, new) in table where name.hasPrefix(chain) {
            return (modern ? new : old) + name.dropFirst(chain.count)
        }
        let block = name.replacing("model.1.sub.", with: modern ? "body." : "RRDB_trunk.").replacing(".0.w", with: ".w")
            .replacing(".0.b", with: ".b")
        return modern ? block.lowercased() : block
    }

    @Test func `a checkpoint that is no upscaler says what it lacks`() throws {
        let none = try written([("conv.weight", [2, 2], [1, 2, 3, 4])])
        #expect(throws: WeightError.missing("body.0.weight")) { _ = try upscaler(none, .f32) }
        let golden = try Golden("upscaler-compact")
        let cut = try golden.store { $0.hasPrefix("body.6.") ? nil : $0 }
        #expect(throws: WeightError.self) { _ = try upscaler(cut, .f32) }
        let more = try golden.store { $0.hasPrefix("body.6.bias") ? "extra" : $0 }
        #expect(throws: WeightError.missing("body.6.bias")) { _ = try upscaler(more, .f32) }
    }

    /// Random pixels moved to and fro stay what they were, whatever the type.
    @Test(arguments: [DType.f32, .bf16], [1, 2, 3, 4])
    func `shuffling undoes unshuffling`(type: DType, factor: Int) {
        for (h, w, channels) in [(1, 1, 1), (2, 3, 3), (5, 4, 2)] {
            let count = 2 * h * factor * w * factor * channels
            let x = Tensor((0..<count).map { Float($0 % 251) }, [2, h * factor, w * factor, channels]).converted(
                to: type)
            let deep = x.pixelUnshuffled(factor)
            #expect(deep.shape == [2, h, w, channels * factor * factor])
            #expect(deep.pixelShuffled(factor).floats == x.floats)
            #expect(x.nearest(factor).cropped(0..<1, 0..<1).floats == x.cropped(0..<1, 0..<1).floats)
        }
    }
}
