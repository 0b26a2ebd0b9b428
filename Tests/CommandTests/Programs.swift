import Foundation

/// The folder of the executables beside the tests.
let products = ((try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? "")
    .split(separator: "/").dropLast().reduce("") { "\($0)/\($1)" }

/// How a program ended, and what it said.
struct Ended {
    var status: Int32
    var bytes: Data
    var errors: String

    var output: String { String(decoding: bytes, as: UTF8.self) }
}

/// Runs a program to its end, or until it is interrupted.
func run(
    _ name: String, _ arguments: [String], _ environment: [String: String] = [:], in folder: String = "/tmp",
    input: Data = Data(), interruptAfter seconds: Double? = nil
) throws -> Ended {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: name.hasPrefix("/") ? name : "\(products)/\(name)")
    process.arguments = arguments
    process.currentDirectoryURL = URL(fileURLWithPath: folder)
    process.environment = ["PATH": "/usr/bin:/bin", "HOME": folder, "COLUMNS": "100"].merging(environment) { $1 }
    let output = Pipe()
    let errors = Pipe()
    let text = Pipe()
    process.standardInput = text
    process.standardOutput = output
    process.standardError = errors
    try process.run()
    try text.fileHandleForWriting.write(contentsOf: input)
    try text.fileHandleForWriting.close()
    if let seconds {
        usleep(UInt32(seconds * 1_000_000))
        process.interrupt()
    }
    let bytes = output.fileHandleForReading.readDataToEndOfFile()
    let messages = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    return Ended(status: process.terminationStatus, bytes: bytes, errors: messages)
}

/// A daemon with the worker that needs no weights, in a folder of its own.
struct FakeDaemon {
    var folder: String
    var environment: [String: String] { ["LAZULI_SOCKET": "\(folder)/l.sock"] }
}

/// Runs a body beside such a daemon, and leaves neither daemon nor folder behind.
func withFakeDaemon(_ body: (FakeDaemon) throws -> Void) throws {
    try withFolder { folder in
        let daemon = Process()
        daemon.executableURL = URL(fileURLWithPath: "\(products)/lazulid")
        daemon.arguments = [
            "--socket", "\(folder)/l.sock", "--state-dir", "\(folder)/state", "--worker", "\(products)/FakeWorker",
        ]
        daemon.standardError = FileHandle(forWritingAtPath: "/dev/null")
        try daemon.run()
        defer {
            daemon.terminate()
            daemon.waitUntilExit()
        }
        let fake = FakeDaemon(folder: folder)
        let deadline = Date(timeIntervalSinceNow: 10)
        while try run("lazuli", ["status"], fake.environment).status != 0, Date() < deadline { usleep(20_000) }
        try body(fake)
    }
}

/// A folder that only this user may use, while the body runs.
func withFolder(_ body: (String) throws -> Void) throws {
    let folder = "/tmp/lazuli-test-\(UUID().uuidString.prefix(8))"
    try FileManager.default.createDirectory(
        atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try body(folder)
}
