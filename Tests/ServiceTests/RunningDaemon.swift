import API
import Foundation
import Glibc
import JSON
import Testing
import UnixHTTP
import Vocabulary

/// A real `lazulid` in a folder of its own, with the fake worker unless it is told otherwise; killed with the value.
///
/// Not checked for sharing: only the one test that has it starts and stops it, and its clients are values.
final class RunningDaemon: @unchecked Sendable {
    let folder: String
    let client: UnixClient
    private let arguments: [String]
    private let environment: [String: String]
    private let descriptors: Int
    private(set) var process: Process

    /// Where the build put the executables: the tests are one of them.
    static let products = ((try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? "")
        .split(separator: "/").dropLast().reduce("") { "\($0)/\($1)" }

    /// `habits` are the fake worker's, see `LAZULI_FAKE`; with `isReal` lazulid's own worker draws.
    init(
        _ extra: [String] = [], habits: String = "", descriptors: Int = 1024, isReal: Bool = false,
        prepare: (_ folder: String) throws -> Void = { _ in }
    ) throws {
        self.descriptors = descriptors
        folder = "/tmp/lazuli-test-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        var arguments = ["--socket", "\(folder)/run/l.sock", "--state-dir", "\(folder)/state"]
        if !isReal { arguments += ["--worker", "\(Self.products)/FakeWorker"] }
        self.arguments = arguments + extra
        environment = ProcessInfo.processInfo.environment.merging(["LAZULI_FAKE": habits]) { $1 }
        client = UnixClient(socket: "\(folder)/run/l.sock")
        process = Process()
        try prepare(folder)
        try start()
    }

    deinit {
        end(within: 8)
        try? FileManager.default.removeItem(atPath: folder)
    }

    /// Starts a daemon on the same state and waits until it answers.
    func start(_ more: [String] = []) throws {
        try launch(more)
        try wait("an answer") { (try? status()) != nil || !process.isRunning }
    }

    /// Starts a daemon without waiting for it.
    func launch(_ more: [String] = []) throws {
        process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments =
            ["-c", "ulimit -n \(descriptors) && exec \"$@\"", "sh", "\(Self.products)/lazulid"] + arguments + more
        process.environment = environment
        let log = open("\(folder)/log", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        process.standardError = FileHandle(fileDescriptor: log, closeOnDealloc: true)
        try process.run()
    }

    /// What all daemons of this folder have logged.
    var log: String { (try? String(contentsOfFile: "\(folder)/log", encoding: .utf8)) ?? "" }

    /// Sends the daemon a signal and waits for its end.
    func stop(_ signal: Int32) -> Int32 {
        kill(process.processIdentifier, signal)
        process.waitUntilExit()
        return process.terminationStatus
    }

    /// The status with which the daemon ends by itself.
    func end() -> Int32 {
        process.waitUntilExit()
        return process.terminationStatus
    }

    private func end(within seconds: Double) {
        guard process.isRunning else { return }
        process.terminate()
        let deadline = Date(timeIntervalSinceNow: seconds)
        while process.isRunning, Date() < deadline { usleep(5000) }
        if process.isRunning { kill(process.processIdentifier, SIGKILL) }
        process.waitUntilExit()
    }

    // MARK: Asking

    func submit(
        _ prompt: String, steps: Int = 3, count: Int = 1, seed: UInt64 = 1, priority: Int = 0, uid: UInt32? = nil
    ) throws -> JobStatus {
        try submit(
            .object([
                "prompt": .string(prompt), "steps": .int(steps), "count": .int(count), "seed": .unsigned(seed),
                "priority": .int(priority),
            ]), uid: uid)
    }

    func submit(_ body: JSON, uid: UInt32? = nil) throws -> JobStatus {
        try ask("POST", "/v1/jobs", body, uid: uid)
    }

    func job(_ id: JobID) throws -> JobStatus { try ask("GET", "/v1/jobs/\(id)") }

    func status() throws -> StatusInfo { try ask("GET", "/v1/status") }

    func cancel(_ id: JobID) throws -> JobStatus { try ask("DELETE", "/v1/jobs/\(id)") }

    func pause(_ id: JobID) throws -> JobStatus { try ask("POST", "/v1/jobs/\(id)/pause") }

    func resume(_ id: JobID) throws -> JobStatus { try ask("POST", "/v1/jobs/\(id)/resume") }

    func prioritise(_ id: JobID, _ priority: Int, uid: UInt32? = nil) throws -> JobStatus {
        try ask("PATCH", "/v1/jobs/\(id)", .object(["priority": .int(priority)]), uid: uid)
    }

    func jobs(uid: UInt32? = nil) throws -> [JobStatus] {
        var all: [JobStatus] = []
        var after: String?
        repeat {
            let page: JobListing = try ask("GET", "/v1/jobs?limit=200\(after.map { "&after=\($0)" } ?? "")", uid: uid)
            all += page.data
            after = page.next
        } while after != nil
        return all
    }

    func unload() throws -> UnloadReply { try ask("POST", "/v1/models/unload") }

    func upload(_ bytes: [UInt8], uid: UInt32? = nil) throws -> BlobReply {
        try accepted(try of(uid).send("POST", "/v1/blobs", bytes))
    }

    func output(_ output: Output) throws -> [UInt8] {
        let reply = try client.send("GET", try #require(output.url))
        guard reply.status == 200 else { throw Refusal(reply) }
        return reply.body
    }

    /// The answer as its type, or the refusal as an error.
    func ask<Answer: Decodable>(
        _ method: String, _ path: String, _ body: JSON? = nil, uid: UInt32? = nil
    ) throws -> Answer {
        try accepted(try of(uid).send(method, path, body?.text()))
    }

    private func accepted<Answer: Decodable>(_ reply: Reply) throws -> Answer {
        guard (200..<300).contains(reply.status) else { throw Refusal(reply) }
        return try reply.decode(Answer.self)
    }

    private func of(_ uid: UInt32?) -> UnixClient { uid.map(client.with(uid:)) ?? client }

    /// Hands over the events of a job until its result, which is returned; nil when the stream ended before it.
    func follow(_ id: JobID, _ onEvent: (JobEvent) -> Void = { _ in }) throws -> JobStatus? {
        var result: JobStatus?
        try client.events("/v1/jobs/\(id)/events") { name, data in
            func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
                try JSONDecoder().decode(type, from: Data(data))
            }
            switch name {
            case "state": onEvent(.state(try decode(JobStatus.self)))
            case "progress": onEvent(.progress(try decode(JobProgress.self)))
            case "warning": onEvent(.warning(try decode(WarningEvent.self).message))
            case "text":
                let event = try decode(TextEvent.self)
                onEvent(.text(offset: event.offset, event.text))
            case "preview": onEvent(.preview(try decode(Preview.self)))
            case "result": result = try decode(JobStatus.self)
            default: Issue.record("an event named \(name)")
            }
            return result == nil
        }
        return result
    }

    /// The job once it is final.
    func result(_ id: JobID) throws -> JobStatus {
        try #require(try follow(id))
    }

    /// The job once it runs and has made a step.
    func running(_ id: JobID) throws {
        try wait("a step of \(id)") { try job(id).progress?.stage == .denoise }
    }

    /// A bare connection on which these bytes were sent.
    func connect(_ text: String) throws -> UnixConnection {
        let connection = try client.connect()
        connection.send(text)
        return connection
    }

    func workerPID() throws -> Int32 {
        Int32(try #require(try status().worker?.pid))
    }

    /// Names in the folder of a job's files; nil when there is none.
    func files(_ id: JobID) -> [String]? {
        try? FileManager.default.contentsOfDirectory(atPath: "\(folder)/state/outputs/\(id)")
    }
}

/// What the daemon answered instead of what was asked for.
struct Refusal: Error {
    var status: Int
    var body: ErrorBody

    init(_ reply: Reply) {
        status = reply.status
        body =
            (try? reply.decode(ErrorEnvelope.self).error)
            ?? ErrorBody(.internalFailure, code: "no_envelope", message: reply.text)
    }
}

/// The refusal of what must be refused.
func refusal(_ body: () throws -> some Any) throws -> Refusal {
    do {
        let answer = try body()
        Issue.record("not refused: \(answer)")
        throw UnixError.broken("not refused")
    } catch let refusal as Refusal {
        return refusal
    }
}

/// Waits up to so many seconds for a condition.
func wait(_ what: String, seconds: Double = 20, until condition: () throws -> Bool) throws {
    let deadline = Date(timeIntervalSinceNow: seconds)
    while Date() < deadline {
        if try condition() { return }
        usleep(10_000)
    }
    Issue.record("waited in vain for \(what)")
}
