// Committed goldens, one record a line.

import Foundation
import Images
import Testing

struct Picture: CustomTestStringConvertible, Sendable {
    let name: String
    let file: [UInt8]
    let expected: Image
    let tolerance: Int

    var testDescription: String { name }
}

func records(_ name: String, _ source: String = #filePath) -> [[String]] {
    let path = URL(fileURLWithPath: source).deletingLastPathComponent().appendingPathComponent("Goldens/\(name)").path
    guard let text = try? String(contentsOfFile: path, encoding: .utf8) else { return [] }
    return text.split(separator: "\n").map { $0.split(separator: "\t").map(String.init) }
}

func bytes(_ base64: String) -> [UInt8] { Data(base64Encoded: base64).map { [UInt8]($0) } ?? [] }

let pictures: [Picture] = (records("pictures.tsv") + records("profiles.tsv")).compactMap { cells in
    guard cells.count == 7, let width = Int(cells[2]), let height = Int(cells[3]), let channels = Int(cells[4]),
        let tolerance = Int(cells[6])
    else { return nil }
    let image = Image(width: width, height: height, channels: channels, samples: bytes(cells[5]))
    return Picture(name: cells[0], file: bytes(cells[1]), expected: image, tolerance: tolerance)
}

func picture(_ name: String) -> Picture {
    guard let found = pictures.first(where: { $0.name == name }) else { preconditionFailure("no golden \(name)") }
    return found
}

/// A picture whose samples all differ from their neighbours.
func noise(width: Int, height: Int, channels: Int) -> Image {
    var state: UInt32 = 12345
    let samples = (0..<width * height * channels).map { _ in
        state = state &* 1_664_525 &+ 1_013_904_223
        return UInt8(state >> 24)
    }
    return Image(width: width, height: height, channels: channels, samples: samples)
}
