import Images
import Testing
import Vocabulary

@Suite struct EncodeTests {
    @Test(arguments: [1, 3, 4], [0, 1, 6, 9]) func `PNG is lossless at every level`(_ channels: Int, _ level: Int)
        throws
    {
        let image = noise(width: 37, height: 23, channels: channels)
        #expect(try Image.decode(image.png(level: level)) == image)
    }

    @Test(arguments: [1, 3, 4]) func `WebP is lossless at its best quality and near at others`(_ channels: Int) throws {
        let image = noise(width: 37, height: 23, channels: channels)
        let colors = channels == 1 ? image.rgb() : image
        #expect(try Image.decode(image.webp(quality: 100)) == colors)
        let smooth = gradient(channels)
        let near = try Image.decode(smooth.webp(quality: 98))
        #expect(worst(channels == 1 ? near.grey() : near.rgb(), channels == 1 ? smooth : smooth.rgb()) <= 12)
        #expect(try smooth.webp(quality: 10).count < smooth.webp(quality: 98).count)
        #expect(throws: ImageError.encoding("WebP quality 101 is not 1 to 100")) { try image.webp(quality: 101) }
        #expect(throws: ImageError.tooLarge(.side, found: 16384, limit: 16383)) {
            try Image(width: 16384, height: 1, color: [1, 2, 3]).webp()
        }
    }

    @Test func `a picture of one pixel survives`() throws {
        let image = Image(width: 1, height: 1, color: [9, 8, 7])
        #expect(try Image.decode(image.png()) == image)
        #expect(try Image.decode(image.jpeg(quality: 100)).width == 1)
        #expect(try Image.decode(image.webp(quality: 100)) == image)
    }

    private func gradient(_ channels: Int) -> Image {
        Image(
            width: 48, height: 40, channels: channels,
            samples: (0..<48 * 40 * channels).map { UInt8($0 / channels % 48 * 3 + $0 % channels * 38) })
    }

    private func worst(_ a: Image, _ b: Image) -> Int {
        zip(a.samples, b.samples).map { abs(Int($0) - Int($1)) }.max() ?? 0
    }

    @Test(arguments: [1, 3]) func `JPEG keeps smooth pictures`(_ channels: Int) throws {
        let image = gradient(channels)
        #expect(worst(try Image.decode(image.jpeg(quality: 98)), image) <= 4)
        #expect(try image.jpeg(quality: 30).count < image.jpeg(quality: 95).count)
    }

    @Test func `full chroma keeps colours that halved chroma blurs`() throws {
        let image = Image(
            width: 32, height: 32, channels: 3,
            samples: (0..<1024).flatMap { $0 % 2 == 0 ? [255, 0, 0] : [0, 0, 255] })
        #expect(worst(try Image.decode(image.jpeg(quality: 100, fullChroma: true)), image) < 20)
        #expect(worst(try Image.decode(image.jpeg(quality: 100, fullChroma: false)), image) > 60)
    }

    @Test func `JPEG composes alpha over white`() throws {
        let image = try Image.decode(Image(width: 8, height: 8, color: [200, 0, 0, 0]).jpeg())
        #expect(image.channels == 3 && image.samples.allSatisfy { $0 > 250 })
    }

    @Test func `levels and qualities out of range are typed errors`() {
        let image = Image(width: 2, height: 2, color: [0])
        for level in [-1, 10] { #expect(throws: ImageError.self) { try image.png(level: level) } }
        for quality in [0, 101] { #expect(throws: ImageError.self) { try image.jpeg(quality: quality) } }
    }

    @Test func `alpha is composed with rounding`() {
        let image = Image(width: 2, height: 1, channels: 4, samples: [255, 100, 0, 128, 7, 7, 7, 255])
        #expect(image.rgb(over: [0, 0, 0]).samples == [128, 50, 0, 7, 7, 7])
        #expect(image.rgb().samples == [255, 177, 127, 7, 7, 7])
        #expect(image.alpha?.samples == [128, 255])
        #expect(Image(width: 1, height: 1, color: [5]).rgb().samples == [5, 5, 5])
        #expect(Image(width: 1, height: 1, color: [255, 0, 0]).grey().samples == [76])
    }

    @Test(arguments: records("resized.tsv")) func `resampling equals Pillow's`(_ cells: [String]) throws {
        let filter = try #require(Image.Filter(rawValue: cells[0]))
        let (width, height) = (try #require(Int(cells[1])), try #require(Int(cells[2])))
        let resized = try picture("rgb").expected.resized(width: width, height: height, filter)
        #expect(resized.samples == bytes(cells[3]))
    }
}

@Suite struct FloatTests {
    @Test func `samples become diffusers' floats and come back`() {
        let image = Image(width: 16, height: 16, channels: 1, samples: (0...255).map(UInt8.init))
        let signed = image.floats(.signed)
        #expect(signed[0] == -1 && signed[255] == 1 && signed[128] == 2 * (Float(128) / 255) - 1)
        #expect(image.floats(.unit)[51] == 0.2)
        #expect(Image(width: 16, height: 16, channels: 1, signed, .signed) == image)
        #expect(Image(width: 16, height: 16, channels: 1, image.floats(.unit), .unit) == image)
    }

    @Test func `rounding is half to even, and what lies outside is clamped`() {
        // 0.5/255 and 1.5/255 are not representable, so the halves are made of 127.5 = 0.5·255.
        let values: [Float] = [0.5, -0.2, 1.7, .nan, .infinity, -.infinity, 1, 0]
        #expect(Image(width: 8, height: 1, channels: 1, values, .unit).samples == [128, 0, 255, 0, 255, 0, 255, 0])
        #expect(Image(width: 2, height: 1, channels: 1, [0, 3], .signed).samples == [128, 255])
    }

    @Test func `planar order separates the channels`() {
        let image = noise(width: 5, height: 4, channels: 3)
        let planar = image.floats(.signed, .planar)
        #expect(planar[20 + 7] == image.floats(.signed)[3 * 7 + 1])
        #expect(Image(width: 5, height: 4, channels: 3, planar, .signed, .planar) == image)
    }
}
