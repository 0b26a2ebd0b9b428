import API
import HTTP
import Jobs
import Vocabulary

/// Files that clients sent, from their arrival until a job names them or nobody did for a while.
actor Uploads {
    private let journal: Journal
    private let folder: BlobFolder
    private let disk: Disk
    private let limit: Int
    private let time: Duration
    /// When a file was sent last.
    private var sent: [OwnedBlob: SuspendingClock.Instant] = [:]

    init(journal: Journal, folder: BlobFolder, disk: Disk, limit: Int, time: Duration) {
        self.journal = journal
        self.folder = folder
        self.disk = disk
        self.limit = limit
        self.time = time
    }

    func path() async throws(ErrorBody) -> String {
        do throws(OutputError) {
            return try await disk.attempt { [folder] () throws(OutputError) in try folder.uploadPath() }
        } catch {
            throw error.body
        }
    }

    /// Takes a complete upload. The row comes after the file; a remover looks into the journal on the disk's thread before
    /// it removes, so that looking once more at the end finds whatever was removed in between.
    func keep(_ path: String, _ blob: OwnedBlob) async throws(ErrorBody) {
        guard folder.isUpload(path) else {
            throw ErrorBody(.internalFailure, code: "not_an_upload", message: "\(path) is not an upload's path.")
        }
        let name = Blob(sha256: blob.sha256)
        do {
            if try await journal.holds(name, uid: blob.uid), await isThere(blob) {
                await disk.run { unlinkFile(path) }
            } else {
                try await disk.attempt { [folder] () throws(OutputError) in
                    try folder.keep(path, as: name, uid: blob.uid)
                }
                do throws(JournalError) {
                    try await journal.add(blob, limit: limit)
                } catch {
                    await discard(blob)
                    throw error
                }
            }
        } catch let error as JournalError {
            await disk.run { unlinkFile(path) }
            throw error.body
        } catch let error as OutputError {
            await disk.run { unlinkFile(path) }
            throw error.body
        } catch {
            throw ErrorBody(.internalFailure, code: "internal", message: "\(error)")
        }
        guard await isThere(blob) else {
            throw ErrorBody(
                .unavailable, code: "upload_gone", message: "The file was removed meanwhile. Send it again.")
        }
        sent[blob] = .now
        Task {
            guard (try? await Task.sleep(for: time, clock: .suspending)) != nil else { return }
            await expire(blob)
        }
    }

    /// Files that nobody has named when the daemon starts have their time from now on.
    func adopt() async {
        guard let unused = try? await journal.unusedBlobs(), !unused.isEmpty else { return }
        Task {
            guard (try? await Task.sleep(for: time, clock: .suspending)) != nil else { return }
            for blob in unused { await expire(blob) }
        }
    }

    private func expire(_ blob: OwnedBlob) async {
        if let last = sent[blob], SuspendingClock.now - last < time { return }
        sent[blob] = nil
        guard (try? await journal.removeIfUnused(blob)) == true else { return }
        await discard(blob)
    }

    private func isThere(_ blob: OwnedBlob) async -> Bool {
        await disk.run { [folder] in Files.size(folder.path(Blob(sha256: blob.sha256), uid: blob.uid)) == blob.bytes }
    }

    private func discard(_ blob: OwnedBlob) async {
        await disk.run { [folder, journal] in
            if (try? journal.holdsNow(blob)) == false { folder.remove(blob) }
        }
    }
}
