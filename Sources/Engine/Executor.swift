// The one thread that computes: whose slice is next, what becomes of it, and what a cancel does to it.

import API
import Foundation
import JSON
import Kinds
package import Pipelines
import Tensor
package import Vocabulary
package import Wire

/// Where the executor's words go.
package protocol ReportSink: Sendable {
    /// Sends a report whole, waiting for room; throws where it cannot be said at all.
    func send(_ report: Report, payload: [UInt8]) throws
    /// Sends a report if there is room for it now.
    func offer(_ report: Report)
}

extension ReportSink {
    package func send(_ report: Report) throws { try send(report, payload: []) }
}

/// Carries works out, slice by slice.
///
/// `@unchecked Sendable` proof: `state` is read and written with `lock` held; everything else is a constant.
package final class Executor: @unchecked Sendable {
    /// What a job was told while it was under way.
    private enum Command { case cancel, yield }

    private struct Job {
        var order: RunOrder
        var resume: Checkpoint?
        var work: (any Work)?
        var command: Command?
        var record = JobRecord()
    }

    private struct State {
        var jobs: [JobID: Job] = [:]
        var schedule: Schedule
        /// The job in whose slice the thread is.
        var current: JobID?
        var isEnding = false
        var hasEnded = false
    }

    private let workshop: Workshop
    private let sink: any ReportSink
    private let kinds: @Sendable (JobKind) -> JobKindRow?
    private let flag = AbandonFlag()
    private let lock = NSCondition()
    private var state: State

    private static let stackSize = 16 << 20

    package init(
        _ workshop: Workshop, _ sink: any ReportSink, schedule: Schedule = Schedule(),
        kinds: @escaping @Sendable (JobKind) -> JobKindRow? = JobKinds.named
    ) {
        self.workshop = workshop
        self.sink = sink
        self.kinds = kinds
        state = State(schedule: schedule)
    }

    /// Starts the thread.
    package func start() {
        let thread = Thread { [self] in compute() }
        thread.stackSize = Self.stackSize
        thread.name = "slices"
        thread.start()
    }

    // MARK: Orders, from any thread

    package func run(_ order: RunOrder, tensors: [UInt8] = []) {
        locked { state in
            guard state.jobs[order.job] == nil, !state.isEnding else { return }
            let resume = order.resume.map { Checkpoint(facts: $0, tensors: tensors) }
            state.jobs[order.job] = Job(order: order, resume: resume)
            state.schedule.admit(Ticket(job: order.job, uid: order.uid, priority: order.priority))
        }
    }

    package func cancel(_ job: JobID) { command(job, .cancel) }

    package func yield(_ job: JobID) { command(job, .yield) }

    package func prioritise(_ job: JobID, _ priority: Int) {
        locked { $0.schedule.prioritise(job, priority) }
    }

    /// Yields every job and ends the thread; returns when it has ended.
    package func quit() {
        lock.lock()
        defer { lock.unlock() }
        state.isEnding = true
        for job in state.jobs.keys where state.jobs[job]?.command == nil { state.jobs[job]?.command = .yield }
        if state.current != nil { flag.set(true) }
        lock.broadcast()
        while !state.hasEnded { lock.wait() }
    }

    private func command(_ job: JobID, _ command: Command) {
        locked { state in
            // A job that is to end may still be cancelled, but not the other way round.
            guard state.jobs[job] != nil, state.jobs[job]?.command != .cancel else { return }
            state.jobs[job]?.command = command
            if state.current == job { flag.set(true) }
        }
    }

    private func locked<Result>(_ body: (inout State) -> Result) -> Result {
        lock.lock()
        defer { lock.unlock() }
        let result = body(&state)
        lock.broadcast()
        return result
    }

    // MARK: The thread

    private enum Turn {
        case advance(JobID, Job)
        case end(JobID, Job, Command)
        case over
    }

    private func compute() {
        var last: JobID?
        while true {
            switch awaitTurn() {
            case .over:
                locked { $0.hasEnded = true }
                return
            case .end(let id, let job, let command):
                end(id, job, command)
            case .advance(let id, let job):
                if last != id {
                    // Blocks of one job are of little use to another.
                    if last != nil && Arena.idle > Self.mostIdle { Arena.trim() }
                    say(.turn(id))
                    last = id
                }
                advance(id, job)
            }
            if last != nil && locked({ $0.jobs.isEmpty }) {
                say(.turn(nil))
                last = nil
            }
        }
    }

    private static let mostIdle = 64 << 20

    /// What the thread has to do next; waits for it.
    private func awaitTurn() -> Turn {
        lock.lock()
        defer { lock.unlock() }
        while true {
            if let (id, job) = state.jobs.first(where: { $0.value.command != nil }), let command = job.command {
                state.jobs[id] = nil
                state.schedule.remove(id)
                return .end(id, job, command)
            }
            if state.isEnding { return .over }
            let dear = state.jobs.count > 1 ? self.dear : []
            if let id = state.schedule.turn(dear: dear), let job = state.jobs[id] {
                state.current = id
                flag.set(false)
                return .advance(id, job)
            }
            lock.wait()
        }
    }

    /// The jobs that would push parts out of memory.
    private var dear: Set<JobID> {
        Set(
            state.jobs.filter { $0.value.work.map { workshop.residents.evicts($0.need) } ?? false }.keys)
    }

    /// Carries one slice of a job out; what an abandoned one did is thrown away.
    private func advance(_ id: JobID, _ before: Job) {
        var job = before
        let desk = Desk(workshop)
        let start = ContinuousClock.now
        var stage: Stage?
        let outcome = Result { try flag.watched { try slice(id, &job, &stage, desk) } }
        let seconds = (ContinuousClock.now - start).inSeconds
        let isWanted = locked { state in
            state.current = nil
            state.schedule.charge(id, seconds: seconds)
            guard state.jobs[id]?.command == nil else { return false }
            job.command = nil
            state.jobs[id] = job
            return true
        }
        guard isWanted else { return }
        switch outcome {
        case .failure(let error):
            close(id)
            say(.ended(id, .failed(ErrorBody(error, at: stage))))
        case .success(let isDone):
            job.record.ran(stage, seconds)
            publish(id, desk.leaves, &job)
            if isDone {
                finish(id, job)
            } else {
                keep(id, &job)
                locked { $0.jobs[id]?.record = job.record }
            }
        }
    }

    /// One slice, and its stage as soon as it is known; whether it was the last.
    private func slice(_ id: JobID, _ job: inout Job, _ stage: inout Stage?, _ desk: Desk) throws -> Bool {
        if job.work == nil {
            guard let kind = kinds(job.order.kind) else {
                throw RequestError.unknownName(
                    param: "kind", value: job.order.kind.rawValue, allowed: JobKinds.rows.map(\.kind.kind.rawValue))
            }
            let inputs = Dictionary(
                job.order.inputs.map { ($0.blob, $0.path) }, uniquingKeysWith: { first, _ in first })
            job.work = try kind.begin(job.order.parameters, inputs, job.resume)
        }
        guard let next = job.work?.next else { return true }
        stage = next.stage
        if let progress = job.record.progress(next) { sink.offer(.progress(id, progress)) }
        try job.work?.advance(desk)
        guard !flag.isSet else { throw PipelineError.abandoned }
        return job.work?.next == nil
    }

    // MARK: What is told

    private func publish(_ id: JobID, _ leaves: [Desk.Leaf], _ job: inout Job) {
        for leaf in leaves {
            switch leaf {
            case .warning(let message): say(.warning(id, message: message.capped()))
            case .text(let text):
                for piece in text.pieces() {
                    say(.text(id, offset: job.record.textBytes, piece))
                    job.record.textBytes += piece.utf8.count
                }
            case .preview(let preview): sink.offer(.preview(id, preview))
            case .output(let output, let bytes):
                job.record.outputs = max(job.record.outputs, output.index + 1)
                say(.output(id, output), bytes)
            case .pace(let key, let seconds): workshop.paces.note(key, seconds)
            }
        }
    }

    private func finish(_ id: JobID, _ job: Job) {
        close(id)
        do {
            guard let result = try job.work?.result() else { return }
            try sink.send(.ended(id, .finished(result, outputs: job.record.outputs)))
        } catch {
            // A result with a figure that JSON does not have must not leave the daemon waiting.
            say(
                .ended(
                    id,
                    .failed(
                        ErrorBody(
                            .internalFailure, code: "result_not_sent",
                            message: "The result is lost: \(error).".capped()))))
        }
    }

    /// Hands a checkpoint over where it is due.
    private func keep(_ id: JobID, _ job: inout Job) {
        guard job.record.isCheckpointDue, let work = job.work, let slice = work.next else { return }
        let start = ContinuousClock.now
        if let point = try? work.checkpoint() {
            say(.checkpoint(id, facts: point.facts, progress: JobProgress(slice)), point.tensors)
        }
        job.record.kept(seconds: (ContinuousClock.now - start).inSeconds)
    }

    private func end(_ id: JobID, _ job: Job, _ command: Command) {
        switch command {
        case .cancel: say(.ended(id, .cancelled))
        case .yield:
            if let work = job.work, let slice = work.next, let point = try? work.checkpoint() {
                say(.checkpoint(id, facts: point.facts, progress: JobProgress(slice)), point.tensors)
            }
            say(.ended(id, .yielded))
        }
    }

    private func close(_ id: JobID) {
        locked { state in
            state.jobs[id] = nil
            state.schedule.remove(id)
        }
    }

    /// A report that cannot be sent has no reader any more; the reading thread sees the same and ends the process.
    private func say(_ report: Report, _ payload: [UInt8] = []) { try? sink.send(report, payload: payload) }
}
