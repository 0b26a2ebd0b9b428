import API
import FakeWorker
import Foundation
import JSON
import Testing
import UnixHTTP
import Vocabulary

/// A worker that lies in every field of every message.
@Suite struct LieTests {
    /// Every lie is told to a daemon that has another job at the worker and one that waits.
    @Test func `no lie costs the daemon its life, another job or the queue`() throws {
        let daemon = try RunningDaemon()
        let pid = daemon.process.processIdentifier
        #expect(Lie.all.count >= 30)
        for (number, lie) in Lie.all.enumerated() {
            do {
                try tell(number, lie, daemon)
            } catch {
                Issue.record("\(lie.name): \(error); \(daemon.log.suffix(3000))")
                return
            }
            #expect(daemon.process.isRunning, "\(lie.name)")
        }
        #expect(try daemon.status().pid == Int(pid))
        #expect(try daemon.status().running == 0)
        #expect(try daemon.status().queued == 0)
    }

    private func tell(_ number: Int, _ lie: Lie, _ daemon: RunningDaemon) throws {
        let liar = try daemon.submit("quick lie:\(number)")
        let other = try daemon.submit("quick keep other \(number)", steps: 4)
        let done = try daemon.result(other.id)
        #expect(done.state == .succeeded, "\(lie.name)")
        #expect(done.attempts == 1, "\(lie.name)")
        // The liar ends, or waits for what nobody sends any more; either way it can be got rid of.
        let end = try daemon.result(liar.id)
        #expect(end.state.isFinal, "\(lie.name)")
        if let error = end.error {
            #expect(!error.code.isEmpty && error.code.utf8.count <= 64, "\(lie.name)")
            #expect(error.message.utf8.count <= 1024, "\(lie.name)")
        }
        #expect(end.warnings.count <= 32 && end.warnings.allSatisfy { $0.utf8.count <= 1024 }, "\(lie.name)")
        for output in end.outputs {
            let bytes = try daemon.output(output)
            #expect(bytes.count == output.bytes && output.bytes > 0 && output.width != 0, "\(lie.name)")
        }
    }
}
