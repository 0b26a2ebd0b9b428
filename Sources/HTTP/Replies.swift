import API
import Foundation
import HTTPTypes
import Hummingbird
import JSON
import Logging
import NIOCore

/// A value as JSON.
struct JSONReply: ResponseGenerator {
    private let status: HTTPResponse.Status
    private let bytes: ByteBuffer

    init(_ value: some Encodable, status: HTTPResponse.Status = .ok) throws(ErrorBody) {
        self.status = status
        bytes = ByteBuffer(bytes: try encoded(value))
    }

    init(_ value: JSON, status: HTTPResponse.Status = .ok) {
        self.status = status
        bytes = ByteBuffer(bytes: value.text())
    }

    func response(from request: Request, context: some RequestContext) -> Response {
        Response(
            status: status,
            headers: [.contentType: "application/json", .contentLength: "\(bytes.readableBytes)"],
            body: ResponseBody(byteBuffer: bytes))
    }
}

/// JSON as it goes over the socket.
func encoded(_ value: some Encodable) throws(ErrorBody) -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.withoutEscapingSlashes, .sortedKeys]
    do {
        return try encoder.encode(value)
    } catch {
        throw ErrorBody(.internalFailure, code: "not_encodable", message: "\(error)")
    }
}

extension ErrorBody {
    /// The HTTP status of the failure.
    var status: HTTPResponse.Status {
        switch type {
        case .invalidRequest:
            switch code {
            case "body_too_large", "upload_too_large": .contentTooLarge
            case "idempotency_mismatch": .unprocessableContent
            default: .badRequest
            }
        case .notFound: .notFound
        case .conflict: .conflict
        case .unavailable: code == "too_many_connections" ? .tooManyRequests : .serviceUnavailable
        case .internalFailure: .internalServerError
        }
    }
}

/// The one place where an error becomes an answer.
struct ErrorMiddleware: RouterMiddleware {
    func handle(
        _ request: Request, context: DaemonContext,
        next: @concurrent (Request, DaemonContext) async throws -> Response
    ) async throws -> Response {
        do {
            return try await next(request, context)
        } catch {
            let body = self.body(of: error, request)
            if body.type == .internalFailure {
                context.logger.error("request failed", metadata: ["path": "\(request.uri.path)", "error": "\(error)"])
            }
            return try JSONReply(ErrorEnvelope(body), status: body.status).response(from: request, context: context)
        }
    }

    private func body(of error: any Error, _ request: Request) -> ErrorBody {
        switch error {
        case let error as ErrorBody: error
        case let error as RequestError: error.body
        case is CancellationError:
            ErrorBody(.unavailable, code: "draining", message: "The daemon is stopping. Try again in a moment.")
        case let error as HTTPError where error.status == .notFound:
            ErrorBody(
                .notFound, code: "unknown_route",
                message: "There is no \(request.method) \(request.uri.path.prefix(200)). Jobs are at /v1/jobs.")
        case let error as any HTTPResponseError where error.status.code < 500:
            ErrorBody(.invalidRequest, code: "bad_request", message: "The request was refused: \(error).")
        default:
            ErrorBody(
                .internalFailure, code: "internal",
                message: "The daemon failed to answer; its log says why. Please report this as a bug.")
        }
    }
}
