import API
import Foundation
import JSON
import Testing
import Vocabulary
import Wire

/// Messages of random content.
@Suite struct RandomMessageTests {
    /// A generator with a seed, so that a failure can be seen again.
    struct Generator: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return state ^ state >> 29
        }

        mutating func text() -> String {
            let scalars: [Unicode.Scalar] = [
                "a", "\"", "\\", "\u{0}", "\n", "é", "\u{2028}", "\u{1F34E}", "\u{10FFFF}", "/",
            ]
            let count = Int.random(in: 0...12, using: &self)
            return String(
                String.UnicodeScalarView((0..<count).map { _ in scalars[Int.random(in: 0..<10, using: &self)] }))
        }

        mutating func integer() -> Int {
            [0, 1, -1, .max, .min, 1 << 53 + 1, Int.random(in: -1000...1000, using: &self)]
                .randomElement(using: &self) ?? 0
        }

        mutating func json(_ depth: Int = 4) -> JSON {
            switch Int.random(in: 0..<(depth > 0 ? 8 : 6), using: &self) {
            case 0: .null
            case 1: .bool(Bool.random(using: &self))
            case 2: .int(integer())
            case 3: .unsigned(UInt64.random(in: UInt64(Int.max) + 1 ... .max, using: &self))
            // A coder may write a whole one as an integer.
            case 4: .double(Double(Int.random(in: -1 << 40...1 << 40, using: &self)) + 0.5)
            case 5: .string(text())
            case 6: .array((0..<Int.random(in: 0...3, using: &self)).map { _ in json(depth - 1) })
            default:
                .object(
                    Dictionary(
                        (0..<Int.random(in: 0...3, using: &self)).map { _ in (text(), json(depth - 1)) },
                        uniquingKeysWith: { first, _ in first }))
            }
        }

        mutating func optional<Value>(_ body: (inout Generator) -> Value) -> Value? {
            Bool.random(using: &self) ? body(&self) : nil
        }

        mutating func stage() -> Stage { Stage.allCases.randomElement(using: &self) ?? .load }

        mutating func progress() -> JobProgress {
            JobProgress(stage(), step: integer(), of: integer(), etaSeconds: optional { Double($0.integer()) })
        }

        mutating func error() -> ErrorBody {
            ErrorBody(
                .conflict, code: text(), message: text(), param: optional { $0.text() }, stage: optional { $0.stage() },
                step: optional { $0.integer() })
        }

        mutating func output() -> Output {
            Output(
                index: integer(), format: ImageFormat.allCases.randomElement(using: &self) ?? .png,
                width: optional { $0.integer() }, height: optional { $0.integer() }, bytes: integer(), sha256: text(),
                seed: optional { $0.next() }, url: optional { $0.text() })
        }

        mutating func order() -> Order {
            switch Int.random(in: 0..<5, using: &self) {
            case 0:
                .run(
                    RunOrder(
                        job: JobID(text()), kind: JobKind(text()), parameters: json(),
                        inputs: (0..<Int.random(in: 0...2, using: &self)).map { _ in
                            InputFile(blob: Blob(sha256: text()), path: text())
                        }, uid: UInt32.random(in: .min ... .max, using: &self), priority: integer(),
                        resume: optional {
                            $0.json() == .null ? .int(1) : $0.json(1) == .null ? .int(2) : .string($0.text())
                        }
                    ))
            case 1: .cancel(JobID(text()))
            case 2: .prioritise(JobID(text()), priority: integer())
            case 3: .ask(number: integer(), .models(from: integer()))
            default: .ask(number: integer(), .appraise(kind: JobKind(text()), parameters: json(), inputs: []))
            }
        }

        mutating func report() -> Report {
            switch Int.random(in: 0..<10, using: &self) {
            case 0:
                .ready(
                    WorkerInfo(
                        version: text(), device: text(), kernels: text(), threads: integer(), budgetBytes: integer()))
            case 1: .heartbeat(work: next())
            case 2: .turn(optional { JobID($0.text()) })
            case 3: .progress(JobID(text()), progress())
            case 4: .text(JobID(text()), offset: integer(), text())
            case 5: .checkpoint(JobID(text()), facts: json(), progress: progress())
            case 6: .output(JobID(text()), output())
            case 7:
                .ended(
                    JobID(text()), Bool.random(using: &self) ? .failed(error()) : .finished(json(), outputs: integer()))
            case 8:
                .preview(
                    JobID(text()),
                    Preview(
                        picture: integer(), step: integer(), of: integer(), width: integer(), height: integer(),
                        png: Data(text().utf8)))
            default: .answer(number: integer(), .refusal(error()))
            }
        }
    }

    @Test(arguments: 1...10) func `what is sent arrives, whatever it says`(seed: UInt64) throws {
        var generator = Generator(state: seed)
        let (near, far) = try FrameSocket.pair()
        let (sender, reader) = (FrameSocket(descriptor: near), FrameSocket(descriptor: far))
        for _ in 0..<200 {
            let payload = Data((0..<Int.random(in: 0...99, using: &generator)).map { UInt8($0) })
            let (order, report) = (generator.order(), generator.report())
            try sender.send(Frame(order, payload: payload))
            try sender.send(Frame(report, payload: payload))
            let first = try #require(try reader.receive())
            let second = try #require(try reader.receive())
            #expect(try first.message(Order.self) == order && first.payload == payload)
            #expect(try second.message(Report.self) == report && second.payload == payload)
        }
    }

    /// A frame that ends anywhere before its end is an error, and one that ends nowhere is none.
    @Test func `a frame that is cut anywhere is told from the end`() throws {
        let bytes = Array(try Frame(Report.turn(JobID("j")), payload: Data([1, 2, 3])).encoded())
        for length in 0...bytes.count {
            let (raw, end) = try FrameSocket.pair()
            let reader = FrameSocket(descriptor: end)
            #expect(write(raw, bytes, length) == length)
            close(raw)
            switch length {
            case 0: #expect(try reader.receive() == nil)
            case bytes.count: #expect(try reader.receive()?.payload == Data([1, 2, 3]))
            default: #expect(throws: FrameError.truncated) { try reader.receive() }
            }
        }
    }

    @Test(arguments: [
        (Frame.Limit.json + 1, 0), (0, Frame.Limit.payload + 1), (Int(UInt32.max), 0), (0, Int(UInt32.max)),
        (Frame.Limit.json + 1, Frame.Limit.payload + 1),
    ]) func `lengths over the limits are refused by name`(json: Int, payload: Int) throws {
        let (raw, end) = try FrameSocket.pair()
        defer { close(raw) }
        let reader = FrameSocket(descriptor: end)
        let header = [json, payload].flatMap { length in
            stride(from: 0, to: 32, by: 8).map { UInt8(truncatingIfNeeded: length >> $0) }
        }
        #expect(write(raw, header, 8) == 8)
        let wanted: FrameError =
            json > Frame.Limit.json
            ? .tooLong(bytes: json, limit: Frame.Limit.json) : .tooLong(bytes: payload, limit: Frame.Limit.payload)
        #expect(throws: wanted) { try reader.receive() }
    }
}
