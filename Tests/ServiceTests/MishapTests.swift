import API
import Foundation
import GRDB
import Testing
import UnixHTTP
import Vocabulary

/// What happens around a daemon without its doing: full and locked disks, cleaners, greedy clients.
@Suite struct MishapTests {
    private func journal(_ daemon: RunningDaemon) throws -> DatabaseQueue {
        try DatabaseQueue(path: "\(daemon.folder)/state/journal.sqlite")
    }

    @Test func `the end of a job waits for a journal that fails, and the queue goes on`() throws {
        let daemon = try RunningDaemon()
        let job = try daemon.submit("slow", steps: 3)
        let next = try daemon.submit("next")
        try daemon.running(job.id)
        try journal(daemon).inDatabase { db in
            try db.execute(sql: "BEGIN IMMEDIATE")
            // Longer than the job takes and the journal waits for a lock.
            sleep(4)
            try db.execute(sql: "ROLLBACK")
        }
        #expect(try daemon.result(job.id).state == .succeeded)
        #expect(try daemon.result(next.id).state == .succeeded)
    }

    @Test func `a row that cannot be read fails alone`() throws {
        let daemon = try RunningDaemon()
        // The worker has as many jobs as it takes at once, so that the next ones are still in the journal alone.
        let first = try (0..<8).map { _ in try daemon.submit("slow", steps: 2) }
        try wait("eight jobs at the worker") { try daemon.status().running == 8 }
        let strange = try daemon.submit("strange")
        let last = try daemon.submit("last")
        try journal(daemon).write { db in
            try db.execute(
                sql: "UPDATE job SET request = '{\"a\": 1, \"a\": 2}' WHERE id = ?", arguments: [strange.id.rawValue])
        }
        #expect(try daemon.result(last.id).state == .succeeded)
        #expect(try daemon.job(strange.id).error?.code == "journal_unreadable")
        #expect(Set(try daemon.jobs().map(\.id)) == Set((first + [strange, last]).map(\.id)))
    }

    @Test func `a second daemon on the same state ends with 75 and harms nothing`() throws {
        let daemon = try RunningDaemon()
        let job = try daemon.submit("slow", steps: 5)
        try daemon.running(job.id)
        let second = Process()
        second.executableURL = URL(fileURLWithPath: "\(RunningDaemon.products)/lazulid")
        second.arguments = ["--socket", "\(daemon.folder)/other/l.sock", "--state-dir", "\(daemon.folder)/state"]
        second.standardError = FileHandle(forWritingAtPath: "/dev/null")
        try second.run()
        second.waitUntilExit()
        #expect(second.terminationStatus == 75)
        #expect(try daemon.result(job.id).attempts == 1)
    }

    @Test func `a daemon whose socket was removed gives way`() throws {
        let daemon = try RunningDaemon()
        try FileManager.default.removeItem(atPath: daemon.client.socket)
        #expect(daemon.end() == 69)
        try daemon.start()
        #expect(try daemon.result(try daemon.submit("again").id).state == .succeeded)
    }

    @Test func `outputs that were cleaned away are gone, and later ones are kept`() throws {
        let daemon = try RunningDaemon()
        let job = try daemon.result(try daemon.submit("one").id)
        try FileManager.default.removeItem(atPath: "\(daemon.folder)/state/outputs")
        let refusal = try refusal { try daemon.output(try #require(job.outputs.first)) }
        #expect(refusal.status == 404)
        #expect(refusal.body.code == "output_gone")
        let later = try daemon.result(try daemon.submit("two").id)
        #expect(try !daemon.output(try #require(later.outputs.first)).isEmpty)
    }

    @Test func `more clients than descriptors wait, and a stop among them is in good order`() throws {
        let daemon = try RunningDaemon(descriptors: 200)
        let job = try daemon.submit("slow", steps: 100)
        try daemon.running(job.id)
        let request = "GET /v1/jobs/\(job.id)/events HTTP/1.1\r\nHost: x\r\n\r\n"
        var clients = try (0..<250).map { _ in try daemon.connect(request) }
        usleep(500_000)
        clients = []
        #expect(try daemon.cancel(job.id).state == .running)
        #expect(try daemon.result(try daemon.submit("next").id).state == .succeeded)
        clients = try (0..<250).map { _ in try daemon.connect(request) }
        #expect(daemon.stop(SIGTERM) == 0)
        withExtendedLifetime(clients) {}
    }

    @Test func `a client that listens only after it has sent gets its answer`() throws {
        let daemon = try RunningDaemon()
        let large = String(repeating: "x", count: 8 << 20)
        let head = "POST /v1/jobs HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
        for (text, status) in [
            ("\(head)Content-Length: \(large.utf8.count)\r\n\r\n\(large)", 413),
            ("\(head)Transfer-Encoding: chunked\r\n\r\nnonsense\r\n", 400),
        ] {
            let client = try daemon.connect(text)
            #expect(try client.reply().status == status)
        }
    }
}
