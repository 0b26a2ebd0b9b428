import API
import Foundation
import Images
import Kinds
import Pipelines
import Tensor
import Testing
import Vocabulary
import Wire

@Suite struct PreviewTests {
    @Test(arguments: [(1, 1), (3, 4), (4, 8), (16, 8)])
    func `colours that are a linear map of the latents are found`(channels: Int, factor: Int) throws {
        let codec = LinearCodec(channels: channels, factor: factor)
        let preview = try LatentPreview(fitting: codec, TestModels.workshop.residents)
        let values = (0..<6 * channels).map { Float(($0 * 37) % 19) / 19 - 0.5 }
        let latents = Tensor(values, [1, 2, 3, channels])
        let image = preview(latents)
        #expect(image.width == 3 && image.height == 2)
        for (found, wanted) in zip(image.samples, codec.colours(latents)) {
            #expect(abs(Int(found) - Int(((wanted + 1) * 127.5).rounded())) <= 1)
        }
    }

    @Test(arguments: [0, 1, 2, 3, 7, 31])
    func `a drawing shows itself as often as was asked for`(wanted: Int) throws {
        let folder = try TemporaryFolder()
        let model = try TinyModel(TinyModel.sd1)
        try model.write(to: "\(folder.path)/m")
        let workshop = folder.workshop()
        var request = model.requests[0]
        (request.model, request.steps, request.count) = ("m", 8, 2)
        let without = try workshop.draw(request)
        request.previews = wanted
        let with = try workshop.draw(request)
        #expect(with.reports.files == without.reports.files)
        // This sampler evaluates the model nine times for eight steps; the last time makes the picture itself.
        let shown = with.reports.previews
        #expect(shown.count == 2 * min(wanted, 8))
        #expect(
            shown.map(\.step) == shown.map(\.step).sorted() && shown.allSatisfy { $0.steps == 18 && $0.step % 9 != 0 })
        for preview in shown {
            let image = try Image.decode([UInt8](preview.png))
            // Latents of this model stand for four pixels each way.
            #expect([image.width, image.height] == [preview.width, preview.height] && image.width == 8)
        }
        #expect(Set(shown.map(\.png)).count == shown.count)
    }

    @Test func `previews come close to the picture`() throws {
        let workshop = TestModels.workshop
        var request = Generate(prompt: "a red apple on a blue background")
        (request.seed, request.steps, request.previews) = (1, 8, 3)
        let reports = try workshop.draw(request).reports
        let picture = try Image.decode(try #require(reports.files.first)).rgb()
        let distances = try reports.previews.map { preview in
            let image = try Image.decode([UInt8](preview.png)).rgb()
            #expect(image.width == 128 && image.height == 128)
            return zip(image.samples, picture.samples).reduce(0) { $0 + abs(Int($1.0) - Int($1.1)) }
        }
        #expect(distances.count == 3 && distances == distances.sorted(by: >) && distances[2] < 128 * 128 * 3 * 24)
    }
}

/// A decoder that is linear.
private struct LinearCodec: LatentCodec {
    let channels, factor: Int
    var isQuick: Bool { false }
    var parts: [any ModelPart] { [] }
    var encodingParts: [any ModelPart] { [] }

    func colours(_ latents: Tensor) -> [Float] {
        let values = latents.floats
        return (0..<latents.rows).flatMap { row in
            (0..<3).map { colour in
                (0..<channels).reduce(Float(0.1) * Float(colour)) { sum, channel in
                    sum + values[row * channels + channel] * (Float((channel * 3 + colour) % 5) - 2)
                        / Float(4 * channels)
                }
            }
        }
    }

    func decode(_ latents: Tensor, band: Int?, _ lender: some PartLender) throws -> Tensor {
        let (height, width) = (latents.shape[1], latents.shape[2])
        return Tensor(colours(latents), [1, height, width, 3]).nearest(factor)
    }

    func encode(_ pixels: Tensor, band: Int?, _ lender: some PartLender) throws -> EncodedPicture {
        throw CancellationError()
    }
}

extension Reports {
    fileprivate var previews: [Preview] {
        all.compactMap { report, _ in if case .preview(_, let preview) = report { preview } else { nil } }
    }
}
