import API
import Client
import Foundation
import Images
import SystemPackage
import Vocabulary

/// Where the pictures of a job go.
struct Destination {
    /// What the user named: a file, `-` or a device; nil names files in the current directory after the job.
    var file: String?

    init(file: String?) { self.file = file }

    /// Where drawing number `series` of several goes.
    init(file: String?, series: Int?) throws {
        self.file = file
        guard let file, let series else { return }
        guard !isStream else {
            throw Failure(Exit.usage, "Several pictures cannot go to one stream. Name a file with -o.")
        }
        self.file = Self.numbered(file, series)
    }

    /// Whether the picture goes to standard output, where nothing else may then go.
    var isStandardOutput: Bool {
        guard let file else { return false }
        if file == "-" { return true }
        var named = stat()
        var output = stat()
        guard stat(file, &named) == 0, fstat(STDOUT_FILENO, &output) == 0 else { return false }
        guard named.st_dev == output.st_dev, named.st_ino == output.st_ino else { return false }
        // A file that the shell writes standard output into is meant only by a name of the descriptor.
        return named.st_mode & S_IFMT != S_IFREG || file.hasPrefix("/dev/") || file.hasPrefix("/proc/")
    }

    /// Whether it is a stream that takes bytes one after the other, as a pipe or a device does.
    private var isStream: Bool {
        if isStandardOutput { return true }
        guard let file else { return false }
        var entry = stat()
        return stat(file, &entry) == 0 && ![S_IFREG, S_IFDIR].contains(entry.st_mode & S_IFMT)
    }

    /// Refuses what cannot be written, before anybody has waited for a picture.
    func check(count: Int = 1, json: Bool = false) throws {
        guard let file else { return }
        if isStream, count > 1 {
            throw Failure(Exit.usage, "\(count) pictures cannot go to one stream. Name a file with -o, or ask for one.")
        }
        if isStandardOutput {
            if json { throw Failure(Exit.usage, "Picture and --json cannot both go to standard output.") }
            if isatty(STDOUT_FILENO) == 1 {
                throw Failure(Exit.usage, "A picture is nothing for a terminal. Redirect the output, or name a file.")
            }
            return
        }
        let path = FilePath(file)
        guard path.lastComponent?.kind == .regular, !file.hasSuffix("/"), !Paths.isFolder(file) else {
            throw Failure(Exit.badInput, "\"\(file)\" is no name for a file. Name one with -o.")
        }
        var entry = stat()
        let exists = stat(file, &entry) == 0
        let folder = path.removingLastComponent().string
        let isWritable =
            exists
            ? access(file, W_OK) == 0
            : errno == ENOENT && access(folder.isEmpty ? "." : folder, W_OK | X_OK) == 0
        guard isWritable else {
            throw Failure(
                Exit.badInput, "\(file) cannot be written: \(String(cString: strerror(errno))). Choose another name.")
        }
        // What is written are the numbered ones.
        guard count > 1 else { return }
        for number in 1...count { try Destination(file: Self.numbered(file, number)).check() }
    }

    /// Writes every picture of a finished job and prints where they are, or the job itself as JSON.
    func deliver(_ job: JobStatus, from client: DaemonClient, json: Bool) throws {
        let files = try write(job, from: client)
        if json {
            try Console.print(json: JobReport(job: job, files: files))
        } else if !isStandardOutput {
            try files.forEach { try Console.print($0) }
        }
    }

    /// Fetches and writes every picture of a finished job; returns the paths of those that became files.
    func write(_ job: JobStatus, from client: DaemonClient) throws -> [String] {
        try check(count: job.outputs.count)
        var paths: [String] = []
        for output in job.outputs {
            let bytes = try client.output(output)
            if isStandardOutput {
                try Console.write(bytes)
                continue
            }
            do throws(FileError) {
                paths.append(try write(bytes, output, job))
            } catch {
                throw Failure(Exit.output, "\(error). `lazuli fetch \(job.id)` gets the picture again.")
            }
        }
        return paths
    }

    /// Writes a picture and returns where it is.
    private func write(_ bytes: [UInt8], _ output: Output, _ job: JobStatus) throws(FileError) -> String {
        if let file {
            let path = job.outputs.count > 1 ? Self.numbered(file, output.index + 1) : file
            try AtomicFile.write(bytes, to: path)
            return path
        }
        let stem = "\(Self.slug(job.title))-\(output.seed ?? UInt64(max(output.index, 0)))"
        for name in [stem] + (2...9999).map({ "\(stem)-\($0)" }) + ["\(job.id)-\(output.index)"] {
            let path = "\(name).\(output.format.fileExtension)"
            do throws(FileError) {
                try AtomicFile.write(bytes, to: path, replacing: false)
                return path
            } catch {
                if case .exists = error { continue }
                throw error
            }
        }
        throw .exists(path: "\(stem).\(output.format.fileExtension)")
    }

    /// `a-2.png` of `a.png`.
    static func numbered(_ file: String, _ number: Int) -> String {
        guard let end = FilePath(file).lastComponent?.extension, !end.isEmpty else { return "\(file)-\(number)" }
        return "\(file.dropLast(end.count + 1))-\(number).\(end)"
    }

    /// The first words of a title as a file name.
    static func slug(_ title: String) -> String {
        let words = title.lowercased().split { !($0.isASCII && ($0.isLetter || $0.isNumber)) }
        var slug = ""
        for word in words where slug.count + word.count < 40 {
            slug += (slug.isEmpty ? "" : "-") + word
        }
        return slug.isEmpty ? "lazuli" : slug
    }
}

extension Vocabulary.ImageFormat {
    /// The format that a file name asks for, nil when it has no extension.
    init?(fileName: String) throws {
        switch FilePath(fileName).lastComponent?.extension?.lowercased() {
        case "png": self = .png
        case "jpg", "jpeg": self = .jpeg
        case "webp": self = .webp
        case nil, "": return nil
        case let other?:
            throw Failure(Exit.usage, "\(fileName): .\(other) is not a format. Use .png, .jpg, .jpeg or .webp.")
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
