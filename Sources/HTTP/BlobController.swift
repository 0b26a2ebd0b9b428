import API
import Digests
import Glibc
import HTTPTypes
import Hummingbird
import NIOCore
import Vocabulary

/// `POST /v1/blobs`: a file that jobs will read, as the body of the request.
struct BlobController: Sendable {
    let desk: any JobDesk
    let isAdmin: @Sendable (UInt32) -> Bool
    /// Largest upload.
    let limit: Int

    var endpoints: RouteCollection<DaemonContext> {
        RouteCollection(context: DaemonContext.self).post("blobs", use: upload)
    }

    @Sendable private func upload(request: Request, context: DaemonContext) async throws -> JSONReply {
        if let length = request.headers[.contentLength].flatMap({ Int($0) }), length > limit { throw tooLarge }
        if request.headers[.contentType]?.lowercased().hasPrefix("multipart/") == true {
            throw ErrorBody(
                .invalidRequest, code: "multipart",
                message: "A form is not read here. Send the file itself as the body, with its own media type.")
        }
        let peer = try await context.peer(isAdmin)
        let path = try await desk.uploadPath(for: peer)
        let (sha256, count): (String, Int)
        do {
            (sha256, count) = try await receive(request.body, path)
        } catch {
            unlink(path)
            throw error
        }
        let blob = try await desk.keepUpload(path, sha256: sha256, bytes: count, for: peer)
        return try JSONReply(BlobReply(sha256: blob.sha256, bytes: count), status: .created)
    }

    /// Writes the body to a new file part by part, and counts and hashes it on the way.
    private func receive(_ body: RequestBody, _ path: String) async throws -> (sha256: String, count: Int) {
        let file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard file >= 0 else { throw Self.unwritable(errno) }
        defer { close(file) }
        let hash = UploadHash()
        var count = 0
        do {
            for try await part in body {
                count += part.readableBytes
                guard count <= limit else { throw tooLarge }
                try part.withUnsafeReadableBytes { bytes in
                    hash.update(bytes)
                    var rest = bytes
                    while !rest.isEmpty {
                        let written = write(file, rest.baseAddress, rest.count)
                        if written < 0, errno == EINTR { continue }
                        guard written > 0 else { throw Self.unwritable(errno) }
                        rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(written))
                    }
                }
            }
        } catch let error where !(error is CancellationError) && !(error is ErrorBody) {
            throw RequestError.brokenBody
        }
        guard count > 0 else {
            throw ErrorBody(
                .invalidRequest, code: "empty_upload", message: "The body is empty. Send the file's bytes as the body.")
        }
        guard fsync(file) == 0 else { throw Self.unwritable(errno) }
        return (hash.finish(), count)
    }

    private var tooLarge: ErrorBody {
        ErrorBody(
            .invalidRequest, code: "upload_too_large",
            message: "The upload is larger than \(limit) bytes. Send a smaller file.")
    }

    private static func unwritable(_ code: Int32) -> ErrorBody {
        ErrorBody(
            .unavailable, code: "storage_full",
            message: "The upload cannot be stored: \(String(cString: strerror(code))). Make room, then send it again.")
    }
}

/// A digest that lives across suspensions, in one task.
private final class UploadHash {
    private var digest: SHA256? = SHA256()

    func update(_ bytes: UnsafeRawBufferPointer) { digest?.update(bytes) }

    func finish() -> String {
        guard let digest = digest.take() else { preconditionFailure("a digest is finished once") }
        return digest.hexadecimal()
    }
}
