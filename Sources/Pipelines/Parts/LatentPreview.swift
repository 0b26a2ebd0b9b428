// What latents look like, long before they are decoded: a linear map from each latent to the mean colour of its pixels.
//
// Shapes  H W latents, C channels; f pixels of one latent along a side

package import Images
import RandomSources
package import Tensor
import Vocabulary

/// Colours of latents by least squares: fitted to what the model's own decoder makes of smooth random latents, so that no
/// autoencoder needs a table of its own.
package struct LatentPreview: Sendable {
    private let channels: Int
    /// [C + 1, 3], row-major; the last row stands alone.
    private let map: [Double]

    /// Latents along a side of what is decoded for the fit, and of the random grid that they are drawn between.
    private static let side = 16
    private static let grid = 5

    package init(fitting codec: some LatentCodec, _ lender: some PartLender) throws {
        let latents = Self.smoothLatents(codec.channels)
        let pixels = try codec.decode(Tensor(latents, [1, Self.side, Self.side, codec.channels]), band: nil, lender)
        self.init(latents, channels: codec.channels, colours: Self.means(pixels.floats, factor: codec.factor))
    }

    /// The map that takes latents [n, C] closest to colours [n, 3].
    init(_ latents: [Float], channels: Int, colours: [Float]) {
        self.channels = channels
        let (width, count) = (channels + 1, colours.count / 3)
        // Normal equations; the small ridge keeps a channel that the decoder ignores from making them singular.
        var normal = [Double](repeating: 0, count: width * (width + 3))
        for sample in 0..<count {
            let values = latents[sample * channels..<(sample + 1) * channels].map(Double.init) + [1]
            for row in 0..<width {
                for column in 0..<width { normal[row * (width + 3) + column] += values[row] * values[column] }
                for colour in 0..<3 {
                    normal[row * (width + 3) + width + colour] += values[row] * Double(colours[sample * 3 + colour])
                }
            }
        }
        for row in 0..<width { normal[row * (width + 3) + row] += 1e-4 * Double(count) }
        map = Self.solved(normal, width)
    }

    /// A picture [H, W] of latents [1, H, W, C].
    package func callAsFunction(_ latents: Tensor) -> Image {
        let values = latents.floats
        var colours = [Float](repeating: 0, count: latents.rows * 3)
        for row in 0..<latents.rows {
            for colour in 0..<3 {
                var sum = map[channels * 3 + colour]
                for channel in 0..<channels {
                    sum += Double(values[row * channels + channel]) * map[channel * 3 + colour]
                }
                colours[row * 3 + colour] = Float(sum)
            }
        }
        return Image(width: latents.shape[2], height: latents.shape[1], channels: 3, colours, .signed)
    }

    /// Standard normal values on a grid, and linear ones between, so that each latent's pixels have about one colour.
    private static func smoothLatents(_ channels: Int) -> [Float] {
        var source = TorchRandomSource(seed: 0)
        let corners = source.normal(grid * grid * channels)
        let step = Float(grid - 1) / Float(side - 1)
        var latents: [Float] = []
        for y in 0..<side {
            for x in 0..<side {
                let (top, left) = (min(Int(Float(y) * step), grid - 2), min(Int(Float(x) * step), grid - 2))
                let (down, right) = (Float(y) * step - Float(top), Float(x) * step - Float(left))
                for channel in 0..<channels {
                    func corner(_ row: Int, _ column: Int) -> Float {
                        corners[(row * grid + column) * channels + channel]
                    }
                    let upper = corner(top, left) * (1 - right) + corner(top, left + 1) * right
                    let lower = corner(top + 1, left) * (1 - right) + corner(top + 1, left + 1) * right
                    latents.append(upper * (1 - down) + lower * down)
                }
            }
        }
        return latents
    }

    /// Mean colours [side², 3] of blocks of f×f pixels.
    private static func means(_ pixels: [Float], factor: Int) -> [Float] {
        var means = [Float](repeating: 0, count: side * side * 3)
        let width = side * factor
        for y in 0..<width {
            for x in 0..<width {
                for colour in 0..<3 {
                    means[(y / factor * side + x / factor) * 3 + colour] += pixels[(y * width + x) * 3 + colour]
                }
            }
        }
        return means.map { $0 / Float(factor * factor) }
    }

    /// Solves `width` equations with three right sides each, which stand at the end of their rows.
    private static func solved(_ equations: [Double], _ width: Int) -> [Double] {
        var rows = stride(from: 0, to: equations.count, by: width + 3).map { Array(equations[$0..<$0 + width + 3]) }
        for column in 0..<width {
            let pivot = (column..<width).max { abs(rows[$0][column]) < abs(rows[$1][column]) } ?? column
            rows.swapAt(column, pivot)
            let divisor = rows[column][column]
            rows[column] = rows[column].map { $0 / divisor }
            for row in 0..<width where row != column {
                let factor = rows[row][column]
                for place in column..<width + 3 { rows[row][place] -= factor * rows[column][place] }
            }
        }
        return rows.flatMap { $0[width...] }
    }
}
