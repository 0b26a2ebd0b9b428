import API
import FoundationEssentials
import Glibc
package import Vocabulary

/// The files of jobs: `<root>/<job>/<number>.<extension>`, and hidden beside them what is not finished.
///
/// A file is written under a hidden name, and all files of a job get their names together when it has succeeded.
package struct OutputFolder: Sendable {
    private let root: String
    private let faults: Faults

    /// Creates the folder for the owner alone if it is not there.
    package init(root: String, faults: Faults = Faults()) throws(OutputError) {
        self.root = root
        self.faults = faults
        try Files.makeDirectory(root)
    }

    /// The place of a finished file.
    package func path(job: JobID, number: Int, format: ImageFormat) -> String {
        "\(folder(job))/\(number).\(format.fileExtension)"
    }

    /// Whether a finished file is still there as it was written.
    func holds(_ path: String, bytes: Int) -> Bool { Files.size(path) == bytes }

    /// Writes a file through to the disk, not yet visible under its name.
    func stage(_ bytes: Data, job: JobID, number: Int, format: ImageFormat) throws(OutputError) {
        try prepare(job)
        try pass("stage.write")
        try Files.write(bytes, to: stagedPath(job, number, format))
        try pass("stage.written")
    }

    /// Whether every file that a checkpoint presumes is there. One that had its name already, when the daemon died before
    /// the journal knew, goes back under its hidden one.
    func restoreStaged(_ outputs: [Output], job: JobID) -> Bool {
        outputs.allSatisfy { output in
            let staged = stagedPath(job, output.index, output.format)
            let published = path(job: job, number: output.index, format: output.format)
            if Files.size(staged) == nil, Files.size(published) == output.bytes { rename(published, staged) }
            return Files.size(staged) == output.bytes
        }
    }

    /// Gives the staged files of a job their names, durably. Those that have them keep them, so it can be done again.
    func publish(job: JobID, outputs: [Output]) throws(OutputError) {
        for output in outputs {
            let path = path(job: job, number: output.index, format: output.format)
            try pass("publish.rename")
            if rename(stagedPath(job, output.index, output.format), path) != 0 {
                guard errno == ENOENT, holds(path, bytes: output.bytes) else { throw OutputError(path, errno) }
            }
            try pass("publish.renamed")
        }
        if !outputs.isEmpty {
            try pass("publish.fsync")
            try Files.synchronise(folder(job))
            try Files.synchronise(root)
        }
        try pass("publish.synchronised")
    }

    /// Removes what a job does not need once it has succeeded.
    func tidy(job: JobID) {
        for name in Files.entries(folder(job)) where name.hasPrefix(".") { unlink("\(folder(job))/\(name)") }
        rmdir(folder(job))
    }

    /// Removes everything a job has left.
    func discard(job: JobID) { Files.removeTree(folder(job)) }

    // MARK: Checkpoints

    /// Writes the tensors of a checkpoint through to the disk under a new name, which it returns.
    func writeCheckpoint(_ bytes: Data, job: JobID, number: Int) throws(OutputError) -> String {
        try prepare(job)
        let name = ".checkpoint-\(number)"
        let path = "\(folder(job))/\(name)"
        try pass("checkpoint.write")
        try Files.write(bytes, to: "\(path).part")
        try pass("checkpoint.rename")
        guard rename("\(path).part", path) == 0 else { throw OutputError(path, errno) }
        try pass("checkpoint.fsync")
        try Files.synchronise(folder(job))
        try Files.synchronise(root)
        try pass("checkpoint.synchronised")
        return name
    }

    func checkpointPath(job: JobID, file: String) -> String { "\(folder(job))/\(file)" }

    /// Removes every checkpoint of a job but one.
    func keepCheckpoint(job: JobID, file: String?) {
        for name in Files.entries(folder(job)) where name.hasPrefix(".checkpoint-") && name != file {
            unlink("\(folder(job))/\(name)")
        }
    }

    // MARK: At the start

    /// Removes what no job needs: whole folders, and beside finished files what the end of their job left.
    func sweep(keeping jobs: [JobID: JobState]) {
        for name in Files.entries(root) {
            switch jobs[JobID(name)] {
            case nil: Files.removeTree("\(root)/\(name)")
            case .succeeded?: tidy(job: JobID(name))
            default: break
            }
        }
    }

    private func prepare(_ job: JobID) throws(OutputError) {
        // Again, in case somebody has cleaned up.
        try Files.makeDirectory(root)
        try Files.makeDirectory(folder(job))
    }

    private func pass(_ point: String) throws(OutputError) {
        let number = faults.at(point)
        if number != 0 { throw OutputError(point, number) }
    }

    private func folder(_ job: JobID) -> String { "\(root)/\(job)" }

    private func stagedPath(_ job: JobID, _ number: Int, _ format: ImageFormat) -> String {
        "\(folder(job))/.\(number).\(format.fileExtension).part"
    }
}

/// A file that could not be written.
package struct OutputError: Error, Sendable, Equatable {
    package var path: String
    package var errno: Int32

    init(_ path: String, _ errno: Int32) {
        self.path = path
        self.errno = errno
    }

    var reason: String { String(cString: strerror(errno)) }

    var body: ErrorBody {
        ErrorBody(
            .internalFailure, code: "output_not_written",
            message: "\(path): \(reason). Make room or correct the rights, then send the job again.", stage: .write)
    }
}
