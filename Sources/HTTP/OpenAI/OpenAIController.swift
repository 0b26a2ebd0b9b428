import API
import Foundation
import HTTPTypes
import Hummingbird
import JSON
import Kinds
import NIOCore
import Vocabulary

/// OpenAI's dialect: `/v1/chat/completions`, `/v1/images/generations` and `/v1/images/edits`. Each is a job like any other,
/// waited for; one whose reader goes away is cancelled.
struct OpenAIController: Sendable {
    let desk: any JobDesk
    let isAdmin: @Sendable (UInt32) -> Bool
    /// Bodies may carry pictures.
    let bodies: BodyReader
    let uploads: PictureUploads

    var endpoints: RouteCollection<DaemonContext> {
        RouteCollection(context: DaemonContext.self)
            .post("chat/completions", use: complete)
            .post("images/generations", use: generate)
            .post("images/edits", use: edit)
    }

    // MARK: Answers

    @Sendable private func complete(request: Request, context: DaemonContext) async throws -> Response {
        try await translating {
            let asked = try ChatCompletionRequest(try await bodies.json(request.body))
            let peer = try await context.peer(isAdmin)
            let job = try await desk.submit(asked.submission, from: peer, key: nil).job
            let reply = ChatCompletionReply(
                id: job.id, created: Int(job.created), model: asked.model)
            let events = try await desk.events(job.id, for: peer)
            guard asked.streams else {
                let result = try await events.end().resultOrError()
                return JSONReply(reply.whole(result)).response(from: request, context: context)
            }
            // Nothing is promised before there is a first word: what fails until then is an error of the request.
            guard let first = try await Self.first(events) else { throw ErrorBody.interrupted }
            return stream { writer in
                var told = ToldText()
                if case .text(let offset, let text) = first, let piece = told.new(offset, text) {
                    try await writer.write(event(nil, reply.chunk(piece, isFirst: true)))
                }
                var last: JobStatus? = if case .result(let status) = first { status } else { nil }
                if last == nil {
                    for await next in events {
                        if case .text(let offset, let text) = next, let piece = told.new(offset, text) {
                            try await writer.write(event(nil, reply.chunk(piece, isFirst: false)))
                        }
                        if case .result(let status) = next { last = status }
                    }
                } else {
                    try await writer.write(event(nil, reply.chunk("", isFirst: true)))
                }
                guard let last else { throw ErrorBody.interrupted }
                let result = try last.resultOrError()
                try await writer.write(event(nil, reply.last(result)))
                if asked.includesUsage { try await writer.write(event(nil, reply.usage(result))) }
                return true
            } abandoned: {
                _ = try? await desk.cancel(job.id, for: peer)
            }
        }
    }

    /// The first event that says something: a piece of text, a preview, or the end.
    private static func first(_ events: AsyncStream<JobEvent>) async throws -> JobEvent? {
        for await event in events {
            switch event {
            case .text(_, let text) where !text.isEmpty: return event
            case .preview: return event
            case .result(let status):
                _ = try status.resultOrError()
                return event
            default: continue
            }
        }
        return nil
    }

    // MARK: Pictures

    @Sendable private func generate(request: Request, context: DaemonContext) async throws -> Response {
        try await translating {
            guard let members = try await bodies.json(request.body).asObject else { throw RequestError.notJSON }
            let asked = try ImageRequest(members)
            return try await draw(
                asked, try asked.generate(), "image_generation", request, context, try await context.peer(isAdmin))
        }
    }

    @Sendable private func edit(request: Request, context: DaemonContext) async throws -> Response {
        try await translating {
            let peer = try await context.peer(isAdmin)
            let type = request.headers[.contentType] ?? ""
            let isForm = type.lowercased().hasPrefix("multipart/form-data")
            let (members, image, mask) = try await bodies.bytes(request.body) {
                bytes throws(RequestError) -> ([String: JSON], [UInt8], [UInt8]?) in
                guard isForm else { return try Self.pictures(inJSON: bytes) }
                let form = try FormData(bytes, contentType: type)
                guard let image = form.file("image", "image[]") else { throw .missing(param: "image") }
                return (try form.texts(), Array(image), form.file("mask", "mask[]").map { Array($0) })
            }
            let asked = try ImageRequest(members)
            let blob = try await uploads.keep(image, peer)
            let maskBlob: Blob? = if let mask { try await uploads.keep(mask, peer) } else { nil }
            let submission = try asked.edit(image: blob, mask: maskBlob)
            return try await draw(asked, submission, "image_edit", request, context, peer)
        }
    }

    /// The pictures of a body of JSON, as `data:` addresses.
    private static func pictures(inJSON bytes: [UInt8]) throws(RequestError) -> ([String: JSON], [UInt8], [UInt8]?) {
        let body: JSON
        do throws(JSONFault) {
            body = try JSON(bytes, JSON.Rules(size: bytes.count))
        } catch {
            throw .malformedJSON("\(error)")
        }
        guard let members = body.asObject else { throw .notJSON }
        func picture(_ value: JSON?, _ name: String) throws(RequestError) -> [UInt8]? {
            guard let value, value != .null else { return nil }
            guard let text = value.asString ?? value["image_url"]?.asString,
                let data = Data(
                    base64Encoded: String(text.split(separator: ",").last ?? ""), options: .ignoreUnknownCharacters)
            else { throw .wrongType(param: name, expected: "an object whose image_url is a data: address") }
            return Array(data)
        }
        let first: JSON? = if case .array(let images)? = members["images"] { images.first } else { members["image"] }
        guard let image = try picture(first, "images") else { throw .missing(param: "images") }
        return (members, image, try picture(members["mask"], "mask"))
    }

    private func draw(
        _ asked: ImageRequest, _ submission: JobSubmission, _ name: String, _ request: Request,
        _ context: DaemonContext,
        _ peer: Peer
    ) async throws -> Response {
        let job = try await desk.submit(submission, from: peer, key: nil).job
        let created = Int(job.created)
        let events = try await desk.events(job.id, for: peer)
        guard asked.streams else {
            let status = try await events.end()
            _ = try status.resultOrError()
            var data: [JSON] = []
            for output in status.outputs {
                let (name, value) = asked.picture(try await uploads.read(output, of: job.id, peer))
                data.append(.object([name: value]))
            }
            let members = asked.facts(status.outputs.first).merging([
                "created": .int(created), "data": .array(data), "usage": ImageRequest.usage,
            ]) { $1 }
            return JSONReply(JSON.object(members)).response(from: request, context: context)
        }
        guard let first = try await Self.first(events) else { throw ErrorBody.interrupted }
        return stream { writer in
            var shown = 0
            func partial(_ preview: Preview) -> ByteBuffer? {
                guard shown < asked.partialImages else { return nil }
                defer { shown += 1 }
                return event(
                    "\(name).partial_image", asked.partial(preview, number: shown, of: name, created: created))
            }
            var last: JobStatus? = if case .result(let status) = first { status } else { nil }
            if case .preview(let preview) = first, let partial = partial(preview) { try await writer.write(partial) }
            if last == nil {
                for await next in events {
                    if case .preview(let preview) = next, let partial = partial(preview) {
                        try await writer.write(partial)
                    }
                    if case .result(let status) = next { last = status }
                }
            }
            guard let last else { throw ErrorBody.interrupted }
            _ = try last.resultOrError()
            for output in last.outputs {
                let bytes = try await uploads.read(output, of: job.id, peer)
                let members = asked.facts(output).merging([
                    "type": .string("\(name).completed"), "b64_json": .string(bytes.base64EncodedString()),
                    "created_at": .int(created), "usage": ImageRequest.usage,
                ]) { $1 }
                try await writer.write(event("\(name).completed", .object(members)))
            }
            return false
        } abandoned: {
            _ = try? await desk.cancel(job.id, for: peer)
        }
    }

    // MARK: What they share

    private func translating(_ body: () async throws -> Response) async throws -> Response {
        do {
            return try await body()
        } catch let error as RequestError {
            throw OpenAIDialect.translated(error.body)
        } catch let error as ErrorBody {
            throw OpenAIDialect.translated(error)
        }
    }

    /// A stream of events, which ends with [DONE] where `body` says so. What breaks it is told in it, and then it never ends
    /// as if it were complete; a reader that is gone is `abandoned`.
    private func stream(
        _ body: @escaping @concurrent @Sendable (inout any ResponseBodyWriter) async throws -> Bool,
        abandoned: @escaping @Sendable () async -> Void = {}
    ) -> Response {
        Response(
            status: .ok, headers: [.contentType: "text/event-stream", .cacheControl: "no-cache"],
            body: ResponseBody { writer in
                do {
                    let isMarked = try await body(&writer)
                    if isMarked { try await writer.write(ByteBuffer(string: "data: [DONE]\n\n")) }
                    try await writer.finish(nil)
                } catch let error as ErrorBody {
                    let envelope = try encoded(ErrorEnvelope(OpenAIDialect.translated(error)))
                    let text = "event: error\ndata: " + String(decoding: envelope, as: UTF8.self) + "\n\n"
                    try await writer.write(ByteBuffer(string: text))
                    try await writer.finish(nil)
                } catch {
                    await abandoned()
                    throw error
                }
            })
    }
}

/// What of a text was told: a job that began again writes the same text again.
private struct ToldText {
    private var bytes = 0

    mutating func new(_ offset: Int, _ text: String) -> String? {
        let piece = Array(text.utf8)
        let known = min(max(0, bytes - offset), piece.count)
        guard known < piece.count else { return nil }
        bytes = offset + piece.count
        return String(decoding: piece[known...], as: UTF8.self)
    }
}

/// One event of a stream.
private func event(_ name: String?, _ data: JSON) -> ByteBuffer {
    let name = name.map { "event: \($0)\n" } ?? ""
    return ByteBuffer(bytes: Array("\(name)data: ".utf8) + data.text() + Array("\n\n".utf8))
}
