import Foundation
import Layers
import Models
import Tensor
import Testing
import Vocabulary

/// Autoencoders that work on bands of a picture.
@Suite struct BandTests {
    /// Values that are louder below than above, so that no part of the picture stands for the whole.
    private func uneven(_ shape: [Int], _ loudness: Float = 1) -> Tensor {
        var state: UInt64 = 9
        let (height, line) = (shape[1], shape[2] * shape[3])
        return Tensor(
            (0..<shape.reduce(1, *)).map { index in
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                let noise = Float(Int32(truncatingIfNeeded: state >> 32)) / Float(Int32.max)
                let place = Float(index / line) / Float(height)
                return loudness * (noise * (0.3 + 2 * place) + 0.5 * sin(6 * place))
            }, shape)
    }

    /// Decibels by which the second is nearer to the first than its range.
    private func psnr(_ whole: Tensor, _ parts: Tensor) -> Double {
        #expect(whole.shape == parts.shape)
        let (a, b) = (whole.floats, parts.floats)
        let range = Double((a.max() ?? 0) - (a.min() ?? 0))
        let error = zip(a, b).reduce(0) { $0 + Double(($1.0 - $1.1) * ($1.0 - $1.1)) } / Double(a.count)
        return 10 * log10(range * range / max(error, 1e-30))
    }

    @Test(arguments: [(1, 1), (7, 2), (40, 9), (64, 3)], [8, 24, 64, 4096])
    func `the tiny autoencoder codes in bands what it codes whole`(size: (Int, Int), band: Int) throws {
        for name in goldens("autoencoder-tiny") {
            let golden = try Golden(name)
            let model = try AutoencoderTiny(golden.weights(), .init(golden.config))
            let latents = uneven([1, size.0, size.1, model.configuration.latents])
            #expect(psnr(model.decode(latents), model.decode(latents, band: band)) > 120, "\(name)")
            let factor = model.configuration.factor
            let pixels = uneven([1, size.0 * factor, size.1 * factor, 3], 0.4)
            #expect(psnr(model.encode(pixels), model.encode(pixels, band: band)) > 120, "\(name)")
        }
    }

    @Test(arguments: goldens("autoencoder-kl"), [16, 64, 256, 4096])
    func `the variational autoencoder codes in bands what it codes whole`(name: String, band: Int) throws {
        let golden = try Golden(name)
        for precision in [Precision.f32, .bf16] {
            let model = try AutoencoderKL(golden.weights(precision), .init(golden.config))
            for (height, width) in [(2, 5), (7, 3), (70, 9), (33, 40)] {
                let latents = uneven([1, height, width, model.configuration.latents], 0.2)
                let (whole, banded) = (model.decode(latents), model.decode(latents, band: band))
                #expect(psnr(whole, banded) > (precision == .f32 ? 90 : 50), "\(precision) \(height)x\(width)")
                let factor = model.configuration.factor
                let pixels = uneven([1, height * factor, width * factor, 3], 0.4)
                let (mean, other) = (model.encode(pixels).mean, model.encode(pixels, band: band).mean)
                #expect(psnr(mean, other) > (precision == .f32 ? 90 : 50), "encoding \(precision) \(height)x\(width)")
                if precision == .f32 { expectNoEdges(whole, banded, every: max(band, factor)) }
            }
        }
    }

    /// The lines at the edges of bands differ from the whole by no more than the others do.
    private func expectNoEdges(_ whole: Tensor, _ parts: Tensor, every band: Int) {
        let (height, line) = (whole.shape[1], whole.shape[2] * whole.shape[3])
        guard height >= 3 * band else { return }
        let differences = zip(whole.floats, parts.floats).map { Double(abs($0 - $1)) }
        var (atEdges, elsewhere): ([Double], [Double]) = ([], [])
        for y in 1..<height - 1 {
            let sum = differences[y * line..<(y + 1) * line].reduce(0, +)
            // The first line of a band and the last one before it.
            if y % band == 0 || (y + 1) % band == 0 { atEdges.append(sum) } else { elsewhere.append(sum) }
        }
        guard !elsewhere.isEmpty else { return }
        let mean = { (sums: [Double]) in sums.reduce(0, +) / Double(sums.count) }
        #expect(mean(atEdges) < 1.5 * mean(elsewhere) + 1e-5 * Double(line))
    }

    @Test func `bands cover an image once, each with its neighbours`() {
        for height in 1...40 {
            for lines in 1...9 {
                for reach in 0...3 {
                    let bands = Array(Bands(height: height, lines: lines, reach: reach))
                    #expect(bands.flatMap { Array($0.kept) } == Array(0..<height))
                    for band in bands {
                        #expect(band.kept.count <= lines)
                        #expect(band.read.lowerBound == max(0, band.kept.lowerBound - reach))
                        #expect(band.read.upperBound == min(height, band.kept.upperBound + reach))
                    }
                }
            }
        }
    }
}
