import Images
import Testing
import Vocabulary

@Suite struct DecodeTests {
    @Test func `the goldens are there`() { #expect(pictures.count == 63) }

    @Test(arguments: pictures) func `every kind of file gives Pillow's pixels`(_ picture: Picture) throws {
        let image = try Image.decode(picture.file)
        #expect(image.width == picture.expected.width && image.height == picture.expected.height)
        #expect(image.channels == picture.expected.channels)
        let differences = zip(image.samples, picture.expected.samples).map { abs(Int($0) - Int($1)) }
        #expect(differences.max() ?? 0 <= picture.tolerance)
    }

    @Test(arguments: ["PNG", "JPEG"]) func `orientation is applied unless the stored pixels are asked for`(
        _ format: String
    ) throws {
        let file = picture("orientation 6 \(format)").file
        #expect(try Image.header(file).orientation == 6)
        let stored = try Image.decode(file, upright: false)
        let upright = try Image.decode(file)
        #expect(stored.width == 24 && stored.height == 16 && upright.width == 16 && upright.height == 24)
    }

    @Test func `malformed EXIF never fails a picture`() throws {
        let file = picture("orientation 6 JPEG").file
        let start = try #require(file.indices.first { file[$0...].starts(with: "Exif".utf8) })
        for offset in 6..<32 {
            for value in [0, 0x7F, 0xFF] as [UInt8] {
                var broken = file
                broken[start + offset] = value
                #expect(try Image.decode(broken).channels == 3)
            }
        }
    }

    static let unread: [(String, [UInt8])] = {
        func ascii(_ text: String) -> [UInt8] { Array(text.utf8) }
        let bitmap: [UInt8] = [0x42, 0x4D, 9, 9, 0, 0, 0, 0, 0, 0, 54, 0, 0, 0, 40, 0]
        return [
            ("GIF", ascii("GIF89a")),
            ("HEIC", ascii("\0\0\0\u{18}ftypheic")),
            ("AVIF", ascii("\0\0\0\u{18}ftypavif")), ("TIFF", ascii("II*\0\u{8}\0\0\0")), ("BMP", bitmap),
            ("JPEG XL", [0xFF, 0x0A, 1, 2]), ("JPEG 2000", ascii("\0\0\0\u{C}jP  ")),
        ]
    }()

    @Test(arguments: unread) func `a format that is not read is named`(_ name: String, _ file: [UInt8]) {
        #expect(throws: ImageError.unsupported(format: name)) { try Image.decode(file) }
        #expect(ImageError.unsupported(format: name).description.contains("send PNG, JPEG or WebP"))
    }

    @Test func `what is no picture is a typed error`() {
        #expect(throws: ImageError.empty) { try Image.decode([]) }
        #expect(throws: ImageError.unrecognised(firstBytes: Array("hello wo".utf8))) {
            try Image.decode(Array("hello world".utf8))
        }
        #expect(throws: ImageError.truncated(format: "PNG")) { try Image.decode([0x89, 0x50]) }
        #expect(throws: ImageError.truncated(format: "JPEG")) { try Image.decode([0xFF, 0xD8]) }
    }

    @Test func `an animated PNG says so`() {
        var file = picture("rgb").file
        let control: [UInt8] = [0, 0, 0, 8] + Array("acTL".utf8) + [0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0]
        file.insert(contentsOf: control, at: 33)
        #expect(throws: ImageError.unsupported(format: "an animated PNG")) { try Image.decode(file) }
    }

    @Test func `an animated WebP says so`() {
        // An extended header whose flags promise animation, one by one pixel.
        let header: [UInt8] = Array("VP8X".utf8) + [10, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0]
        let control: [UInt8] = Array("ANIM".utf8) + [6, 0, 0, 0, 0, 0, 0, 0, 0, 0]
        let body = Array("WEBP".utf8) + header + control
        let file = Array("RIFF".utf8) + [UInt8(body.count), 0, 0, 0] + body
        #expect(throws: ImageError.unsupported(format: "an animated WebP")) { try Image.decode(file) }
    }

    @Test func `a profile is named, and one that is damaged counts as absent`() throws {
        #expect(try Image.header(picture("profile rgb PNG").file).profile?.name == "wide")
        #expect(try Image.header(picture("profile cmyk JPEG").file).profile?.name == "inks")
        #expect(try Image.header(picture("profile that is none").file).profile == nil)
        // A JPEG splits its profile: every byte of it damaged in turn never fails the picture.
        let file = picture("profile rgb JPEG").file
        let start = try #require(file.indices.first { file[$0...].starts(with: "ICC_PROFILE".utf8) })
        for offset in 12..<400 {
            var broken = file
            broken[start + offset] ^= 0x55
            #expect(try Image.decode(broken).channels == 3)
        }
    }

    @Test(arguments: ["rgb", "interlaced", "jpeg 4:2:0", "jpeg progressive", "jpeg grey", "WebP", "WebP lossless"])
    func `every truncation is a typed error`(_ name: String) throws {
        let file = picture(name).file
        // The last bytes of a PNG repeat a known checksum and those of a JPEG end the image: all are needed.
        for count in 0..<file.count {
            #expect(throws: ImageError.self, "\(count) of \(file.count)") {
                try Image.decode(Array(file.prefix(count)))
            }
        }
    }
}

@Suite struct LimitTests {
    private func big(_ value: UInt32) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * $0)) } }

    private func chunk(_ type: String, _ data: [UInt8]) -> [UInt8] {
        let body = Array(type.utf8) + data
        var crc: UInt32 = 0xFFFF_FFFF
        for byte in body {
            crc ^= UInt32(byte)
            for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0xEDB8_8320 : crc >> 1 }
        }
        return big(UInt32(data.count)) + body + big(~crc)
    }

    /// Signature and header of a PNG that claims a size, with `data` as its pixels.
    private func png(_ width: UInt32, _ height: UInt32, data: [UInt8] = []) -> [UInt8] {
        [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
            + chunk("IHDR", big(width) + big(height) + [8, 2, 0, 0, 0]) + chunk("IDAT", data) + chunk("IEND", [])
    }

    @Test func `a PNG of a few bytes cannot claim a huge picture`() {
        #expect(throws: ImageError.tooLarge(.side, found: 100_000, limit: 16384)) {
            try Image.decode(png(100_000, 100_000))
        }
        #expect(throws: ImageError.tooLarge(.pixels, found: 16384 * 16384, limit: 64_000_000)) {
            try Image.decode(png(16384, 16384))
        }
        // Within all limits, but not within what so few bytes can inflate to.
        #expect(throws: ImageError.truncated(format: "PNG")) { try Image.decode(png(8000, 8000)) }
    }

    @Test func `zero and absurd sizes are typed errors`() {
        for (width, height) in [(0, 5), (5, 0), (0x8000_0000, 5), (5, 0xFFFF_FFFF)] as [(UInt32, UInt32)] {
            #expect(throws: ImageError.self) { try Image.decode(png(width, height)) }
        }
    }

    @Test func `a JPEG of a few bytes cannot claim a huge picture`() throws {
        var file = picture("jpeg 4:4:4").file
        let frame = try #require(file.indices.dropLast(9).first { file[$0] == 0xFF && file[$0 + 1] == 0xC0 })
        file.replaceSubrange(frame + 5..<frame + 9, with: [0x1F, 0x40, 0x1F, 0x40])  // 8000 × 8000
        #expect(throws: ImageError.truncated(format: "JPEG")) { try Image.decode(file) }
        file.replaceSubrange(frame + 5..<frame + 9, with: [0xFF, 0xDC, 0xFF, 0xDC])
        #expect(throws: ImageError.tooLarge(.side, found: 65500, limit: 16384)) { try Image.decode(file) }
    }

    @Test func `limits name themselves`() throws {
        let file = picture("rgb").file
        var limits = ImageLimits()
        limits.bytes = 20
        #expect(throws: ImageError.tooLarge(.bytes, found: file.count, limit: 20)) {
            try Image.decode(file, limits: limits)
        }
        limits = ImageLimits()
        limits.pixels = 100
        #expect(throws: ImageError.tooLarge(.pixels, found: 117, limit: 100)) { try Image.decode(file, limits: limits) }
        limits = ImageLimits()
        limits.decodedBytes = 350
        #expect(throws: ImageError.tooLarge(.decodedBytes, found: 351, limit: 350)) {
            try Image.decode(file, limits: limits)
        }
        limits = ImageLimits()
        limits.side = 12
        #expect(throws: ImageError.tooLarge(.side, found: 13, limit: 12)) { try Image.header(file, limits: limits) }
    }

    @Test func `a text chunk that inflates to gigabytes is neither inflated nor an error`() throws {
        // 1 MiB of zeros deflated a thousandfold, nested in zTXt: decoding skips it, reading metadata bounds it.
        let image = noise(width: 8, height: 8, channels: 3)
        let bomb = try Image(width: 4096, height: 2048, color: [0]).png(level: 9)
        let start = try #require(bomb.indices.first { bomb[$0...].starts(with: "IDAT".utf8) })
        let length = bomb[start - 4..<start].reduce(0) { $0 << 8 | Int($1) }
        var file = try image.png()
        let content = Array("parameters\0\0".utf8) + bomb[start + 4..<start + 4 + length]
        file.insert(contentsOf: chunk("zTXt", content), at: 33)
        #expect(try Image.decode(file) == image)
        #expect(try Metadata(reading: file).parameters == nil)
    }
}
