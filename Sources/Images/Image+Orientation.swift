// EXIF orientations, applied once where pictures come in.

extension Image {
    /// The picture as it is meant to be seen, when its file says that it is stored with EXIF `orientation` 1 to 8.
    package func upright(from orientation: Int) -> Image {
        // Where row 0 and column 0 of the stored picture lie: 2 top right, 3 bottom right, 4 bottom left, then 5 left top,
        // 6 right top, 7 right bottom, 8 left bottom, which exchange rows and columns.
        guard (2...8).contains(orientation) else { return self }
        let swaps = orientation >= 5
        let (newWidth, newHeight) = swaps ? (height, width) : (width, height)
        let mirrorsX = [2, 3, 7, 8].contains(orientation)
        let mirrorsY = [3, 4, 6, 7].contains(orientation)
        let turned = [UInt8](unsafeUninitializedCapacity: samples.count) { buffer, count in
            var target = 0
            for y in 0..<newHeight {
                for x in 0..<newWidth {
                    let (column, row) = swaps ? (y, x) : (x, y)
                    let source = mirrorsX ? width - 1 - column : column
                    let line = mirrorsY ? height - 1 - row : row
                    let start = (line * width + source) * channels
                    for channel in 0..<channels { buffer[target + channel] = samples[start + channel] }
                    target += channels
                }
            }
            count = target
        }
        return Image(width: newWidth, height: newHeight, channels: channels, samples: turned)
    }
}
