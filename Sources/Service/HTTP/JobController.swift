import API
import Foundation
import HTTPTypes
import Hummingbird
import NIOCore

/// `/v1/jobs`.
struct JobController: Sendable {
    let supervisor: Supervisor

    /// Largest body of a submission.
    static let bodyLimit = 1 << 20
    private static let listLimit = 1...1000

    var endpoints: RouteCollection<DaemonContext> {
        RouteCollection(context: DaemonContext.self)
            .post(use: submit).get(use: list)
            .get(":id", use: status).delete(":id", use: cancel)
            .get(":id/events", use: events)
            .get(":id/outputs/:number", use: output)
    }

    @Sendable private func submit(request: Request, context: DaemonContext) async throws -> JSONReply {
        let submission = try Self.decode(try await Self.read(request.body)).validated()
        let status = try await supervisor.submit(submission, uid: try await context.peer())
        return try JSONReply(status, status: .accepted)
    }

    @Sendable private func list(request: Request, context: DaemonContext) async throws -> JSONReply {
        let text = request.uri.queryParameters["limit"].map(String.init) ?? "100"
        guard let limit = Int(text), Self.listLimit.contains(limit) else {
            throw RequestError.outOfRange(param: "limit", value: text, allowed: "1 to 1000")
        }
        return try JSONReply(Listing(try await supervisor.jobs(limit: limit)))
    }

    @Sendable private func status(request: Request, context: DaemonContext) async throws -> JSONReply {
        try JSONReply(try await supervisor.status(try context.parameters.require("id")))
    }

    @Sendable private func cancel(request: Request, context: DaemonContext) async throws -> JSONReply {
        let status = try await supervisor.cancel(try context.parameters.require("id"))
        return try JSONReply(status, status: status.state.isFinal ? .ok : .accepted)
    }

    @Sendable private func events(request: Request, context: DaemonContext) async throws -> Response {
        let events = try await supervisor.events(try context.parameters.require("id"))
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
        let number = try context.parameters.require("number")
        let id = try context.parameters.require("id")
        let (path, output) = try await supervisor.output(id, number: Int(number) ?? -1)
        return Response(
            status: .ok,
            headers: [
                .contentType: output.format.mediaType, .contentLength: "\(output.bytes)",
                .eTag: "\"\(output.sha256)\"",
            ],
            body: try await FileIO().loadFile(path: path, context: context))
    }

    /// The whole body. One that is too large is read to its end too, but not kept: a client that sends first and listens
    /// then would wait for ever.
    private static func read(_ body: RequestBody) async throws -> Data {
        var bytes = Data()
        var isTooLarge = false
        do {
            for try await part in body {
                isTooLarge = isTooLarge || bytes.count + part.readableBytes > bodyLimit
                if !isTooLarge { bytes.append(contentsOf: part.readableBytesView) }
            }
        } catch let error where !(error is CancellationError) {
            throw RequestError.brokenBody
        }
        if isTooLarge { throw RequestError.bodyTooLarge(limit: bodyLimit) }
        return bytes
    }

    private static func decode(_ body: Data) throws(RequestError) -> JobSubmission {
        do {
            return try JSONDecoder().decode(JobSubmission.self, from: body)
        } catch let error as RequestError {
            throw error
        } catch {
            throw .notJSON
        }
    }
}

extension JobEvent {
    /// The event as `text/event-stream` has it.
    fileprivate func text() throws(ErrorBody) -> Data {
        let data =
            switch self {
            case .state(let status), .result(let status): try JSON.encode(status)
            case .progress(let progress): try JSON.encode(progress)
            case .warning(let message): try JSON.encode(WarningEvent(message: message))
            }
        return Data("event: \(name)\ndata: ".utf8) + data + Data("\n\n".utf8)
    }
}
