import API

/// Who listens to which job.
struct EventHub {
    private var listeners: [String: [Int: AsyncStream<JobEvent>.Continuation]] = [:]
    private var nextListener = 0

    /// Events held for a listener that does not read; the oldest go first, the result is always the newest.
    private static let backlog = 64

    /// A stream that starts with the job as it is; `onEnd` is called with its number when the listener leaves.
    mutating func listen(
        to status: JobStatus, onEnd: @escaping @Sendable (Int) -> Void
    ) -> AsyncStream<JobEvent> {
        let (stream, continuation) = AsyncStream.makeStream(
            of: JobEvent.self, bufferingPolicy: .bufferingNewest(Self.backlog))
        continuation.yield(.state(status))
        if status.state.isFinal {
            continuation.yield(.result(status))
            continuation.finish()
            return stream
        }
        let number = nextListener
        nextListener += 1
        listeners[status.id, default: [:]][number] = continuation
        continuation.onTermination = { _ in onEnd(number) }
        return stream
    }

    mutating func leave(_ job: String, _ number: Int) {
        listeners[job]?[number] = nil
        if listeners[job]?.isEmpty == true { listeners[job] = nil }
    }

    func hasListeners(_ job: String) -> Bool {
        listeners[job] != nil
    }

    func tell(_ job: String, _ event: JobEvent) {
        listeners[job]?.values.forEach { $0.yield(event) }
    }

    /// Tells the final state and ends the streams of the job.
    mutating func finish(_ status: JobStatus) {
        let ended = listeners.removeValue(forKey: status.id) ?? [:]
        for continuation in ended.values {
            continuation.yield(.result(status))
            continuation.finish()
        }
    }

    /// Ends every stream without a result: the daemon stops.
    mutating func close() {
        let all = listeners.values.flatMap(\.values)
        listeners = [:]
        all.forEach { $0.finish() }
    }
}
