package import API
import FoundationEssentials

/// A client of the daemon; every call is one connection, and waits.
package struct DaemonClient: Sendable {
    package let socket: String

    /// Seconds without a byte after which an ordinary call gives up; starting a worker is within it.
    private static let timeout = 60
    private static let fileLimit = 1 << 30

    package init(socket: String) {
        self.socket = socket
    }

    package func submit(_ submission: JobSubmission) throws(ClientError) -> JobStatus {
        let body: Data
        do {
            body = try JSONEncoder().encode(submission)
        } catch {
            throw .broken("the request has no JSON form: \(error)")
        }
        return try call("POST", "/v1/jobs", body: [UInt8](body))
    }

    package func jobs(limit: Int) throws(ClientError) -> [JobStatus] {
        let listing: Listing<JobStatus> = try call("GET", "/v1/jobs?limit=\(limit)")
        return listing.data
    }

    package func job(_ id: String) throws(ClientError) -> JobStatus {
        try call("GET", try Self.path(job: id))
    }

    package func cancel(_ id: String) throws(ClientError) -> JobStatus {
        try call("DELETE", try Self.path(job: id))
    }

    package func models() throws(ClientError) -> [ModelInfo] {
        let listing: Listing<ModelInfo> = try call("GET", "/v1/models")
        return listing.data
    }

    package func unload() throws(ClientError) -> UnloadReply {
        try call("POST", "/v1/models/unload")
    }

    package func status() throws(ClientError) -> StatusInfo {
        try call("GET", "/v1/status")
    }

    /// The bytes of an output file.
    package func output(_ output: Output) throws(ClientError) -> [UInt8] {
        try accepted(try send("GET", output.url))
    }

    /// Hands over the events of a job until its result, which is returned; nil when the stream ended before it.
    package func follow(_ id: String, _ onEvent: (JobEvent) -> Void) throws(ClientError) -> JobStatus? {
        var (head, reader) = try open("GET", try Self.path(job: id) + "/events", timeout: nil)
        guard head.status == 200 else {
            _ = try accepted((head.status, try reader.body(limit: Self.fileLimit)))
            return nil
        }
        var parser = EventParser()
        while let part = try reader.part() {
            for event in parser.feed(part) {
                guard let event = try JobEvent(event) else { continue }
                onEvent(event)
                if case .result(let status) = event { return status }
            }
        }
        return nil
    }

    /// Any request with its answer as it comes, whatever its status.
    package func send(
        _ method: String, _ path: String, body: [UInt8]? = nil
    ) throws(ClientError) -> (status: Int, body: [UInt8]) {
        let (head, reader) = try open(method, path, body: body, timeout: Self.timeout)
        var rest = reader
        return (head.status, try rest.body(limit: Self.fileLimit))
    }

    // MARK: One call

    private func call<Answer: Decodable>(
        _ method: String, _ path: String, body: [UInt8]? = nil
    ) throws(ClientError) -> Answer {
        try decode(Answer.self, try accepted(try send(method, path, body: body)))
    }

    private func accepted(_ answer: (status: Int, body: [UInt8])) throws(ClientError) -> [UInt8] {
        guard (200..<300).contains(answer.status) else {
            throw .refused(try decode(ErrorEnvelope.self, answer.body).error)
        }
        return answer.body
    }

    private func open(
        _ method: String, _ path: String, body: [UInt8]? = nil, timeout: Int?
    ) throws(ClientError) -> (ResponseReader.Head, ResponseReader) {
        let connection = try Connection(path: socket, timeout: timeout)
        var head = "\(method) \(path) HTTP/1.1\r\nHost: lazuli\r\nConnection: close\r\n"
        if let body { head += "Content-Type: application/json\r\nContent-Length: \(body.count)\r\n" }
        try connection.send(Array((head + "\r\n").utf8) + (body ?? []))
        var reader = ResponseReader { () throws(ClientError) in try connection.receive() }
        let response = try reader.head()
        return (response, reader)
    }

    /// Identifiers come from the command line; what could leave the path is refused here.
    private static func path(job id: String) throws(ClientError) -> String {
        guard !id.isEmpty, id.utf8.allSatisfy({ UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 || 97...122 ~= $0 }) else {
            throw .refused(
                ErrorBody(
                    .notFound, code: "unknown_job",
                    message: "\"\(id)\" is not a job's identifier. `lazuli jobs` lists them."))
        }
        return "/v1/jobs/\(id)"
    }
}

private func decode<Value: Decodable>(_ type: Value.Type, _ bytes: [UInt8]) throws(ClientError) -> Value {
    do {
        return try JSONDecoder().decode(type, from: Data(bytes))
    } catch {
        throw .broken("no \(type) in its JSON")
    }
}

extension JobEvent {
    /// The event that the stream tells; nil for names that this version does not know.
    fileprivate init?(_ event: EventParser.Event) throws(ClientError) {
        let data = Array(event.data.utf8)
        switch event.name {
        case "state": self = .state(try decode(JobStatus.self, data))
        case "progress": self = .progress(try decode(JobProgress.self, data))
        case "warning": self = .warning(try decode(WarningEvent.self, data).message)
        case "result": self = .result(try decode(JobStatus.self, data))
        default: return nil
        }
    }
}
