// The segments of a JPEG before its first scan, walked without decoding.
//
// Format   ITU-T T.81, annex B

struct JPEGFile {
    let bytes: [UInt8]

    /// Calls `body` with marker and content of every segment before the first scan, until it returns false.
    func each(_ body: (UInt8, ArraySlice<UInt8>) -> Bool) {
        var offset = 2
        while bytes.count - offset >= 4 {
            guard bytes[offset] == 0xFF else { return }
            let marker = bytes[offset + 1]
            if marker == 0xFF {  // fill byte
                offset += 1
                continue
            }
            // Start of scan and end of image end the header; markers without content do not occur in it.
            guard marker != 0xDA, marker != 0xD9, marker != 0 else { return }
            let length = Int(bytes[offset + 2]) << 8 | Int(bytes[offset + 3])
            guard length >= 2, length <= bytes.count - offset - 2 else { return }
            guard body(marker, bytes[offset + 4..<offset + 2 + length]) else { return }
            offset += 2 + length
        }
    }

    static let exifPrefix = Array("Exif\0\0".utf8)
    static let longestSegment = 65533

    /// The TIFF structure of the first EXIF segment; empty when there is none.
    var exif: ArraySlice<UInt8> {
        var exif: ArraySlice<UInt8> = []
        each { marker, content in
            if marker == 0xE1, content.starts(with: Self.exifPrefix) { exif = content.dropFirst(6) }
            return exif.isEmpty
        }
        return exif
    }
}
