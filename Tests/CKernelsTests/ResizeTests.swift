import CKernels
import Testing

extension KernelTests {
    /// Resampling against Pillow.
    @Suite struct ResizeTests {
        static let filters = [LZ_NEAREST, LZ_BILINEAR, LZ_BICUBIC, LZ_LANCZOS, LZ_BOX]

        @Test(arguments: KernelTests.tables)
        func `images equal Pillow's`(table: String) throws {
            #expect(lz_select_kernels(table))
            var golden = try Golden("resize.bin")
            var images = 0
            while !golden.isAtEnd {
                images += 1
                let header = golden.nextCounts(6)
                let (channels, h, w, oh, ow) = (header[1], header[2], header[3], header[4], header[5])
                let name = "\(table) \(h)×\(w)×\(channels) to \(oh)×\(ow)"
                if header[0] == 1 {
                    let x = golden.next(h * w * channels, of: UInt8.self)
                    for filter in Self.filters {
                        var y = [UInt8](repeating: 7, count: oh * ow * channels)
                        #expect(lz_resize_u8(channels, h, w, x, oh, ow, &y, filter))
                        #expect(y == golden.next(y.count, of: UInt8.self), "\(name) filter \(filter.rawValue)")
                    }
                } else {
                    let x = golden.next(h * w * channels, of: Float.self)
                    for filter in Self.filters {
                        var y = [Float](repeating: 7, count: oh * ow * channels)
                        #expect(lz_resize_f32(channels, h, w, x, oh, ow, &y, filter))
                        let worst = zip(y, golden.next(y.count, of: Float.self)).map { abs($0 - $1) }.max()
                        #expect((worst ?? 1) <= 1e-5, "\(name) filter \(filter.rawValue)")
                    }
                }
            }
            #expect(images == 43)
        }

        @Test func `an image without pixels cannot be enlarged`() {
            var y: [UInt8] = [0]
            #expect(!lz_resize_u8(1, 0, 0, [], 1, 1, &y, LZ_BILINEAR))
            #expect(lz_resize_u8(1, 1, 1, [5], 0, 0, &y, LZ_BILINEAR))
        }
    }
}
