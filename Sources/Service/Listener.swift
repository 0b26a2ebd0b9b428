import API
import Synchronization

/// One reader of a job's events.
final class Listener: Sendable {
    private struct State {
        var status: JobEvent?
        var progress: JobEvent?
        var preview: JobEvent?
        var warnings: [String] = []
        var text: JobText?
        /// Bytes of the text that were handed out.
        var read = 0
        var result: JobEvent?
        var isClosed = false
        var waiter: CheckedContinuation<JobEvent?, Never>?
    }

    private let state = Mutex(State())

    func put(_ event: JobEvent) {
        change { state in
            switch event {
            case .state: state.status = event
            case .progress: state.progress = event
            case .preview: state.preview = event
            case .warning(let message): if state.warnings.count < Judge.warningLimit { state.warnings.append(message) }
            case .result: state.result = event
            case .text: break
            }
        }
    }

    /// There is more of this text, or another text in its place.
    func follow(_ text: JobText) {
        change { state in
            state.text = text
            // A job that began again writes from an earlier place.
            state.read = min(state.read, text.count)
        }
    }

    func close() {
        change { $0.isClosed = true }
    }

    /// Whether nobody will read any more.
    var isGone: Bool { state.withLock { $0.isClosed } }

    /// The next event, nil after the last.
    func next() async -> JobEvent? {
        await withCheckedContinuation { continuation in
            let answer: (ready: Bool, event: JobEvent?) = state.withLock { state in
                let next = Self.take(&state)
                if !next.ready { state.waiter = continuation }
                return next
            }
            if answer.ready { continuation.resume(returning: answer.event) }
        }
    }

    private func change(_ body: (inout State) -> Void) {
        let woken: (CheckedContinuation<JobEvent?, Never>, JobEvent?)? = state.withLock { state in
            body(&state)
            guard let waiter = state.waiter else { return nil }
            let next = Self.take(&state)
            guard next.ready else { return nil }
            state.waiter = nil
            return (waiter, next.event)
        }
        if let woken { woken.0.resume(returning: woken.1) }
    }

    private static func take(_ state: inout State) -> (ready: Bool, event: JobEvent?) {
        if state.isClosed { return (true, nil) }
        if let status = state.status {
            state.status = nil
            return (true, status)
        }
        if !state.warnings.isEmpty { return (true, .warning(state.warnings.removeFirst())) }
        if let text = state.text {
            let piece = text.piece(from: state.read)
            if !piece.isEmpty {
                defer { state.read += piece.utf8.count }
                return (true, .text(offset: state.read, piece))
            }
        }
        if let preview = state.preview {
            state.preview = nil
            return (true, preview)
        }
        if let progress = state.progress {
            state.progress = nil
            return (true, progress)
        }
        if let result = state.result {
            state.isClosed = true
            return (true, result)
        }
        return (false, nil)
    }
}
