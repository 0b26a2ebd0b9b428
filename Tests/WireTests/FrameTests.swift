import API
import Foundation
import Testing
import Wire

@Suite struct FrameTests {
    private func sockets() throws -> (FrameSocket, FrameSocket) {
        let (a, b) = try FrameSocket.pair()
        return (FrameSocket(descriptor: a), FrameSocket(descriptor: b))
    }

    @Test(arguments: [0, 1, 7, 8, 9, 100_000])
    func `a frame arrives as it was sent`(payload: Int) throws {
        let (a, b) = try sockets()
        let frame = Frame(json: Data("{}".utf8), payload: Data(repeating: 7, count: payload))
        try a.send(frame)
        try a.send(frame)
        #expect(try b.receive() == frame)
        #expect(try b.receive() == frame)
    }

    @Test func `messages keep their contents`() throws {
        let order = Order.run(job: "j", attempt: 2, request: GenerateRequest(prompt: "p", seed: .max))
        #expect(try Frame(order).message(Order.self) == order)
        let report = Report.image(
            job: "j", EncodedImage(index: 3, format: .jpeg, width: 2, height: 1, seed: .max))
        #expect(try Frame(report).message(Report.self) == report)
        #expect(throws: FrameError.self) { try Frame(report).message(Order.self) }
    }

    @Test func `a closed peer is an end between frames and an error within one`() throws {
        var (a, b): (FrameSocket?, FrameSocket) = try sockets()
        try a?.send(Frame(json: Data("{}".utf8)))
        a = nil
        #expect(try b.receive() != nil)
        #expect(try b.receive() == nil)

        let (raw, end) = try FrameSocket.pair()
        let reader = FrameSocket(descriptor: end)
        let bytes = try Frame(json: Data("{}".utf8)).encoded()
        #expect(write(raw, Array(bytes), 9) == 9)
        close(raw)
        #expect(throws: FrameError.truncated) { try reader.receive() }
    }

    @Test func `a header that promises too much is refused before it is read`() throws {
        let (raw, end) = try FrameSocket.pair()
        defer { close(raw) }
        let reader = FrameSocket(descriptor: end)
        #expect(write(raw, [UInt8](repeating: 0xff, count: 8), 8) == 8)
        #expect(throws: FrameError.tooLong(bytes: 0xffff_ffff, limit: Frame.Limit.json)) { try reader.receive() }
    }

    @Test func `an offer to a peer that does not read is dropped, not waited for`() throws {
        let (a, b) = try sockets()
        let frame = try Frame(Report.progress(job: "j", JobProgress(.denoise, step: 1, of: 2)))
        var taken = 0
        while try a.offer(frame) { taken += 1 }
        #expect(taken > 10)
        #expect(try b.receive() == frame)
    }
}

@Suite struct WorkerLoopTests {
    /// Runs as many steps as asked, until cancelled.
    private struct Steps: JobExecutor {
        let info = WorkerInfo(version: "1", kernels: "none", threads: 1)

        func models() throws(ErrorBody) -> [ModelInfo] {
            throw ErrorBody(.internalFailure, code: "none", message: "none")
        }

        func run(
            _ request: GenerateRequest, report: (ExecutionEvent) -> Void, isCancelled: () -> Bool
        ) throws(ExecutionError) -> GenerateResult {
            let steps = request.steps ?? 1
            for step in 1...steps {
                if isCancelled() { throw .cancelled }
                report(.progress(JobProgress(.denoise, step: step, of: steps)))
                if request.prompt == "slow" { usleep(1000) }
            }
            return GenerateResult(
                model: "m", kernels: "none", threads: 1, promptTokens: 1,
                seconds: request.prompt == "nan" ? [.denoise: .nan] : [:], peakMemoryBytes: 1, parameters: request)
        }
    }

    private func start() throws -> FrameSocket {
        let (a, b) = try FrameSocket.pair()
        let loop = WorkerLoop(executor: Steps(), socket: FrameSocket(descriptor: b))
        Thread { _ = loop.run() }.start()
        return FrameSocket(descriptor: a)
    }

    private func next(_ socket: FrameSocket) throws -> Report {
        try #require(try socket.receive()).message(Report.self)
    }

    @Test func `a job ends with its result, and progress in between is thinned out but complete at the end`() throws {
        let socket = try start()
        #expect(try next(socket) == .ready(WorkerInfo(version: "1", kernels: "none", threads: 1)))
        try socket.send(Frame(Order.run(job: "j", attempt: 1, request: GenerateRequest(prompt: "p", steps: 10_000))))
        var reports: [Report] = []
        while true {
            let report = try next(socket)
            if case .finished = report { break }
            reports.append(report)
        }
        #expect(reports.count < 200)
        #expect(reports.last == .progress(job: "j", JobProgress(.denoise, step: 10_000, of: 10_000)))
        try socket.send(Frame(Order.quit))
    }

    @Test func `a cancel reaches the job it names and no other`() throws {
        let socket = try start()
        _ = try next(socket)
        let request = GenerateRequest(prompt: "slow", steps: 1000)
        try socket.send(Frame(Order.run(job: "a", attempt: 1, request: request)))
        try socket.send(Frame(Order.cancel(job: "b")))
        try socket.send(Frame(Order.run(job: "c", attempt: 1, request: request)))
        var report = try next(socket)
        while case .progress = report { report = try next(socket) }
        guard case .failed("c", let error) = report else {
            Issue.record("expected a refusal of c, got \(report)")
            return
        }
        #expect(error.code == "worker_busy")
        try socket.send(Frame(Order.cancel(job: "a")))
        while case .progress = report { report = try next(socket) }
        repeat { report = try next(socket) } while report != .cancelled(job: "a")
        try socket.send(Frame(Order.quit))
    }

    @Test func `a result that has no JSON form is a failure, not silence`() throws {
        let socket = try start()
        _ = try next(socket)
        try socket.send(Frame(Order.run(job: "a", attempt: 1, request: GenerateRequest(prompt: "nan"))))
        _ = try next(socket)
        guard case .failed("a", let error) = try next(socket) else {
            Issue.record("expected a failure")
            return
        }
        #expect(error.code == "result_not_sent")
        try socket.send(Frame(Order.quit))
    }

    @Test func `models are answered during a job`() throws {
        let socket = try start()
        _ = try next(socket)
        try socket.send(
            Frame(Order.run(job: "a", attempt: 1, request: GenerateRequest(prompt: "slow", steps: 1000))))
        try socket.send(Frame(Order.listModels(number: 4)))
        var report = try next(socket)
        while case .progress = report { report = try next(socket) }
        guard case .modelsFailed(4, _) = report else {
            Issue.record("expected the answer about models, got \(report)")
            return
        }
        try socket.send(Frame(Order.quit))
    }
}
