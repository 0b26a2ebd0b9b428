import API
import Digests
import Foundation
import NIOPosix
import Vocabulary

/// Pictures that arrive within other bodies, and files of jobs that leave within them.
struct PictureUploads: Sendable {
    let desk: any JobDesk

    func keep(_ bytes: [UInt8], _ peer: Peer) async throws -> Blob {
        guard !bytes.isEmpty else {
            throw ErrorBody(
                .invalidRequest, code: "empty_upload", message: "The picture has no bytes. Send the file.",
                param: "image")
        }
        let path = try await desk.uploadPath(for: peer)
        try await NIOThreadPool.singleton.runIfActive {
            try Data(bytes).write(to: URL(fileURLWithPath: path), options: .withoutOverwriting)
        }
        return try await desk.keepUpload(
            path, sha256: SHA256.hexadecimal(of: bytes), bytes: bytes.count, for: peer)
    }

    func read(_ output: Output, of job: JobID, _ peer: Peer) async throws -> Data {
        let (path, _) = try await desk.output(job, number: output.index, for: peer)
        return try await NIOThreadPool.singleton.runIfActive { try Data(contentsOf: URL(fileURLWithPath: path)) }
    }
}
