import Images
import Kinds
import Testing
import Vocabulary

/// Pictures of one proportion drawn at another.
@Suite struct FitTests {
    @Test(arguments: SizeFit.allCases, [(24, 16), (16, 24), (9, 31), (40, 8)])
    func `a picture of other proportions is fitted as asked`(fit: SizeFit, size: (Int, Int)) throws {
        var studio = try SourceTests.Studio()
        let (width, height) = size
        let image = SourceTests.pattern(24, 16)
        // Only a few pixels in the middle are drawn, so that the rest shows where the picture went.
        let dot = (0..<24 * 16).map { (10..<14).contains($0 % 24) && (6..<10).contains($0 / 24) ? 255 : 0 as UInt8 }
        let blob = try studio.inputs.add(image)
        let mask = try studio.inputs.add(Image(width: 24, height: 16, channels: 1, samples: dot))
        let result = try studio.image(
            studio.request(blob) {
                ($0.width, $0.height, $0.fit, $0.mask) = (width, height, fit, mask)
                ($0.strength, $0.unmasked) = (1, .input)
            })
        #expect(result.width == width && result.height == height)
        // The proportions' share that is kept, or filled, as rational numbers.
        let isWider = 24 * height > width * 16
        var wanted = image
        switch fit {
        case .stretch: break
        case .crop:
            let (w, h) = isWider ? (max(1, width * 16 / height), 16) : (24, max(1, height * 24 / width))
            wanted = image.cropped(x: (24 - w) / 2, y: (16 - h) / 2, width: w, height: h)
        case .pad:
            let (w, h) = isWider ? (width, max(1, width * 16 / 24)) : (max(1, height * 24 / 16), height)
            wanted = try image.resized(width: w, height: h).extended(
                width: width, height: height, x: (width - w) / 2, y: (height - h) / 2)
        }
        wanted = try wanted.resized(width: width, height: height)
        let differing = (0..<width * height).filter { pixel in
            (0..<3).contains { abs(Int(result.samples[3 * pixel + $0]) - Int(wanted.samples[3 * pixel + $0])) > 1 }
        }
        // What the dot's surroundings show after resampling.
        #expect(differing.count < width * height / 2, "\(fit) \(size): \(differing.count)")
        if 24 * height != 16 * width {
            let others = try SizeFit.allCases.filter { $0 != fit }.map { other in
                try studio.image(
                    studio.request(blob) {
                        ($0.width, $0.height, $0.fit, $0.mask) = (width, height, other, mask)
                        ($0.strength, $0.unmasked) = (1, .input)
                    })
            }
            #expect(!others.contains(result))
        }
    }
}
