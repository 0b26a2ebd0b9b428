import API
import Foundation
import HTTPTypes
package import Hummingbird
import Logging
import NIOCore

/// A value as JSON.
package struct JSONReply: ResponseGenerator {
    private let status: HTTPResponse.Status
    private let bytes: Data

    init(_ value: some Encodable, status: HTTPResponse.Status = .ok) throws(ErrorBody) {
        self.status = status
        bytes = try JSON.encode(value)
    }

    package func response(from request: Request, context: some RequestContext) -> Response {
        Response(
            status: status,
            headers: [.contentType: "application/json", .contentLength: "\(bytes.count)"],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)))
    }
}

extension ErrorBody {
    /// The HTTP status of the failure.
    var status: HTTPResponse.Status {
        switch type {
        case .invalidRequest: code == "body_too_large" ? .contentTooLarge : .badRequest
        case .notFound: .notFound
        case .conflict: .conflict
        case .unavailable: .serviceUnavailable
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
                message: "There is no \(request.method) \(request.uri.path). Jobs are at /v1/jobs.")
        case let error as any HTTPResponseError where error.status.code < 500:
            ErrorBody(.invalidRequest, code: "bad_request", message: "The request was refused: \(error).")
        default:
            ErrorBody(
                .internalFailure, code: "internal",
                message: "The daemon failed to answer; its log says why. Please report this as a bug.")
        }
    }
}
