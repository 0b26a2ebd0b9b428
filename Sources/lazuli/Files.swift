import API
import Client
import Foundation
import Images

/// Where the pictures of a job go.
struct Destination {
    /// The file that the user named; nil names files in the current directory after the prompt.
    var file: String?

    /// Refuses a file that cannot be written, before anybody has waited for its picture.
    func check() throws {
        guard let file else { return }
        var isFolder: ObjCBool = false
        let folder = (file as NSString).deletingLastPathComponent
        let manager = FileManager.default
        if file.isEmpty || manager.fileExists(atPath: file, isDirectory: &isFolder) && isFolder.boolValue {
            throw Failure(Exit.badInput, "\"\(file)\" is no name for a file. Name one with -o.")
        }
        if access(file, W_OK) != 0, access(folder.isEmpty ? "." : folder, W_OK | X_OK) != 0 {
            throw Failure(
                Exit.badInput, "\(file) cannot be written: \(String(cString: strerror(errno))). Choose another folder.")
        }
    }

    /// Fetches and writes every output of a finished job; returns the paths.
    func write(_ job: JobStatus, from client: DaemonClient) throws -> [String] {
        var paths: [String] = []
        for output in job.outputs {
            let path = path(of: output, job)
            let bytes = try client.output(output)
            do {
                try AtomicFile.write(bytes, to: path)
            } catch {
                throw Failure(Exit.badInput, "\(error). `lazuli fetch \(job.id)` gets the picture again.")
            }
            paths.append(path)
        }
        return paths
    }

    private func path(of output: Output, _ job: JobStatus) -> String {
        if let file {
            guard job.outputs.count > 1 else { return file }
            let name = file as NSString
            let numbered = "\(name.deletingPathExtension)-\(output.index + 1)"
            return name.pathExtension.isEmpty ? numbered : "\(numbered).\(name.pathExtension)"
        }
        let stem = "\(Self.slug(job.request.prompt))-\(output.seed)"
        let names = [stem] + (2...9999).map { "\(stem)-\($0)" }
        let free = names.first { !FileManager.default.fileExists(atPath: "\($0).\(output.format.fileExtension)") }
        return "\(free ?? job.id).\(output.format.fileExtension)"
    }

    /// The first words of a prompt as a file name.
    static func slug(_ prompt: String) -> String {
        let words = prompt.lowercased().split { !($0.isASCII && ($0.isLetter || $0.isNumber)) }
        var slug = ""
        for word in words where slug.count + word.count < 40 {
            slug += (slug.isEmpty ? "" : "-") + word
        }
        return slug.isEmpty ? "lazuli" : slug
    }
}

extension API.ImageFormat {
    /// The format that a file name asks for, nil when it has no extension.
    init?(fileName: String) throws {
        switch (fileName as NSString).pathExtension.lowercased() {
        case "png": self = .png
        case "jpg", "jpeg": self = .jpeg
        case "webp": self = .webp
        case "": return nil
        case let other: throw Failure(Exit.usage, "\(fileName): .\(other) is not a format. Use .png, .jpg, .jpeg or .webp.")
        }
    }
}

/// A job with the files that the command wrote, for `--json`.
struct JobReport: Encodable {
    var job: JobStatus
    var files: [String]

    func encode(to encoder: any Encoder) throws {
        try job.encode(to: encoder)
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(files, forKey: .files)
    }

    private enum CodingKeys: String, CodingKey {
        case files
    }
}
