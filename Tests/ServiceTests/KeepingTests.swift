import API
import Foundation
import GRDB
import JSON
import Testing
import UnixHTTP
import Vocabulary

/// What the daemon keeps, and what it removes.
@Suite struct KeepingTests {
    private static let fixture = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("../Goldens/v0.1").standardizedFileURL.path

    @Test func `outputs go in the order of their ends, and never the newest`() throws {
        // A journal whose times say that every end was long after now.
        let daemon = try RunningDaemon(["--history", "3"])
        var ids: [JobID] = []
        // The daemon may be writing.
        var patient = Configuration()
        patient.busyMode = .timeout(10)
        for number in 0..<6 {
            ids.append(try daemon.result(try daemon.submit("quick \(number)").id).id)
            let journal = try DatabaseQueue(
                path: "\(daemon.folder)/state/journal.sqlite", configuration: patient)
            try journal.write { db in
                try db.execute(sql: "UPDATE job SET finished = 4e9 - ? WHERE finished IS NOT NULL", arguments: [number])
            }
            #expect(try !daemon.output(daemon.job(ids[number]).outputs[0]).isEmpty)
        }
        try wait("the pruning") { try daemon.jobs().count == 3 }
        #expect(Set(try daemon.jobs().map(\.id)) == Set(ids.suffix(3)))
        for id in ids.prefix(3) { #expect(daemon.files(id) == nil) }
        for id in ids.suffix(3) { #expect(daemon.files(id) == ["0.png"]) }
    }

    @Test func `folders and uploads without a row are swept at the start, and others stay`() throws {
        let daemon = try RunningDaemon()
        let kept = try daemon.result(try daemon.submit("quick keep", count: 2).id)
        let blob = try daemon.upload(Array("a file".utf8))
        _ = daemon.stop(SIGKILL)
        let state = "\(daemon.folder)/state"
        for path in ["outputs/0000000000000", "outputs/strange name", "blobs/1", "outputs/\(kept.id)"] {
            try FileManager.default.createDirectory(atPath: "\(state)/\(path)", withIntermediateDirectories: true)
        }
        let strays = [
            "outputs/0000000000000/0.png", "outputs/strange name/.checkpoint-1", "blobs/upload-1",
            "blobs/1/\(String(repeating: "0", count: 64))", "outputs/\(kept.id)/.1.png.part",
            "outputs/\(kept.id)/.checkpoint-9",
        ]
        for path in strays { try Data([1]).write(to: URL(fileURLWithPath: "\(state)/\(path)")) }
        try FileManager.default.createSymbolicLink(atPath: "\(state)/outputs/link", withDestinationPath: daemon.folder)
        try daemon.start()
        for path in strays + ["outputs/link"] {
            #expect(!FileManager.default.fileExists(atPath: "\(state)/\(path)"), "\(path)")
        }
        #expect(FileManager.default.fileExists(atPath: "\(daemon.folder)/log"), "a link was followed")
        #expect(daemon.files(kept.id)?.sorted() == ["0.png", "1.png"])
        #expect(try daemon.job(kept.id).outputs.allSatisfy { try !daemon.output($0).isEmpty })
        #expect(FileManager.default.fileExists(atPath: "\(state)/blobs/\(geteuid())/\(blob.sha256)"))
    }

    @Test func `status, health and figures answer while the journal is locked`() throws {
        let daemon = try RunningDaemon()
        let job = try daemon.submit("slow", steps: 2)
        try daemon.running(job.id)
        try DatabaseQueue(path: "\(daemon.folder)/state/journal.sqlite").inDatabase { db in
            try db.execute(sql: "BEGIN IMMEDIATE")
            var slowest = 0.0
            let start = Date()
            while Date().timeIntervalSince(start) < 3 {
                for path in ["/v1/status", "/healthz", "/readyz", "/metrics", "/v1/jobs", "/v1/jobs/\(job.id)"] {
                    let asked = Date()
                    #expect(try daemon.client.send("GET", path).status == 200)
                    slowest = max(slowest, Date().timeIntervalSince(asked))
                }
            }
            try db.execute(sql: "ROLLBACK")
            #expect(slowest < 1)
        }
        #expect(try daemon.result(job.id).state == .succeeded)
    }

    @Test func `a newer journal is refused with both versions, and stays byte for byte`() throws {
        let daemon = try RunningDaemon()
        _ = try daemon.result(try daemon.submit("quick").id)
        #expect(daemon.stop(SIGTERM) == 0)
        let path = "\(daemon.folder)/state/journal.sqlite"
        let queue = try DatabaseQueue(path: path)
        try queue.writeWithoutTransaction { db in
            try db.execute(sql: "PRAGMA user_version = 99; PRAGMA wal_checkpoint(TRUNCATE)")
        }
        try queue.close()
        let before = try Data(contentsOf: URL(fileURLWithPath: path))
        try daemon.launch()
        #expect(daemon.end() == 69)
        #expect(daemon.log.contains("version 99") && daemon.log.contains("knows 2"))
        #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == before)
    }

    @Test func `a state folder of version 0.1 lists, serves and finishes its jobs`() throws {
        let daemon = try RunningDaemon { folder in
            try FileManager.default.copyItem(atPath: Self.fixture, toPath: "\(folder)/state")
        }
        let jobs = try daemon.jobs()
        #expect(jobs.count == 6)
        for job in jobs where job.state == .succeeded {
            #expect(job.outputs.count == 1)
            let bytes = try daemon.output(job.outputs[0])
            let name = try #require(daemon.files(job.id)?.first)
            #expect(
                bytes == Array(try Data(contentsOf: URL(fileURLWithPath: "\(Self.fixture)/outputs/\(job.id)/\(name)"))))
        }
        for job in jobs where !job.state.isFinal {
            let done = try daemon.result(job.id)
            #expect(done.state == .succeeded, "\(done.title)")
            #expect(try !daemon.output(done.outputs[0]).isEmpty)
        }
        #expect(try daemon.jobs().count(where: { $0.state == .succeeded }) == 4)
        // A second time it is a journal like any other.
        _ = daemon.stop(SIGTERM)
        try daemon.start()
        #expect(try daemon.jobs().count == 6)
    }

    @Test func `streams that nobody reads and lists of long prompts stay small`() throws {
        let daemon = try RunningDaemon()
        let long = "slow tell " + String(repeating: "w", count: 32_000)
        let jobs = try (0..<60).map { _ in try daemon.submit(long, steps: 100) }
        try daemon.running(jobs[0].id)
        let before = try memory(daemon)
        let deaf = try (0..<40).map { number in
            let client = try daemon.client.connect()
            client.send(UnixClient.request("GET", "/v1/jobs/\(jobs[number].id)/events"))
            return client
        }
        for _ in 0..<20 {
            let list = try daemon.client.send("GET", "/v1/jobs?limit=200")
            #expect(list.body.count < 200_000)
            #expect(try list.decode(JobListing.self).data.allSatisfy { $0.request == nil })
        }
        usleep(500_000)
        #expect(try memory(daemon) - before < 64 << 20)
        withExtendedLifetime(deaf) {}
    }

    private func memory(_ daemon: RunningDaemon) throws -> Int {
        let text = try String(contentsOfFile: "/proc/\(daemon.process.processIdentifier)/statm", encoding: .utf8)
        return try #require(Int(text.split(separator: " ")[1])) * 4096
    }
}
