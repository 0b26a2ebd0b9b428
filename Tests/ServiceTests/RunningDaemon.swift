import API
import Client
import Foundation
import Glibc
import Testing

/// A real `lazulid` with the fake worker, in a folder of its own; killed with the value.
final class RunningDaemon {
    let folder: String
    let client: DaemonClient
    private let arguments: [String]
    private let descriptors: Int
    private var process: Process

    /// Where the build put the executables: the tests are one of them.
    static let products = ((try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? "")
        .split(separator: "/").dropLast().reduce("") { "\($0)/\($1)" }

    init(_ extra: [String] = [], descriptors: Int = 1024) throws {
        self.descriptors = descriptors
        folder = "/tmp/lazuli-test-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        arguments =
            [
                "--socket", "\(folder)/run/l.sock", "--state-dir", "\(folder)/state", "--worker",
                "\(Self.products)/FakeWorker",
            ] + extra
        client = DaemonClient(socket: "\(folder)/run/l.sock")
        process = Process()
        try start()
    }

    deinit {
        process.terminate()
        process.waitUntilExit()
        try? FileManager.default.removeItem(atPath: folder)
    }

    /// Starts a daemon on the same state and waits until it answers.
    func start() throws {
        process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments =
            ["-c", "ulimit -n \(descriptors) && exec \"$@\"", "sh", "\(Self.products)/lazulid"] + arguments
        process.standardError = FileHandle(forWritingAtPath: "/dev/null")
        try process.run()
        try wait("an answer") { (try? client.status()) != nil }
    }

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

    func submit(_ prompt: String, steps: Int = 3, count: Int = 1) throws -> JobStatus {
        try client.submit(JobSubmission(GenerateRequest(prompt: prompt, steps: steps, seed: 1, count: count)))
    }

    /// The job once it is final.
    func result(_ id: String) throws -> JobStatus {
        try #require(try client.follow(id) { _ in })
    }

    /// The job once it runs and has made a step.
    func running(_ id: String) throws {
        try wait("a step of \(id)") { try client.job(id).progress?.stage == .denoise }
    }

    /// A bare connection on which these bytes were sent.
    func connect(_ text: String) throws -> Int32 {
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(client.socket.utf8)) }
        let connected = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        try #require(connected == 0)
        #expect(write(descriptor, text, text.utf8.count) == text.utf8.count)
        return descriptor
    }

    func workerPID() throws -> Int32 {
        Int32(try #require(try client.status().worker?.pid))
    }
}

/// Waits up to 10 seconds for a condition.
func wait(_ what: String, until condition: () throws -> Bool) throws {
    let deadline = Date(timeIntervalSinceNow: 10)
    while Date() < deadline {
        if try condition() { return }
        usleep(10_000)
    }
    Issue.record("waited in vain for \(what)")
}
