import API
import Digests
import Engine
import Foundation
import Images
import JSON
import Kinds
import Pipelines
import Testing
import Vocabulary
import Wire

/// `describe`: a blob comes in, text goes out, no model is needed.
@Suite struct DescribeTests {
    private let folder: TemporaryFolder
    private let workshop: Workshop

    init() throws {
        folder = try TemporaryFolder()
        workshop = folder.workshop()
    }

    /// 16x8 pixels: the left quarter red, the rest blue.
    private static let picture = Image(
        width: 16, height: 8, channels: 3,
        samples: (0..<128).flatMap { $0 % 16 < 4 ? [208, 24, 24] : [32, 80, 208] as [UInt8] })

    private static func file(_ format: Vocabulary.ImageFormat, _ metadata: Metadata = Metadata()) throws -> [UInt8] {
        switch format {
        case .png: try picture.png(metadata: metadata)
        case .jpeg: try picture.jpeg(quality: 100, metadata: metadata)
        case .webp: try picture.webp(quality: 100, metadata: metadata)
        }
    }

    private func describe(_ bytes: [UInt8], named name: String? = nil) throws -> (text: String, reports: Reports) {
        let blob = Blob(sha256: name ?? SHA256.hexadecimal(of: bytes))
        let path = "\(folder.path)/\(UUID().uuidString)"
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        let (result, reports) = try workshop.run(
            Describe(image: blob), inputs: [InputFile(blob: blob, path: path)])
        return (try #require(result["text"]?.asString), reports)
    }

    @Test(arguments: Vocabulary.ImageFormat.allCases)
    func `a picture is told by its format, size, colours and recipe`(format: Vocabulary.ImageFormat) throws {
        let (text, reports) = try describe(try Self.file(format))
        #expect(text.contains("16x8 pixels, wide") && text.lowercased().contains(format.rawValue))
        #expect(text.contains("75 % blue") && text.contains("25 % red"))
        #expect(text.contains("no recipe"))
        #expect(reports.text(of: JobID("job")) == text)
        #expect(reports.files.isEmpty && reports.warnings.isEmpty)

        let recipe = #"{"lazuli":"0","prompt":"é \" 猫"}"#
        let told = try describe(try Self.file(format, Metadata(parameters: "Steps: 3", recipe: recipe))).text
        #expect(told.contains("Recipe: \(recipe)") && told.contains("Steps: 3"))
    }

    @Test func `the same picture is described by the same words`() throws {
        let bytes = try Self.file(.png)
        let first = try describe(bytes).text
        for _ in 0..<5 { #expect(try describe(bytes).text == first) }
    }

    @Test(arguments: Vocabulary.ImageFormat.allCases)
    func `a file that is cut anywhere is refused or told, never worse`(format: Vocabulary.ImageFormat) throws {
        let bytes = try Self.file(format)
        var refused = 0
        for length in 0..<bytes.count {
            do {
                #expect(try describe(Array(bytes.prefix(length))).text.contains("16x8"))
            } catch let failed as FailedJob {
                refused += 1
                #expect(failed.body.code == "bad_picture" && failed.body.param == "image", "\(length): \(failed.body)")
                #expect(!failed.body.message.isEmpty)
            }
        }
        // What is left of the file without its last bytes may be whole.
        #expect(refused > bytes.count * 3 / 4)
    }

    @Test func `a file that is not the one that was named is refused`() throws {
        let failed = #expect(throws: FailedJob.self) {
            try describe(try Self.file(.png), named: String(repeating: "0", count: 64))
        }
        #expect(failed?.body.code == "invalid_parameter" && failed?.body.param == "image")
    }

    @Test func `what is no picture is refused by name`() throws {
        for bytes in [[], Array("GIF89a".utf8), Array("hello, world".utf8), [0x89]] as [[UInt8]] {
            let failed = #expect(throws: FailedJob.self) { try describe(bytes) }
            #expect(failed?.body.code == "bad_picture")
        }
    }

    @Test(arguments: [
        (1, [UInt8](repeating: 200, count: 1), "1x1 pixels, square, greys"),
        (4, [200, 0, 0, 0], "1x1 pixels, square, colours with transparency"),
    ]) func `greys and transparency are told`(channels: Int, samples: [UInt8], words: String) throws {
        let image = Image(width: 1, height: 1, channels: channels, samples: samples)
        let text = try describe(try image.png(metadata: Metadata())).text
        #expect(text.contains(words))
        // What is clear shows the white behind it.
        if channels == 4 { #expect(text.contains("100 % white")) }
    }
}
