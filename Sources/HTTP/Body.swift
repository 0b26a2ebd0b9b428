import API
import Hummingbird
import JSON
import NIOCore
import Synchronization

/// Reads bodies of JSON, bounded each and in all: many clients that send at once cannot fill the memory.
final class BodyReader: Sendable {
    /// Largest body of JSON.
    static let limit = 1 << 20

    /// Largest body here.
    private let limit: Int
    private let total: Int
    private let inFlight = Mutex(0)

    /// `total` bytes of bodies may be held at the same time.
    init(limit: Int = BodyReader.limit, total: Int = 64 << 20) {
        self.limit = limit
        self.total = total
    }

    /// The whole body as JSON. One that is too large is read to its end too, but not kept: a client that sends first and
    /// listens then would wait for ever.
    func json(_ body: RequestBody) async throws -> JSON {
        try await bytes(body) { bytes throws(RequestError) in
            do throws(JSONFault) {
                return try JSON(bytes, JSON.Rules(size: limit))
            } catch {
                throw .malformedJSON("\(error)")
            }
        }
    }

    /// Hands the bytes of a body over, which count as held until `use` is done with them.
    func bytes<Value>(
        _ body: RequestBody, _ use: ([UInt8]) throws(RequestError) -> Value
    ) async throws -> Value {
        var bytes: [UInt8] = []
        var reserved = 0
        defer { inFlight.withLock { $0 -= reserved } }
        var isTooLarge = false
        do {
            for try await part in body {
                isTooLarge = isTooLarge || bytes.count + part.readableBytes > limit
                if isTooLarge { continue }
                guard reserve(part.readableBytes) else { throw Self.busy }
                reserved += part.readableBytes
                bytes.append(contentsOf: part.readableBytesView)
            }
        } catch let error where !(error is CancellationError) && !(error is ErrorBody) {
            throw RequestError.brokenBody
        }
        if isTooLarge { throw RequestError.bodyTooLarge(limit: limit) }
        return try use(bytes)
    }

    private func reserve(_ count: Int) -> Bool {
        inFlight.withLock { held in
            guard held + count <= total else { return false }
            held += count
            return true
        }
    }

    private static let busy = ErrorBody(
        .unavailable, code: "busy", message: "Too many requests are being read at once. Try again in a moment.")
}
