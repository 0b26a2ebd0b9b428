package import API
import Digests
import FoundationEssentials
package import JSON
package import Vocabulary

/// A client of the daemon; every call is one connection, and waits. It knows no kind of job: bodies and results are JSON.
package struct DaemonClient: Sendable {
    package let socket: DaemonSocket

    /// Seconds without a byte after which an ordinary call gives up; starting a worker is within it.
    private static let timeout = 60
    private static let fileLimit = 1 << 30
    /// Jobs of a page of the listing.
    private static let page = 200

    package init(socket: DaemonSocket) {
        self.socket = socket
    }

    package func submit(_ body: JSON) throws(ClientError) -> JobStatus {
        try call("POST", "/v1/jobs", body: body.text())
    }

    /// What a job would cost.
    package func estimate(_ body: JSON) throws(ClientError) -> EstimateReply {
        try call("POST", "/v1/estimate", body: body.text())
    }

    /// Sends a file that jobs will read.
    package func upload(_ bytes: [UInt8]) throws(ClientError) -> Blob {
        let reply: BlobReply = try call("POST", "/v1/blobs", body: bytes, type: "application/octet-stream")
        return Blob(sha256: reply.sha256)
    }

    /// The first jobs of the listing, as many pages of it as that takes.
    package func jobs(limit: Int) throws(ClientError) -> [JobStatus] {
        var jobs: [JobStatus] = []
        var next: String? = ""
        while jobs.count < limit, let after = next {
            let mark = after.isEmpty ? "" : "&after=\(Self.escaped(after))"
            let listing: JobListing = try call("GET", "/v1/jobs?limit=\(min(limit - jobs.count, Self.page))\(mark)")
            jobs += listing.data
            next = listing.data.isEmpty ? nil : listing.next
        }
        return jobs
    }

    package func job(_ id: JobID) throws(ClientError) -> JobStatus {
        try call("GET", try Self.path(job: id))
    }

    package func cancel(_ id: JobID) throws(ClientError) -> JobStatus {
        try call("DELETE", try Self.path(job: id))
    }

    package func pause(_ id: JobID) throws(ClientError) -> JobStatus {
        try call("POST", try Self.path(job: id) + "/pause")
    }

    package func resume(_ id: JobID) throws(ClientError) -> JobStatus {
        try call("POST", try Self.path(job: id) + "/resume")
    }

    package func prioritise(_ id: JobID, _ priority: Int) throws(ClientError) -> JobStatus {
        try call("PATCH", try Self.path(job: id), body: JSON.object(["priority": .int(priority)]).text())
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

    /// The bytes of an output file, which must be those that the job named.
    package func output(_ output: Output) throws(ClientError) -> [UInt8] {
        guard let url = output.url, url.hasPrefix("/v1/"), url.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw .broken("file \(output.index) of the job has no address")
        }
        let bytes = try accepted(try send("GET", url))
        guard SHA256.hexadecimal(of: bytes) == output.sha256 else {
            throw .broken("file \(output.index) of the job is not the one whose SHA-256 it named")
        }
        return bytes
    }

    /// Hands over the events of a job until its result, which is returned; nil when the stream ended before it.
    package func follow(_ id: JobID, _ onEvent: (JobEvent) -> Void) throws(ClientError) -> JobStatus? {
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
        _ method: String, _ path: String, body: [UInt8]? = nil, type: String = "application/json"
    ) throws(ClientError) -> (status: Int, body: [UInt8]) {
        let (head, reader) = try open(method, path, body: body, type: type, timeout: Self.timeout)
        var rest = reader
        return (head.status, try rest.body(limit: Self.fileLimit))
    }

    // MARK: One call

    private func call<Answer: Decodable>(
        _ method: String, _ path: String, body: [UInt8]? = nil, type: String = "application/json"
    ) throws(ClientError) -> Answer {
        try decode(Answer.self, try accepted(try send(method, path, body: body, type: type)))
    }

    private func accepted(_ answer: (status: Int, body: [UInt8])) throws(ClientError) -> [UInt8] {
        guard (200..<300).contains(answer.status) else {
            throw .refused(try decode(ErrorEnvelope.self, answer.body).error)
        }
        return answer.body
    }

    private func open(
        _ method: String, _ path: String, body: [UInt8]? = nil, type: String = "application/json", timeout: Int?
    ) throws(ClientError) -> (ResponseReader.Head, ResponseReader) {
        let connection = try Connection(socket, timeout: timeout)
        var head = "\(method) \(path) HTTP/1.1\r\nHost: lazuli\r\nConnection: close\r\n"
        if let body { head += "Content-Type: \(type)\r\nContent-Length: \(body.count)\r\n" }
        try connection.send(Array((head + "\r\n").utf8) + (body ?? []))
        var reader = ResponseReader { () throws(ClientError) in try connection.receive() }
        let response = try reader.head()
        return (response, reader)
    }

    /// Identifiers come from the command line; what could leave the path is refused here.
    private static func path(job id: JobID) throws(ClientError) -> String {
        let isName = id.rawValue.utf8.allSatisfy { (48...57).contains($0) || (97...122).contains($0) }
        guard !id.rawValue.isEmpty, isName else {
            throw .refused(
                ErrorBody(
                    .notFound, code: "unknown_job",
                    message: "\"\(id)\" is not a job's identifier. `lazuli jobs` lists them."))
        }
        return "/v1/jobs/\(id)"
    }

    /// A value of a query.
    private static func escaped(_ text: String) -> String {
        text.utf8.map { byte in
            let isPlain = (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte)
            let hexadecimal = String(byte, radix: 16, uppercase: true)
            return isPlain ? String(UnicodeScalar(byte)) : "%" + (byte < 16 ? "0" : "") + hexadecimal
        }.joined()
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
        case "text":
            let event = try decode(TextEvent.self, data)
            self = .text(offset: event.offset, event.text)
        case "preview": self = .preview(try decode(Preview.self, data))
        case "warning": self = .warning(try decode(WarningEvent.self, data).message)
        case "result": self = .result(try decode(JobStatus.self, data))
        default: return nil
        }
    }
}
