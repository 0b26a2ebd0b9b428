import API
import Foundation
import JSON
import Synchronization
import Vocabulary
import Wire

/// A worker without arithmetic, for tests of everything around one. It speaks the protocol itself, so that it can break it:
/// the words of a prompt say what happens to the job, and `LAZULI_FAKE` says what happens to the process.
///
/// Words of the prompt: a step takes 20 ms, with `slow` 200 ms and with `quick` none; `deaf` does not hear a cancel;
/// `crash` kills the process at step 2, `crash-at:N` at step N, `crash-once:PATH` unless PATH exists, and makes it; `fail`
/// fails at step 2; `warn` warns; `silent` finishes without a picture; `keep` leaves a checkpoint after every step;
/// `forgetful` cannot use one; `early` sends each picture as soon as its share of the steps is done; `tell` writes text;
/// `show` shows previews; `stuck` never ends step 2; `mute` stops the heartbeat; `shut` reads no more orders; `lie:N` tells a lie, see `Lie`;
/// `refuse`, `huge` and `unanswered` are for the appraisal.
///
/// Words of `LAZULI_FAKE`: `dies` before it is ready; `hangs` is never ready; `tongue-tied` answers no question;
/// `crash-ready` dies as soon as it was ready; `many-models:N` lists so many in pages of 100.
@main
enum FakeWorker {
    static func main() {
        let habits = ProcessInfo.processInfo.environment["LAZULI_FAKE"]?.split(separator: " ").map(String.init) ?? []
        if habits.contains("dies") { exit(3) }
        if habits.contains("hangs") { while true { sleep(1000) } }
        let mouth = Mouth(FrameSocket(descriptor: FrameSocket.workerDescriptor))
        mouth.say(.ready(WorkerInfo(version: lazuliVersion, kernels: "fake", threads: 1, budgetBytes: 1 << 30)))
        if habits.contains("crash-ready") {
            usleep(50_000)
            raise(SIGKILL)
        }
        let bench = Bench(mouth)
        Thread.detachNewThread { bench.run() }
        Thread.detachNewThread { mouth.beat() }
        listen(mouth, bench, habits)
    }

    private static func listen(_ mouth: Mouth, _ bench: Bench, _ habits: [String]) -> Never {
        do {
            while let frame = try mouth.socket.receive() {
                switch try frame.message(Order.self) {
                case .run(let order): bench.add(FakeJob(order, state: frame.payload))
                case .cancel(let id): bench.stop(id, .cancelled)
                case .yield(let id): bench.stop(id, .yielded)
                case .prioritise(let id, let priority): bench.prioritise(id, priority)
                case .ask(let number, let question):
                    guard !habits.contains("tongue-tied") else { continue }
                    if let answer = self.answer(question, habits) { mouth.say(.answer(number: number, answer)) }
                case .quit: bench.quit()
                }
                while mouth.isShut { sleep(1000) }
            }
        } catch {
            exit(1)
        }
        exit(0)
    }

    private static func answer(_ question: Question, _ habits: [String]) -> Answer? {
        switch question {
        case .models(let from):
            let count = habits.compactMap { $0.hasPrefix("many-models:") ? Int($0.dropFirst(12)) : nil }.first ?? 1
            let page = (from..<min(from + 100, count)).map { number in
                ModelInfo(
                    id: number == 0 ? "fake" : "fake-\(number)", created: 0, family: "fake", bytes: 1,
                    isDefault: number == 0)
            }
            return .models(page, next: from + 100 < count ? from + 100 : nil)
        case .appraise(_, let parameters, _):
            let words = (parameters["prompt"]?.asString ?? "").split(separator: " ")
            if words.contains("unanswered") { return nil }
            if words.contains("refuse") {
                return .refusal(
                    ErrorBody(.invalidRequest, code: "refused", message: "The fake refuses.", param: "prompt"))
            }
            return .appraisal(
                Appraisal(
                    estimate: Estimate(
                        memoryBytes: words.contains("huge") ? 2 << 30 : 1 << 20, budgetBytes: 1 << 30, seconds: 0.1)))
        }
    }
}

/// What the worker says.
final class Mouth: Sendable {
    let socket: FrameSocket
    private let work = Atomic<UInt64>(0)
    private let isMute = Atomic<Bool>(false)
    private let shut = Atomic<Bool>(false)

    init(_ socket: FrameSocket) {
        self.socket = socket
    }

    func say(_ report: Report, payload: Data = Data()) {
        guard let frame = try? Frame(report, payload: payload) else { return }
        _ = try? socket.send(frame)
    }

    func beat() {
        while true {
            if !isMute.load(ordering: .relaxed) { say(.heartbeat(work: work.load(ordering: .relaxed))) }
            usleep(100_000)
        }
    }

    func worked() { work.wrappingAdd(1, ordering: .relaxed) }
    func mute() { isMute.store(true, ordering: .relaxed) }
    func shutDoor() { shut.store(true, ordering: .relaxed) }
    var isShut: Bool { shut.load(ordering: .relaxed) }
}

/// The jobs that the worker has, and the thread that works on them step by step: highest priority, least served user, age.
final class Bench: Sendable {
    private struct State {
        var jobs: [FakeJob] = []
        var stops: [JobID: WorkEnd] = [:]
        var served: [UInt32: Int] = [:]
        var isQuitting = false
    }

    private let mouth: Mouth
    private let state = Mutex(State())

    init(_ mouth: Mouth) {
        self.mouth = mouth
    }

    func add(_ job: FakeJob) { state.withLock { $0.jobs.append(job) } }

    func stop(_ id: JobID, _ end: WorkEnd) { state.withLock { $0.stops[id] = end } }

    func prioritise(_ id: JobID, _ priority: Int) {
        state.withLock { state in
            for place in state.jobs.indices where state.jobs[place].order.job == id {
                state.jobs[place].order.priority = priority
            }
        }
    }

    func quit() {
        state.withLock { state in
            state.isQuitting = true
            for job in state.jobs { state.stops[job.order.job] = .yielded }
        }
    }

    func run() {
        var turn: JobID?
        while true {
            let (stopped, next, isDone) = state.withLock { state in
                var stopped: [(FakeJob, WorkEnd)] = []
                for (id, end) in state.stops {
                    guard let place = state.jobs.firstIndex(where: { $0.order.job == id }) else { continue }
                    if state.jobs[place].has("deaf"), end == .cancelled { continue }
                    stopped.append((state.jobs.remove(at: place), end))
                }
                state.stops = state.stops.filter { id, _ in state.jobs.contains { $0.order.job == id } }
                let order = state.jobs.indices.min { one, other in
                    let (a, b) = (state.jobs[one].order, state.jobs[other].order)
                    if a.priority != b.priority { return a.priority > b.priority }
                    let (x, y) = (state.served[a.uid] ?? 0, state.served[b.uid] ?? 0)
                    return x != y ? x < y : one < other
                }
                let next = order.map { state.jobs[$0] }
                if let next { state.served[next.order.uid, default: 0] += 1 }
                return (stopped, next, state.isQuitting && state.jobs.isEmpty)
            }
            for (job, end) in stopped {
                if end == .yielded { job.keep(mouth) }
                mouth.say(.ended(job.order.job, end))
            }
            if isDone { exit(0) }
            if next?.order.job != turn {
                turn = next?.order.job
                mouth.say(.turn(turn))
            }
            guard var job = next else {
                usleep(2000)
                continue
            }
            let end = job.advance(mouth)
            mouth.worked()
            state.withLock { state in
                guard let place = state.jobs.firstIndex(where: { $0.order.job == job.order.job }) else { return }
                job.order.priority = state.jobs[place].order.priority
                if end == nil { state.jobs[place] = job } else { state.jobs.remove(at: place) }
            }
            if let end {
                mouth.say(.ended(job.order.job, end))
                turn = nil
            }
        }
    }
}
