// The recipe of a picture, carried in its file.
//
// PNG    tEXt or iTXt `parameters` (AUTOMATIC1111), iTXt `lazuli` (JSON), iTXt `XML:com.adobe.xmp` (IPTC source type)
// JPEG   EXIF UserComment (AUTOMATIC1111, UTF-16), EXIF ImageDescription (JSON), XMP; WebP the same in its own chunks

internal import CImages
import Vocabulary

/// What a picture says about how it was made.
package struct Metadata: Sendable, Equatable {
    /// AUTOMATIC1111's text: prompt, negative prompt, settings.
    package var parameters: String?
    /// Our recipe, JSON.
    package var recipe: String?
    package var source: DigitalSource?

    package init(parameters: String? = nil, recipe: String? = nil, source: DigitalSource? = nil) {
        self.parameters = parameters
        self.recipe = recipe
        self.source = source
    }

    /// IPTC's terms for pictures made by a model, and for pictures of a camera changed by one.
    package enum DigitalSource: String, Sendable, CaseIterable {
        case generated = "trainedAlgorithmicMedia"
        case edited = "compositeWithTrainedAlgorithmicMedia"
    }

    private static let recipeKey = "lazuli"
    private static let parametersKey = "parameters"
    private static let xmpKey = "XML:com.adobe.xmp"
    private static let xmpPrefix = Array("http://ns.adobe.com/xap/1.0/\0".utf8)

    // MARK: Writing

    /// Text chunks, ready to stand after the header.
    func pngChunks() throws(ImageError) -> [UInt8] {
        for text in [parameters, recipe] {
            guard text?.utf8.contains(0) != true else { throw .metadataText }
        }
        var chunks: [UInt8] = []
        if let parameters {
            if let latin = Self.latin1(parameters) {
                chunks += PNGFile.encode("tEXt", Array(Self.parametersKey.utf8) + [0] + latin)
            } else {
                chunks += Self.international(Self.parametersKey, parameters)
            }
        }
        if let recipe { chunks += Self.international(Self.recipeKey, recipe) }
        if let source { chunks += Self.international(Self.xmpKey, Self.packet(source)) }
        return chunks
    }

    /// Contents of APP1 segments of a picture of this size.
    func jpegSegments(width: Int, height: Int) throws(ImageError) -> [[UInt8]] {
        var exif = Exif()
        exif.description = recipe
        exif.comment = parameters
        guard recipe?.utf8.contains(0) != true else { throw .metadataText }
        var segments: [[UInt8]] = []
        if let block = exif.encoded(width: width, height: height) {
            let segment = JPEGFile.exifPrefix + block
            guard segment.count <= JPEGFile.longestSegment else {
                throw .metadataTooLarge(bytes: segment.count, limit: JPEGFile.longestSegment)
            }
            segments.append(segment)
        }
        if let source { segments.append(Self.xmpPrefix + Array(Self.packet(source).utf8)) }
        return segments
    }

    private static func latin1(_ text: String) -> [UInt8]? {
        var bytes: [UInt8] = []
        for scalar in text.unicodeScalars {
            guard scalar.value < 256 else { return nil }
            bytes.append(UInt8(scalar.value))
        }
        return bytes
    }

    /// An uncompressed iTXt chunk without language.
    private static func international(_ key: String, _ text: String) -> [UInt8] {
        PNGFile.encode("iTXt", Array(key.utf8) + [0, 0, 0, 0, 0] + Array(text.utf8))
    }

    private static func packet(_ source: DigitalSource) -> String {
        """
        <?xpacket begin="\u{FEFF}" id="W5M0MpCehiHzreSzNTczkc9d"?>\
        <x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">\
        <rdf:Description rdf:about="" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/">\
        <Iptc4xmpExt:DigitalSourceType>http://cv.iptc.org/newscodes/digitalsourcetype/\(source.rawValue)\
        </Iptc4xmpExt:DigitalSourceType></rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="r"?>
        """
    }

    /// The EXIF block and the XMP packet of a WebP, nil where there is nothing to say.
    func webpChunks(width: Int, height: Int) throws(ImageError) -> (exif: [UInt8]?, xmp: [UInt8]?) {
        var exif = Exif()
        exif.description = recipe
        exif.comment = parameters
        guard recipe?.utf8.contains(0) != true else { throw .metadataText }
        return (exif.encoded(width: width, height: height), source.map { Array(Self.packet($0).utf8) })
    }

    // MARK: Reading

    /// Reads the metadata of a picture without decoding it; what is malformed counts as absent.
    package init(reading bytes: [UInt8]) throws(ImageError) {
        self.init()
        switch try ImageFormat(bytes) {
        case .png: readPNG(PNGFile(bytes: bytes))
        case .jpeg: readJPEG(JPEGFile(bytes: bytes))
        case .webp: readWebP(WebPFile(bytes: bytes))
        }
    }

    private mutating func readPNG(_ file: PNGFile) {
        var found: [String: String] = [:]
        file.each { chunk in
            if let (key, text) = Self.text(of: chunk), found[key] == nil { found[key] = text }
            return true
        }
        parameters = found[Self.parametersKey]
        recipe = found[Self.recipeKey]
        source = found[Self.xmpKey].flatMap { Self.source(inPacket: $0) }
    }

    private mutating func readJPEG(_ file: JPEGFile) {
        let exif = Exif(file.exif)
        parameters = exif.comment
        recipe = exif.description
        var packet = ""
        file.each { marker, content in
            if marker == 0xE1, content.starts(with: Self.xmpPrefix) {
                packet = String(decoding: content.dropFirst(Self.xmpPrefix.count), as: UTF8.self)
            }
            return packet.isEmpty
        }
        source = Self.source(inPacket: packet)
    }

    private mutating func readWebP(_ file: WebPFile) {
        let exif = Exif(file.exif)
        parameters = exif.comment
        recipe = exif.description
        source = Self.source(inPacket: String(decoding: file["XMP "], as: UTF8.self))
    }

    private static func source(inPacket packet: String) -> DigitalSource? {
        DigitalSource.allCases.first { packet.contains("digitalsourcetype/\($0.rawValue)<") }
    }

    private static let longestText = 4 << 20

    /// Key and text of a tEXt, zTXt or iTXt chunk.
    private static func text(of chunk: PNGFile.Chunk) -> (key: String, text: String)? {
        guard ["tEXt", "zTXt", "iTXt"].contains(chunk.type), let end = chunk.data.firstIndex(of: 0) else { return nil }
        let key = String(decoding: chunk.data[..<end], as: UTF8.self)
        let rest = chunk.data[(end + 1)...]
        switch chunk.type {
        case "tEXt": return (key, latin1Text(rest))
        case "zTXt":
            guard rest.first == 0, let text = inflated(rest.dropFirst(), limit: longestText) else { return nil }
            return (key, latin1Text(text[...]))
        default:
            guard rest.count >= 2, let language = rest.dropFirst(2).firstIndex(of: 0),
                let translated = rest[(language + 1)...].firstIndex(of: 0)
            else { return nil }
            let content = rest[(translated + 1)...]
            guard rest.first == 1 else { return (key, String(decoding: content, as: UTF8.self)) }
            return inflated(content, limit: longestText).map { (key, String(decoding: $0, as: UTF8.self)) }
        }
    }

    private static func latin1Text(_ bytes: ArraySlice<UInt8>) -> String {
        var text = ""
        for byte in bytes { text.unicodeScalars.append(Unicode.Scalar(byte)) }
        return text
    }
}
