import API
import Synchronization
import Vocabulary

/// Who listens to which job, and the text that running jobs have written so far.
///
/// A listener holds one state, one progress and its place in the text, however slowly it reads: states and progress give
/// way to newer ones, text is read from the one copy that is here.
final class EventHub: Sendable {
    private struct State {
        var listeners: [JobID: [Listener]] = [:]
        var texts: [JobID: JobText] = [:]
        var isClosed = false
    }

    private let state = Mutex(State())

    /// A stream that starts with the job as it is.
    func listen(to status: JobStatus) -> AsyncStream<JobEvent> {
        let listener = Listener()
        let text = state.withLock { state in
            if !status.state.isFinal, !state.isClosed {
                state.listeners[status.id] = (state.listeners[status.id] ?? []).filter { !$0.isGone } + [listener]
            }
            return (state.texts[status.id], state.isClosed)
        }
        listener.put(.state(status))
        if let text = text.0 { listener.follow(text) }
        if status.state.isFinal { listener.put(.result(status)) }
        if text.1 { listener.close() }
        return AsyncStream(unfolding: { await listener.next() }, onCancel: { listener.close() })
    }

    /// Jobs that somebody listens to.
    var heard: [JobID] {
        state.withLock { state in
            state.listeners = state.listeners.mapValues { $0.filter { !$0.isGone } }.filter { !$0.value.isEmpty }
            return Array(state.listeners.keys)
        }
    }

    func hasListeners(_ job: JobID) -> Bool { listeners(job).contains { !$0.isGone } }

    func tell(_ job: JobID, _ event: JobEvent) {
        for listener in listeners(job) { listener.put(event) }
    }

    /// Takes text from byte `offset` of the job's text on. Text from there on that was written before is given up: the job
    /// began again. False when there would be a gap, half a character or too much.
    func write(_ job: JobID, offset: Int, _ text: String) -> Bool {
        let held = state.withLock { state in
            let held = state.texts[job] ?? JobText()
            state.texts[job] = held
            return held
        }
        guard held.write(offset: offset, Array(text.utf8)) else { return false }
        for listener in listeners(job) { listener.follow(held) }
        return true
    }

    /// The text of a job that goes on from a checkpoint.
    func restore(_ job: JobID, text: String) {
        _ = write(job, offset: 0, "")
        if !text.isEmpty { _ = write(job, offset: 0, text) }
    }

    func text(_ job: JobID) -> String {
        state.withLock { $0.texts[job] }?.all ?? ""
    }

    /// The job is not with the worker any more.
    func forgetText(_ job: JobID) {
        state.withLock { $0.texts[job] = nil }
    }

    /// Tells the final state and ends the streams of the job.
    func finish(_ status: JobStatus) {
        let ended = state.withLock { state in
            state.texts[status.id] = nil
            return state.listeners.removeValue(forKey: status.id) ?? []
        }
        for listener in ended { listener.put(.result(status)) }
    }

    /// Ends every stream without a result: the daemon stops.
    func close() {
        let all = state.withLock { state in
            state.isClosed = true
            defer { state.listeners = [:] }
            return state.listeners.values.flatMap { $0 }
        }
        for listener in all { listener.close() }
    }

    private func listeners(_ job: JobID) -> [Listener] { state.withLock { $0.listeners[job] ?? [] } }
}

/// All text of a job, as bytes of UTF-8.
final class JobText: Sendable {
    private let bytes = Mutex<[UInt8]>([])

    func write(offset: Int, _ text: [UInt8]) -> Bool {
        bytes.withLock { bytes in
            guard (0...bytes.count).contains(offset), offset + text.count <= Judge.jobTextLimit else { return false }
            guard offset == bytes.count || bytes[offset] & 0xc0 != 0x80 else { return false }
            bytes.removeSubrange(offset...)
            bytes += text
            return true
        }
    }

    var all: String { String(decoding: bytes.withLock { $0 }, as: UTF8.self) }

    var count: Int { bytes.withLock { $0.count } }

    /// A piece from `offset` on, cut between two characters.
    func piece(from offset: Int) -> String {
        bytes.withLock { bytes in
            guard offset < bytes.count else { return "" }
            var end = min(bytes.count, offset + 16_384)
            while end < bytes.count, end > offset, bytes[end] & 0xc0 == 0x80 { end -= 1 }
            return String(decoding: bytes[offset..<end], as: UTF8.self)
        }
    }
}
