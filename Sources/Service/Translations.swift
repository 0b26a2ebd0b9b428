import API
import Foundation
import Jobs

/// JSON as it goes over the socket and into the journal.
enum JSON {
    static func encode(_ value: some Encodable) throws(ErrorBody) -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.withoutEscapingSlashes, .sortedKeys]
        do {
            return try encoder.encode(value)
        } catch {
            throw ErrorBody(.internalFailure, code: "not_encodable", message: "\(error)")
        }
    }

    static func text(_ value: some Encodable) throws(ErrorBody) -> String {
        String(decoding: try encode(value), as: UTF8.self)
    }

    /// Reads what the journal holds.
    static func decode<Value: Decodable>(_ type: Value.Type, _ text: String) throws(ErrorBody) -> Value {
        do {
            return try JSONDecoder().decode(type, from: Data(text.utf8))
        } catch {
            throw ErrorBody(
                .internalFailure, code: "journal_unreadable",
                message: "The journal holds a \(type) that this version cannot read: \(error)")
        }
    }
}

extension JobStatus {
    /// The status that a row tells. What another version wrote and this one cannot read is left out and named, so that
    /// one row does not hide the others.
    init(_ record: JobRecord, outputs: [OutputRecord]) {
        let formats = { (name: String) in ImageFormat(rawValue: name) ?? .png }
        let request = try? JSON.decode(GenerateRequest.self, record.request)
        let unreadable = request == nil ? ["The request is of a form that this version cannot read."] : []
        self.init(
            id: record.id, kind: JobKind(rawValue: record.kind) ?? .generate, state: State(record.state),
            priority: record.priority, created: record.created, started: record.started, finished: record.finished,
            attempts: record.attempts,
            outputs: outputs.map { output in
                Output(
                    index: output.number, format: formats(output.format), width: output.width, height: output.height,
                    bytes: output.bytes, sha256: output.sha256, seed: UInt64(output.seed) ?? 0,
                    url: Output.url(job: record.id, number: output.number))
            },
            warnings: ((try? JSON.decode([String].self, record.warnings)) ?? []) + unreadable,
            request: request ?? GenerateRequest(prompt: ""))
        error = record.error.flatMap { try? JSON.decode(ErrorBody.self, $0) }
        result = record.result.flatMap { try? JSON.decode(GenerateResult.self, $0) }
    }
}

extension Output {
    /// The route of an output.
    static func url(job: String, number: Int) -> String { "/v1/jobs/\(job)/outputs/\(number)" }
}

extension OutputRecord {
    init(_ output: Output, job: String) {
        self.init(
            job: job, number: output.index, format: output.format.rawValue, width: output.width,
            height: output.height, bytes: output.bytes, sha256: output.sha256, seed: output.seed)
    }
}

extension JobStatus.State {
    init(_ state: JobState) {
        switch state {
        case .queued: self = .queued
        case .running: self = .running
        case .succeeded: self = .succeeded
        case .failed: self = .failed
        case .cancelled: self = .cancelled
        }
    }
}

extension JobStoreError {
    /// The error as the client reads it.
    var body: ErrorBody {
        switch self {
        case .unknownJob(let id):
            ErrorBody(
                .notFound, code: "unknown_job",
                message: "There is no job \"\(id)\". It may have left the history; GET /v1/jobs lists the others.")
        case .notAllowed(let error):
            ErrorBody(
                .conflict, code: "job_\(error.state.rawValue)",
                message: "The job is already \(error.state.rawValue); nothing was changed.")
        case .queueFull(let limit):
            ErrorBody(
                .unavailable, code: "queue_full",
                message: "\(limit) jobs are waiting, which is the limit. Try again when some are done.")
        case .storage(let words):
            ErrorBody(
                .internalFailure, code: "journal",
                message: "The journal failed: \(words). Check the space and the rights of the state folder.")
        }
    }
}
