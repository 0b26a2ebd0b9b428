import API
import Engine
import Foundation
import JSON
import Kinds
import Pipelines
import Testing
import Vocabulary
import Wire

/// A whole worker at the other end of a socket.
@Suite(.timeLimit(.minutes(2))) struct WorkerLoopTests {
    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
    }

    /// Runs `body` with a worker that is ready, and ends it.
    private func withWorker(_ body: (FrameSocket, WorkerInfo) throws -> Void) throws {
        let (near, far) = try FrameSocket.pair()
        let loop = WorkerLoop(folder.workshop(budgetBytes: 1 << 30), socket: FrameSocket(descriptor: far))
        let ended = DispatchSemaphore(value: 0)
        Thread.detachNewThread {
            _ = loop.run()
            ended.signal()
        }
        let socket = FrameSocket(descriptor: near)
        guard case .ready(let info) = try next(socket) else {
            Issue.record("a worker says first what it is")
            return
        }
        do {
            try body(socket, info)
            try socket.send(Frame(Order.quit))
        } catch {
            try? socket.send(Frame(Order.quit))
            throw error
        }
        // What it still says must not block it.
        Thread.detachNewThread { while (try? socket.receive()) ?? nil != nil {} }
        #expect(ended.wait(timeout: .now() + 60) == .success)
    }

    private func next(_ socket: FrameSocket) throws -> Report {
        try #require(try socket.receive()).message(Report.self)
    }

    /// The answer to question `number`; other reports are passed over.
    private func answer(_ number: Int, _ socket: FrameSocket) throws -> Answer {
        while true {
            if case .answer(number, let answer) = try next(socket) { return answer }
        }
    }

    /// Every model, page by page.
    private func models(_ socket: FrameSocket) throws -> (models: [ModelInfo], pages: Int) {
        var models: [ModelInfo] = []
        var pages = 0
        var from: Int? = 0
        while let start = from {
            try socket.send(Frame(Order.ask(number: pages, .models(from: start))))
            guard case .models(let page, let following) = try answer(pages, socket) else {
                Issue.record("no page of models")
                break
            }
            models += page
            pages += 1
            from = following
            if let following { #expect(following > start) }
        }
        return (models, pages)
    }

    private func write(_ text: String, to path: String) throws {
        let file = URL(fileURLWithPath: "\(folder.path)/\(path)")
        try FileManager.default.createDirectory(
            at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: file)
    }

    @Test func `a worker says what it is, does its jobs and ends when it is told`() throws {
        let golden = try TinyModel(TinyModel.sd1)
        try golden.write(to: "\(folder.path)/m")
        var request = golden.requests[0]
        request.model = "m"
        try withWorker { socket, info in
            #expect(info.version == lazuliVersion && info.budgetBytes == 1 << 30 && info.threads > 0)
            let order = RunOrder(job: JobID("j"), kind: Generate.kind, parameters: request.json, uid: 1)
            try socket.send(Frame(Order.run(order)))
            var files: [(Output, Data)] = []
            while true {
                let frame = try #require(try socket.receive())
                let report = try frame.message(Report.self)
                if case .output(JobID("j"), let output) = report { files.append((output, frame.payload)) }
                guard case .ended(JobID("j"), let end) = report else { continue }
                guard case .finished(_, outputs: 1) = end else {
                    Issue.record("\(end)")
                    return
                }
                break
            }
            let (output, bytes) = try #require(files.first)
            #expect(files.count == 1 && output.bytes == bytes.count && output.width == 32 && output.seed == 0)
        }
    }

    @Test func `questions are answered while a job runs`() throws {
        let golden = try TinyModel(TinyModel.sd1)
        try golden.write(to: "\(folder.path)/m")
        var request = golden.requests[0]
        (request.model, request.steps, request.width, request.height) = ("m", 200, 256, 256)
        try withWorker { socket, _ in
            let order = RunOrder(job: JobID("j"), kind: Generate.kind, parameters: request.json, uid: 1)
            try socket.send(Frame(Order.run(order)))
            try socket.send(Frame(Order.ask(number: 1, .models(from: 0))))
            guard case .models(let models, nil) = try answer(1, socket) else {
                Issue.record("no models")
                return
            }
            #expect(models.map(\.id) == ["m"] && models[0].unavailable == nil && models[0].kinds == [Generate.kind])
            try socket.send(
                Frame(Order.ask(number: 2, .appraise(kind: Generate.kind, parameters: request.json, inputs: []))))
            guard case .appraisal(let appraisal) = try answer(2, socket) else {
                Issue.record("no appraisal")
                return
            }
            #expect(appraisal.estimate.memoryBytes > 0 && appraisal.estimate.budgetBytes == 1 << 30)
            try socket.send(Frame(Order.cancel(JobID("j"))))
            while true {
                if case .ended(JobID("j"), let end) = try next(socket) {
                    #expect(end == .cancelled)
                    break
                }
            }
        }
    }

    @Test func `what cannot be carried out is refused before it is taken`() throws {
        try TinyModel(TinyModel.sd1).write(to: "\(folder.path)/m")
        let base: [String: JSON] = ["prompt": .string("p"), "model": .string("m")]
        let cases: [(String, [String: JSON], code: String)] = [
            ("dance", base, "unknown_name"), ("generate", [:], "missing"),
            ("generate", ["prompt": .string("p"), "model": .string("x")], "unknown_model"),
            ("generate", ["prompt": .string("p"), "model": .string("../m")], "unknown_model"),
            ("generate", ["width": .int(33)], "invalid_size"),
            ("generate", ["sampler": .string("x")], "invalid_sampler"),
            ("generate", ["schedule": .string("x")], "invalid_sampler"),
            ("generate", ["precision": .string("int8")], "invalid_parameter"),
        ]
        try withWorker { socket, _ in
            for (number, (kind, changes, code)) in cases.enumerated() {
                let parameters = code == "missing" ? [:] : base.merging(changes) { $1 }
                try socket.send(
                    Frame(
                        Order.ask(
                            number: number, .appraise(kind: JobKind(kind), parameters: .object(parameters), inputs: []))
                    ))
                guard case .refusal(let body) = try answer(number, socket) else {
                    Issue.record("\(kind) \(changes) was not refused")
                    continue
                }
                #expect(body.code == code, "\(kind) \(changes): \(body)")
            }
        }
    }

    // MARK: Listing

    @Test func `a folder of links to itself is looked at once`() throws {
        let index = #"{"_class_name": "StableDiffusionPipeline"}"#
        try write(index, to: "m/model_index.json")
        for number in 0..<400 {
            try FileManager.default.createSymbolicLink(
                atPath: "\(folder.path)/m/l\(number)", withDestinationPath: ".")
        }
        try write(String(repeating: "x", count: 1000), to: "m/unet/config.json")
        try withWorker { socket, _ in
            let found = try models(socket)
            #expect(found.models.map(\.id) == ["m"] && found.models[0].unavailable != nil)
            #expect(found.models[0].bytes == index.utf8.count + 1000)
        }
    }

    @Test func `a listing of any length comes in pages that fit, each model once`() throws {
        // What is written with escapes takes six times its bytes.
        let name = String(repeating: "\u{1}", count: 900)
        let text = String(decoding: JSON.object(["_class_name": .string(name)]).text(), as: UTF8.self)
        let names = (100..<400).map { "m\($0)" }
        for model in names { try write(text, to: "\(model)/model_index.json") }
        try withWorker { socket, _ in
            let found = try models(socket)
            #expect(found.models.map(\.id) == names)
            #expect(found.pages > 1)
            for past in [300, 301, Int.max] {
                try socket.send(Frame(Order.ask(number: -1, .models(from: past))))
                #expect(try answer(-1, socket) == .models([], next: nil))
            }
        }
    }

    @Test func `texts out of files are cut`() throws {
        let long = String(repeating: "é", count: 2_500_000)
        try write(#"{"_class_name": "\#(long)"}"#, to: "m/model_index.json")
        try write(
            #"{"_class_name": "StableDiffusionPipeline", "unet": ["\#(long)", "\#(long)"]}"#, to: "n/model_index.json")
        try withWorker { socket, _ in
            let (models, pages) = try models(socket)
            #expect(models.map(\.id) == ["m", "n"] && pages == 1)
            for model in models {
                #expect(model.family.utf8.count <= 1024 && model.unavailable?.utf8.count ?? 0 <= 1024)
                #expect(model.unavailable?.isEmpty == false)
            }
        }
    }

    @Test func `a model that appears, changes or goes is seen by the next who asks`() throws {
        let golden = try TinyModel(TinyModel.sd1)
        try withWorker { socket, _ in
            #expect(try models(socket).models.isEmpty)
            try golden.write(to: "\(folder.path)/m")
            Thread.sleep(forTimeInterval: 0.6)
            #expect(try models(socket).models.first?.unavailable == nil)
            #expect(try models(socket).models.count == 1)
            try write("{", to: "m/unet/config.json")
            Thread.sleep(forTimeInterval: 0.6)
            #expect(try models(socket).models.first?.unavailable != nil)
            try FileManager.default.removeItem(atPath: "\(folder.path)/m")
            Thread.sleep(forTimeInterval: 0.6)
            #expect(try models(socket).models.isEmpty)
        }
    }

    // MARK: A daemon that goes, or breaks the protocol

    @Test(arguments: [#"{"dance":{}}"#, "", "[]", "\u{0}"]) func `what is no order ends the worker`(text: String) throws
    {
        let (near, far) = try FrameSocket.pair()
        let loop = WorkerLoop(folder.workshop(), socket: FrameSocket(descriptor: far))
        let socket = FrameSocket(descriptor: near)
        try socket.send(Frame(json: Data(text.utf8)))
        #expect(!loop.run())
    }

    @Test func `a daemon that goes ends the worker`() throws {
        let (near, far) = try FrameSocket.pair()
        let loop = WorkerLoop(folder.workshop(), socket: FrameSocket(descriptor: far))
        close(near)
        #expect(!loop.run())
    }
}
