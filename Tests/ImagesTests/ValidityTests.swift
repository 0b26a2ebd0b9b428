import Foundation
import Images
import Testing

/// What ExifTool and pngcheck, which know the formats better than any reader forgives, say of our files.
@Suite struct ValidityTests {
    static let exiftool = "/usr/bin/exiftool"
    static let pngcheck = "/usr/bin/pngcheck"

    private static let all: [Metadata] = {
        let texts = ["a red apple\nSteps: 1, Sampler: Euler a, Seed: 1", "crème", "сова 🦉", "", "x"]
        return [Metadata(), Metadata(source: .edited)]
            + texts.flatMap { text in
                [
                    Metadata(parameters: text, recipe: "{\"p\":\"\(text.prefix(3))\"}", source: .generated),
                    Metadata(parameters: text), Metadata(recipe: text),
                ]
            }
    }()

    @Test(
        .enabled(if: FileManager.default.isExecutableFile(atPath: exiftool), "ExifTool is not installed"),
        arguments: [1, 3, 4])
    func `ExifTool finds nothing to complain of`(channels: Int) throws {
        let image = noise(width: 17, height: 5, channels: channels)
        let files = try Self.all.flatMap { metadata in
            [
                ("png", try image.png(metadata: metadata)), ("jpg", try image.jpeg(metadata: metadata)),
                ("jpg", try image.jpeg(fullChroma: false, metadata: metadata)),
                ("webp", try image.webp(metadata: metadata)),
                ("webp", try image.webp(quality: 100, metadata: metadata)),
            ]
        }
        let said = try run(Self.exiftool, Self.validation, on: files)
        #expect(said.status == 0)
        let verdicts = said.text.split(separator: "\n")
        #expect(verdicts.count == files.count && Set(verdicts) == ["OK"], "\(said.text)")
    }

    @Test(
        .enabled(if: FileManager.default.isExecutableFile(atPath: pngcheck), "pngcheck is not installed"),
        arguments: [1, 3, 4])
    func `pngcheck is silent`(channels: Int) throws {
        let image = noise(width: 17, height: 5, channels: channels)
        let files = try Self.all.map { ("png", try image.png(metadata: $0)) }
        let said = try run(Self.pngcheck, ["-q"], on: files)
        #expect(said.status == 0 && said.text.isEmpty, "\(said.text)")
    }

    @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: exiftool), "ExifTool is not installed"))
    func `ExifTool does complain of a broken file`() throws {
        var file = try noise(width: 17, height: 5, channels: 3).jpeg(metadata: Metadata(parameters: "a"))
        let version = try #require(file.indices.first { file[$0...].starts(with: [0x90, 0x00, 0x00, 0x07]) })
        file[version + 1] = 1  // no Exif version any more
        #expect(try run(Self.exiftool, Self.validation, on: [("jpg", file)]).text != "OK\n")
    }

    /// A line for each file, "OK", or what is wrong with it.
    private static let validation = ["-q", "-s3", "-a", "-Validate", "-Warning", "-Error"]

    /// What a program says of files with these extensions, and its status.
    private func run(_ program: String, _ options: [String], on files: [(extension: String, bytes: [UInt8])]) throws
        -> (
            status: Int32, text: String
        )
    {
        let folder = FileManager.default.temporaryDirectory.appending(path: "lazuli-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
        defer { try? FileManager.default.removeItem(at: folder) }
        var paths: [String] = []
        for (index, file) in files.enumerated() {
            let path = folder.appending(path: "\(index).\(file.extension)")
            try Data(file.bytes).write(to: path)
            paths.append(path.path)
        }
        let process = Process()
        process.executableURL = URL(filePath: program)
        process.arguments = options + paths
        let output = Pipe()
        process.standardOutput = output
        process.standardError = output
        try process.run()
        let text = try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        return (process.terminationStatus, String(decoding: text, as: UTF8.self))
    }
}
