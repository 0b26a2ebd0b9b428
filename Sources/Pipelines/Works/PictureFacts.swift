import Images
import Tensor
import Vocabulary

/// What can be told of a picture by counting.
struct PictureFacts {
    private struct Color {
        var red, green, blue: Int

        init(_ hexadecimal: Int) {
            (red, green, blue) = (hexadecimal >> 16, hexadecimal >> 8 & 255, hexadecimal & 255)
        }

        /// The mean of sums of red, green, blue over a number of pixels.
        init(_ sums: [Int]) {
            let count = max(1, sums[3])
            (red, green, blue) = (
                (sums[0] + count / 2) / count, (sums[1] + count / 2) / count, (sums[2] + count / 2) / count
            )
        }

        var hexadecimal: String {
            "#" + [red, green, blue].map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        }

        func distance(to other: Color) -> Int {
            // Green weighs most in what eyes see, blue least.
            2 * square(red - other.red) + 4 * square(green - other.green) + 3 * square(blue - other.blue)
        }

        private func square(_ x: Int) -> Int { x * x }

        /// The nearest of the names that everybody knows.
        var name: String {
            Self.named.min { distance(to: $0.color) < distance(to: $1.color) }?.name ?? "grey"
        }

        private static let named: [(name: String, color: Color)] = [
            ("black", Color(0x000000)), ("dark grey", Color(0x404040)), ("grey", Color(0x808080)),
            ("light grey", Color(0xc0c0c0)), ("white", Color(0xffffff)), ("red", Color(0xd01818)),
            ("dark red", Color(0x701010)), ("orange", Color(0xf08020)), ("brown", Color(0x704020)),
            ("beige", Color(0xe0d0b0)), ("yellow", Color(0xf0e030)), ("olive", Color(0x707020)),
            ("green", Color(0x20a030)), ("dark green", Color(0x104818)), ("light green", Color(0x90e090)),
            ("turquoise", Color(0x30c8c0)), ("light blue", Color(0x90c8f0)), ("blue", Color(0x2050d0)),
            ("dark blue", Color(0x101850)), ("purple", Color(0x8030a0)), ("magenta", Color(0xe030c0)),
            ("pink", Color(0xf0a0b8)),
        ]
    }

    private let image: Image
    private let header: Image.Header
    private let metadata: Metadata

    init(_ image: Image, _ header: Image.Header, _ metadata: Metadata) {
        self.image = image
        self.header = header
        self.metadata = metadata
    }

    /// Sentences, one a line.
    var text: String {
        var lines = [
            "\(header.format.name), \(image.width)x\(image.height) pixels, \(shape), \(mode).",
            "On average \(mean.hexadecimal) (\(mean.name)); \(brightness).",
        ]
        let colors = dominant.map { "\($0.percent) % \($0.color.name) (\($0.color.hexadecimal))" }
        lines.append("Mostly " + colors.joined(separator: ", ") + ".")
        if header.orientation != 1 { lines.append("Stored with orientation \(header.orientation), shown upright.") }
        if let profile = header.profile { lines.append("Its colours have the profile \(profile.name).") }
        if let parameters = metadata.parameters { lines.append("It was made with: \(parameters)") }
        lines.append(metadata.recipe.map { "Recipe: \($0)" } ?? "It carries no recipe of Lazuli.")
        return lines.joined(separator: "\n")
    }

    private var shape: String {
        image.width == image.height ? "square" : image.width > image.height ? "wide" : "tall"
    }

    private var mode: String {
        switch image.channels {
        case 1: "greys"
        case 4: "colours with transparency"
        default: "colours"
        }
    }

    private var brightness: String {
        let luma = (299 * mean.red + 587 * mean.green + 114 * mean.blue) / 1000
        return luma < 64 ? "dark" : luma < 170 ? "of medium brightness" : "bright"
    }

    private var mean: Color {
        let sums = bins.reduce(into: [0, 0, 0, 0]) { sums, bin in
            for index in 0..<4 { sums[index] += bin.value[index] }
        }
        return Color(sums)
    }

    /// At most five colours, each with the share of the pixels that are near it.
    private var dominant: [(color: Color, percent: Int)] {
        let ordered = bins.sorted { ($0.value[3], $1.key) > ($1.value[3], $0.key) }
        var found: [[Int]] = []
        for (_, sums) in ordered {
            let color = Color(sums)
            // Shades of one colour stand together.
            if let near = found.firstIndex(where: { Color($0).distance(to: color) < 9 * 40 * 40 }) {
                for index in 0..<4 { found[near][index] += sums[index] }
            } else if found.count < 24 {
                found.append(sums)
            }
        }
        let total = max(1, image.width * image.height)
        return found.sorted { $0[3] > $1[3] }.prefix(5).map { (Color($0), (100 * $0[3] + total / 2) / total) }
            .filter { $0.percent > 0 }
    }

    /// Sums of red, green and blue and the number of pixels, by the four highest bits of each; clear pixels over white.
    private var bins: [Int: [Int]] {
        var bins = [Int](repeating: 0, count: 4096 * 4)
        let rgb = image.rgb()
        rgb.samples.withUnsafeBufferPointer { samples in
            for pixel in 0..<rgb.width * rgb.height {
                if pixel % (1 << 20) == 0 && !KernelWork.goesOn() { return }
                let (red, green, blue) = (
                    Int(samples[3 * pixel]), Int(samples[3 * pixel + 1]), Int(samples[3 * pixel + 2])
                )
                let bin = 4 * ((red >> 4) << 8 | (green >> 4) << 4 | blue >> 4)
                bins[bin] += red
                bins[bin + 1] += green
                bins[bin + 2] += blue
                bins[bin + 3] += 1
            }
        }
        return Dictionary(
            uniqueKeysWithValues: (0..<4096).filter { bins[4 * $0 + 3] > 0 }.map {
                ($0, Array(bins[4 * $0..<4 * $0 + 4]))
            })
    }
}
