// Resampling, equal to Pillow's.

internal import CKernels

extension Image {
    /// Pillow's filters.
    package enum Filter: String, Sendable, CaseIterable { case nearest, bilinear, bicubic, lanczos, box }

    /// The picture at another size; throws `memory` when there is none for the intermediate rows.
    package func resized(width: Int, height: Int, _ filter: Filter = .lanczos) throws(ImageError) -> Image {
        precondition(width > 0 && height > 0, "no picture has this size")
        if width == self.width && height == self.height { return self }
        let kind =
            switch filter {
            case .nearest: LZ_NEAREST
            case .bilinear: LZ_BILINEAR
            case .bicubic: LZ_BICUBIC
            case .lanczos: LZ_LANCZOS
            case .box: LZ_BOX
            }
        var isDone = false
        let resized = [UInt8](unsafeUninitializedCapacity: width * height * channels) { buffer, count in
            isDone = lz_resize_u8(
                channels, self.height, self.width, samples, height, width, buffer.baseAddress, kind)
            count = isDone ? width * height * channels : 0
        }
        guard isDone else { throw .memory(bytes: width * height * channels) }
        return Image(width: width, height: height, channels: channels, samples: resized)
    }
}
