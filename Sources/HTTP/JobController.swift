import API
import Digests
import Foundation
import HTTPTypes
import Hummingbird
import JSON
import Kinds
import NIOCore
import Vocabulary

/// `/v1/jobs` and `/v1/estimate`.
struct JobController: Sendable {
    let desk: any JobDesk
    let kinds: KindTable
    let isAdmin: @Sendable (UInt32) -> Bool
    let bodies: BodyReader

    private static let listLimit = 1...200
    private static let keyLength = 1...255

    var endpoints: RouteCollection<DaemonContext> {
        RouteCollection(context: DaemonContext.self)
            .post("jobs", use: submit).get("jobs", use: list)
            .get("jobs/:id", use: status).delete("jobs/:id", use: cancel).patch("jobs/:id", use: change)
            .post("jobs/:id/pause", use: pause)
            .post("jobs/:id/resume", use: resume)
            .get("jobs/:id/events", use: events)
            .get("jobs/:id/outputs/:number", use: output)
            .post("estimate", use: estimate)
    }

    // MARK: Taking

    @Sendable private func submit(request: Request, context: DaemonContext) async throws -> JSONReply {
        let key = try Self.key(of: request)
        let (submission, digest) = try await bodies.bytes(request.body) { [kinds] bytes throws(RequestError) in
            (try JobBody.read(Self.parsed(bytes), kinds), key == nil ? "" : SHA256.hexadecimal(of: bytes))
        }
        let receipt = try await desk.submit(
            submission, from: try await context.peer(isAdmin), key: key.map { IdempotencyKey(key: $0, body: digest) })
        return try JSONReply(receipt.job, status: receipt.isNew ? .accepted : .ok)
    }

    @Sendable private func estimate(request: Request, context: DaemonContext) async throws -> JSONReply {
        let submission = try JobBody.read(try await bodies.json(request.body), kinds)
        let (estimate, warnings) = try await desk.estimate(submission, from: try await context.peer(isAdmin))
        return try JSONReply(EstimateReply(estimate: estimate, warnings: submission.warnings + warnings))
    }

    /// `Idempotency-Key`: printable, so that it can be logged and compared.
    private static func key(of request: Request) throws(ErrorBody) -> String? {
        guard let key = request.headers[.idempotencyKey] else { return nil }
        guard keyLength.contains(key.utf8.count), key.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw ErrorBody(
                .invalidRequest, code: "bad_idempotency_key",
                message: "Idempotency-Key must have 1 to 255 printable ASCII characters without spaces.",
                param: "Idempotency-Key")
        }
        return key
    }

    private static func parsed(_ bytes: [UInt8]) throws(RequestError) -> JSON {
        do throws(JSONFault) {
            return try JSON(bytes, JSON.Rules(size: BodyReader.limit))
        } catch {
            throw .malformedJSON("\(error)")
        }
    }

    // MARK: Asking

    @Sendable private func list(request: Request, context: DaemonContext) async throws -> JSONReply {
        let text = request.uri.queryParameters["limit"].map(String.init) ?? "100"
        guard let limit = Int(text), limit >= 1 else {
            throw RequestError.outOfRange(
                param: "limit", value: String(text.prefix(40)), allowed: "1 to \(Self.listLimit.upperBound)")
        }
        let page = try await desk.jobs(
            after: request.uri.queryParameters["after"].map(String.init), limit: min(limit, Self.listLimit.upperBound),
            for: try await context.peer(isAdmin))
        return try JSONReply(JobListing(data: page.jobs, next: page.next))
    }

    @Sendable private func status(request: Request, context: DaemonContext) async throws -> JSONReply {
        try JSONReply(try await desk.status(try job(context), for: try await context.peer(isAdmin)))
    }

    @Sendable private func events(request: Request, context: DaemonContext) async throws -> Response {
        let events = try await desk.events(try job(context), for: try await context.peer(isAdmin))
        return Response(
            status: .ok,
            headers: [.contentType: "text/event-stream", .cacheControl: "no-cache"],
            body: ResponseBody { writer in
                for await event in events {
                    try await writer.write(ByteBuffer(bytes: event.text()))
                }
                try await writer.finish(nil)
            })
    }

    @Sendable private func output(request: Request, context: DaemonContext) async throws -> Response {
        let number = Int(try context.parameters.require("number")) ?? -1
        let (path, output) = try await desk.output(
            try job(context), number: number, for: try await context.peer(isAdmin))
        return Response(
            status: .ok,
            headers: [
                .contentType: output.format.mediaType, .contentLength: "\(output.bytes)",
                .eTag: "\"\(output.sha256)\"",
            ],
            body: try await FileIO().loadFile(path: path, context: context))
    }

    // MARK: Changing

    @Sendable private func cancel(request: Request, context: DaemonContext) async throws -> JSONReply {
        try Self.changed(try await desk.cancel(try job(context), for: try await context.peer(isAdmin)))
    }

    @Sendable private func pause(request: Request, context: DaemonContext) async throws -> JSONReply {
        try Self.changed(try await desk.pause(try job(context), for: try await context.peer(isAdmin)))
    }

    @Sendable private func resume(request: Request, context: DaemonContext) async throws -> JSONReply {
        try Self.changed(try await desk.resume(try job(context), for: try await context.peer(isAdmin)))
    }

    /// The priority is the only thing about a job that changes after it was taken.
    @Sendable private func change(request: Request, context: DaemonContext) async throws -> JSONReply {
        guard case .object(let members) = try await bodies.json(request.body) else { throw RequestError.notJSON }
        let unknown = members.keys.filter { $0 != "priority" }.sorted()
        guard unknown.isEmpty else { throw RequestError.unknownParameters(unknown) }
        guard let value = members["priority"] else { throw RequestError.missing(param: "priority") }
        guard let priority = value.asInt else {
            throw RequestError.wrongType(param: "priority", expected: "an integer")
        }
        guard JobBody.priorities.contains(priority) else {
            throw RequestError.outOfRange(param: "priority", value: "\(priority)", allowed: "-10 to 10")
        }
        return try Self.changed(
            try await desk.prioritise(try job(context), priority, for: try await context.peer(isAdmin)))
    }

    /// 200 when it is done, 202 while a worker has yet to obey.
    private static func changed(_ status: JobStatus) throws(ErrorBody) -> JSONReply {
        try JSONReply(status, status: status.state == .running ? .accepted : .ok)
    }

    private func job(_ context: DaemonContext) throws -> JobID {
        let name = try context.parameters.require("id")
        // Names are echoed in errors and looked up: what cannot be one stops here.
        guard name.utf8.count <= 64, name.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw ErrorBody(
                .notFound, code: "unknown_job", message: "There is no such job; GET /v1/jobs lists the others.")
        }
        return JobID(name)
    }
}

extension HTTPField.Name {
    fileprivate static var idempotencyKey: HTTPField.Name {
        guard let name = HTTPField.Name("Idempotency-Key") else { preconditionFailure("a token of RFC 9110") }
        return name
    }
}

extension JobEvent {
    /// The event as `text/event-stream` has it.
    func text() throws(ErrorBody) -> Data {
        let data =
            switch self {
            case .state(let status), .result(let status): try encoded(status)
            case .progress(let progress): try encoded(progress)
            case .warning(let message): try encoded(WarningEvent(message: message))
            case .preview(let preview): try encoded(preview)
            case .text(let offset, let text): try encoded(TextEvent(offset: offset, text: text))
            }
        return Data("event: \(name)\ndata: ".utf8) + data + Data("\n\n".utf8)
    }
}
