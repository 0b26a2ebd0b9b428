import API
import Foundation
import JSON
import Testing
import Vocabulary
import Wire

/// Every message, with the extremes of every field.
@Suite struct MessageTests {
    private static let job = JobID("0123456789abc")
    private static let blob = Blob(sha256: String(repeating: "f", count: 64))
    private static let error = ErrorBody(
        .internalFailure, code: "c", message: "m \u{0}\u{1F34E}\n", param: "p", stage: .denoise, step: .max)
    private static let json = JSON.object([
        "a": .array([.null, .bool(true), .int(.min), .unsigned(.max), .double(0.1), .string("\u{2028}")]),
        "": .object([:]),
    ])
    private static let estimate = Estimate(memoryBytes: .max, budgetBytes: 0, seconds: 1e300)
    private static let model = ModelInfo(
        id: "m", created: .max, family: "f", kinds: [JobKind("k")], path: "/p", bytes: .max, sha256: "s",
        isDefault: true,
        defaults: ModelInfo.Defaults(
            width: 1, height: 2, steps: 3, guidance: 0.5, sampler: "s", schedule: "t", precision: .int8),
        unavailable: "u")

    private static let orders: [Order] = [
        .run(RunOrder(job: job, kind: JobKind("k"), parameters: json, uid: .max)),
        .run(
            RunOrder(
                job: job, kind: JobKind(""), parameters: .null, inputs: [InputFile(blob: blob, path: "/a b/ö")], uid: 0,
                priority: .min, resume: json)),
        .cancel(job), .yield(JobID("")), .prioritise(job, priority: .max), .ask(number: .max, .models(from: .min)),
        .ask(number: 0, .appraise(kind: JobKind("k"), parameters: json, inputs: [])), .quit,
    ]

    private static let reports: [Report] = [
        .ready(WorkerInfo(version: "v", device: "d", kernels: "k", threads: .max, budgetBytes: .max)),
        .heartbeat(work: .max), .turn(nil), .turn(job), .progress(job, JobProgress(.load)),
        .progress(job, JobProgress(.denoise, step: .min, of: .max, etaSeconds: 1e-300)),
        .warning(job, message: "w\u{0}"),
        .text(job, offset: .max, "…"),
        .preview(job, Preview(picture: .min, step: .max, of: 0, width: -1, height: 1, png: Data([0, 255]))),
        .checkpoint(job, facts: json, progress: JobProgress(.decode, step: 1, of: 2)),
        .output(
            job,
            Output(
                index: .max, format: .webp, width: .max, height: .min, bytes: .max, sha256: "x", seed: .max, url: "u")),
        .output(job, Output(index: 0, format: .png, bytes: 1, sha256: "")), .ended(job, .finished(json, outputs: .max)),
        .ended(job, .failed(error)), .ended(job, .cancelled), .ended(job, .yielded),
        .answer(number: .min, .models([model], next: .max)), .answer(number: 0, .models([], next: nil)),
        .answer(number: 1, .appraisal(Appraisal(estimate: estimate, warnings: ["w", ""]))),
        .answer(number: 2, .refusal(error)),
    ]

    @Test(arguments: orders) func `an order is read as it was written`(order: Order) throws {
        let frame = try Frame(order, payload: Data([1, 2]))
        #expect(try frame.message(Order.self) == order)
        #expect(throws: FrameError.self) { try frame.message(Report.self) }
    }

    @Test(arguments: reports) func `a report is read as it was written`(report: Report) throws {
        let frame = try Frame(report)
        #expect(try frame.message(Report.self) == report)
        #expect(throws: FrameError.self) { try frame.message(Order.self) }
    }

    @Test func `numbers without a JSON form are no message`() {
        for value in [Double.nan, .infinity, -.infinity] {
            #expect(throws: FrameError.self) {
                try Frame(Report.progress(Self.job, JobProgress(.load, etaSeconds: value)))
            }
        }
    }

    /// Cut anywhere and changed anywhere, a message is another one or an error.
    @Test(arguments: reports) func `broken messages are errors`(report: Report) throws {
        let bytes = Array(try Frame(report).json)
        for end in 0..<bytes.count {
            #expect(throws: FrameError.self) { try Frame(json: Data(bytes[..<end])).message(Report.self) }
        }
        for place in bytes.indices {
            for byte: UInt8 in [0, UInt8(ascii: "\""), UInt8(ascii: "9"), 0xFF] {
                var changed = bytes
                changed[place] = byte
                do throws(FrameError) {
                    _ = try Frame(json: Data(changed)).message(Report.self)
                } catch {
                    guard case .malformed = error else {
                        Issue.record("\(error)")
                        return
                    }
                }
            }
        }
    }

    @Test func `frames of any sizes in a row arrive in their order`() throws {
        let (a, b) = try FrameSocket.pair()
        let sender = FrameSocket(descriptor: a)
        let reader = FrameSocket(descriptor: b)
        let sizes = [0, 1, 65_535, 65_536, 1 << 20, 3]
        Thread.detachNewThread {
            for size in sizes { try? sender.send(Frame(json: Data("\(size)".utf8), payload: Data(count: size))) }
        }
        for size in sizes {
            let frame = try #require(try reader.receive())
            #expect(frame == Frame(json: Data("\(size)".utf8), payload: Data(count: size)))
        }
    }

    @Test func `what is too large for a frame is not sent in part`() throws {
        let (a, b) = try FrameSocket.pair()
        let sender = FrameSocket(descriptor: a)
        let reader = FrameSocket(descriptor: b)
        let long = Report.warning(Self.job, message: String(repeating: "x", count: Frame.Limit.json))
        #expect(throws: FrameError.self) { try sender.send(Frame(long)) }
        try sender.send(Frame(Report.turn(nil)))
        #expect(try reader.receive()?.message(Report.self) == .turn(nil))
    }
}
