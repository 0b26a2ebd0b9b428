// Small valid pictures, and lies about a JPEG that must be found.

import Foundation
import Images

/// Pictures of every kind that is decoded along its own path.
func samplePictures() throws -> [(kind: String, file: [UInt8])] {
    var random = SeededGenerator(1)
    let samples = (0..<40 * 30 * 3).map { UInt8(truncatingIfNeeded: $0 / 7 + Int.random(in: 0..<20, using: &random)) }
    let image = Image(width: 40, height: 30, channels: 3, samples: samples)
    return [
        ("PNG", try image.png()), ("PNG of one channel", try image.grey().png(level: 1)),
        ("PNG with a recipe", try image.png(metadata: Metadata(parameters: "a", recipe: "{}", source: .generated))),
        ("PNG interlaced", golden("rgb of 16 bits, interlaced")),
        ("JPEG", try image.jpeg(quality: 80, fullChroma: false)),
        ("JPEG with a recipe", try image.jpeg(metadata: Metadata(parameters: "a", recipe: "{}", source: .generated))),
        ("JPEG progressive", golden("jpeg progressive")),
        ("WebP", try image.webp(metadata: Metadata(parameters: "a", recipe: "{}", source: .generated))),
        ("WebP lossless", try image.webp(quality: 100)),
    ]
}

/// A picture that our own encoders do not write, from the goldens of `ImagesTests`.
private func golden(_ name: String, _ source: String = #filePath) -> [UInt8] {
    let tests = URL(fileURLWithPath: source).deletingLastPathComponent().deletingLastPathComponent()
    let table = tests.appendingPathComponent("ImagesTests/Goldens/pictures.tsv")
    let lines = (try? String(contentsOf: table, encoding: .utf8))?.split(separator: "\n") ?? []
    let cells = lines.map { $0.split(separator: "\t") }.first { $0.count > 1 && $0[0] == name }
    return cells.flatMap { Data(base64Encoded: String($0[1])) }.map { [UInt8]($0) } ?? []
}

/// A JPEG of which one header segment is missing or says what cannot be.
func lyingJPEG(_ file: [UInt8], _ random: inout SeededGenerator) -> (lie: Int, file: [UInt8]) {
    var file = file
    let segments = headerSegments(file)
    func first(_ markers: [UInt8]) -> Segment {
        guard let segment = segments.first(where: { markers.contains($0.marker) }) else {
            preconditionFailure("the JPEG lacks a segment")
        }
        return segment
    }
    let frame = first([0xC0, 0xC2])
    let tables = first([0xC4])
    let lie = Int.random(in: 0..<9, using: &random)
    switch lie {
    case 0: file.removeSubrange(frame.range)
    case 1: file[(segments.last?.range.upperBound ?? 0) + 6] = 0x55  // number of the first scan's Huffman tables
    case 2: for segment in segments.reversed() where segment.marker == 0xDB { file.removeSubrange(segment.range) }
    case 3: file[frame.content] = [0, 7, 9, 16, 255].randomElement(using: &random) ?? 0  // bits of a sample
    case 4:  // no columns, or more than is allowed or than the bytes can fill
        let size = [[0, 0], [0xFF, 0xFF], [0x3F, 0xF0]].randomElement(using: &random) ?? [0, 0]
        file.replaceSubrange(frame.content + 1..<frame.content + 5, with: (size + size).map(UInt8.init))
    case 5: file[frame.content + 5] = [0, 2, 5, 200].randomElement(using: &random) ?? 0  // components
    case 6: file[frame.content + 7] = [0x00, 0x01, 0x50, 0xFF].randomElement(using: &random) ?? 0  // sampling
    case 7: file[frame.content + 8] = UInt8.random(in: 4...255, using: &random)  // number of a quantisation table
    default:  // more codes of a length than there can be
        file[tables.content + 1] = UInt8.random(in: 3...255, using: &random)
    }
    return (lie, file)
}

private struct Segment {
    let marker: UInt8
    /// From the marker to the end.
    let range: Range<Int>
    var content: Int { range.lowerBound + 4 }
}

private func headerSegments(_ file: [UInt8]) -> [Segment] {
    var segments: [Segment] = []
    var offset = 2
    while offset + 4 <= file.count, file[offset] == 0xFF, file[offset + 1] != 0xDA {
        let length = Int(file[offset + 2]) << 8 | Int(file[offset + 3])
        segments.append(Segment(marker: file[offset + 1], range: offset..<offset + 2 + length))
        offset += 2 + length
    }
    return segments
}
