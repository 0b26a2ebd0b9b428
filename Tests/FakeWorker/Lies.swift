import API
import Digests
import Foundation
import JSON
import Vocabulary
import Wire

/// A false word about every field of every message. `lie:N` of a prompt tells number N at the job's first step.
package struct Lie: Sendable {
    package var name: String
    var tell: @Sendable (FakeJob, Mouth) -> Void

    package static let all: [Lie] = progress + texts + previews + files + checkpoints + ends + process + frames

    private init(_ name: String, _ tell: @escaping @Sendable (FakeJob, Mouth) -> Void) {
        self.name = name
        self.tell = tell
    }

    private static let extremes = [Int.min, -1, Int.max]

    private static let progress: [Lie] =
        extremes.map { value in
            Lie("step \(value)") { $1.say(.progress($0.order.job, JobProgress(.denoise, step: value, of: 3))) }
        }
        + extremes.map { value in
            Lie("steps \(value)") { $1.say(.progress($0.order.job, JobProgress(.denoise, step: 1, of: value))) }
        }
        + [-1, 1e300].map { (value: Double) in
            Lie("eta \(value)") {
                $1.say(.progress($0.order.job, JobProgress(.denoise, step: 1, of: 3, etaSeconds: value)))
            }
        } + [
            Lie("progress of nobody") { $1.say(.progress(JobID("nosuchjob0000"), JobProgress(.load))) },
            Lie("progress with a payload") {
                $1.say(.progress($0.order.job, JobProgress(.load)), payload: Data([1]))
            },
        ]

    private static let texts: [Lie] =
        [Int.min, -1, 1, Int.max].map { offset in
            Lie("text at \(offset)") { $1.say(.text($0.order.job, offset: offset, "x")) }
        } + [
            Lie("half a character given up") {
                $1.say(.text($0.order.job, offset: 0, "é"))
                $1.say(.text($0.order.job, offset: 1, "x"))
            },
            Lie("too much text") {
                $1.say(.text($0.order.job, offset: 0, String(repeating: "x", count: 2 << 20)))
            },
            Lie("text of nobody") { $1.say(.text(JobID(""), offset: 0, "x")) },
            Lie("a warning of nobody") {
                $1.say(.warning(JobID(String(repeating: "j", count: 100_000)), message: "x"))
            },
        ]

    private static let previews: [Lie] =
        [
            preview("step -1") { $0.step = -1 }, preview("a step beyond the last") { $0.step = $0.steps + 1 },
            preview("too many steps") { $0.steps = .max }, preview("number -1") { $0.picture = -1 },
            preview("a number too high") { $0.picture = .max }, preview("no width") { $0.width = 0 },
            preview("a height too high") { $0.height = .max }, preview("no bytes") { $0.png = Data() },
            preview("no PNG") { $0.png = Data([1, 2, 3]) },
            preview("too many bytes") { $0.png += Data(count: 2 << 20) },
            Lie("a preview of nobody") { $1.say(.preview(JobID("nosuchjob0000"), $0.preview)) },
            Lie("a preview with a payload") { $1.say(.preview($0.order.job, $0.preview), payload: Data([1])) },
        ]

    private static func preview(_ name: String, _ change: @escaping @Sendable (inout Preview) -> Void) -> Lie {
        Lie("a preview of \(name)") { job, mouth in
            var preview = job.preview
            change(&preview)
            mouth.say(.preview(job.order.job, preview))
        }
    }

    private static func file(_ name: String, _ change: @escaping @Sendable (inout Output) -> Void) -> Lie {
        Lie("a file with \(name)") { job, mouth in
            var (bytes, output) = job.picture(0)
            change(&output)
            mouth.say(.output(job.order.job, output), payload: bytes)
        }
    }

    private static let files: [Lie] =
        extremes.map { value in file("index \(value)") { $0.index = value } }
        + extremes.map { value in file("bytes \(value)") { $0.bytes = value } }
        + [Int.min, 0, Int.max].map { (value: Int) in file("width \(value)") { $0.width = value } }
        + [Int.min, 0, Int.max].map { (value: Int) in file("height \(value)") { $0.height = value } }
        + [
            file("one side") { $0.width = nil },
            file("a false SHA-256") { $0.sha256 = String(repeating: "0", count: 64) },
            file("a huge SHA-256") { $0.sha256 = String(repeating: "0", count: 1 << 20) },
            file("an address") { $0.url = "/etc/passwd" },
            Lie("an empty file") { job, mouth in
                var (_, output) = job.picture(0)
                output.bytes = 0
                mouth.say(.output(job.order.job, output))
            },
            Lie("a JPEG that is called PNG") { job, mouth in
                let bytes = Data([0xff, 0xd8, 0xff, 0xe0])
                var (_, output) = job.picture(0)
                output.format = .png
                output.bytes = bytes.count
                output.sha256 = SHA256.hexadecimal(of: bytes)
                mouth.say(.output(job.order.job, output), payload: bytes)
            },
            Lie("a file twice") { job, mouth in
                let (bytes, output) = job.picture(0)
                for _ in 0..<2 { mouth.say(.output(job.order.job, output), payload: bytes) }
            },
            Lie("a file of nobody") { job, mouth in
                let (bytes, output) = job.picture(0)
                mouth.say(.output(JobID("../../../etc"), output), payload: bytes)
            },
        ]

    private static let checkpoints: [Lie] = [
        Lie("a checkpoint at step -1") {
            $1.say(.checkpoint($0.order.job, facts: .null, progress: JobProgress(.denoise, step: -1, of: 3)))
        },
        Lie("a checkpoint with huge facts") {
            $1.say(
                .checkpoint(
                    $0.order.job, facts: .string(String(repeating: "x", count: 1 << 20)),
                    progress: JobProgress(.denoise, step: 1, of: 3)))
        },
        Lie("a checkpoint of nobody") {
            $1.say(.checkpoint(JobID("nosuchjob0000"), facts: .null, progress: JobProgress(.load)))
        },
    ]

    private static let ends: [Lie] =
        extremes.map { count in
            Lie("finished with \(count) files") { $1.say(.ended($0.order.job, .finished(.null, outputs: count))) }
        } + [
            Lie("a huge result") {
                $1.say(.ended($0.order.job, .finished(.string(String(repeating: "x", count: 2 << 20)), outputs: 0)))
            },
            Lie("cancelled unasked") { $1.say(.ended($0.order.job, .cancelled)) },
            Lie("yielded unasked") { $1.say(.ended($0.order.job, .yielded)) },
            Lie("the end of nobody") { $1.say(.ended(JobID("nosuchjob0000"), .cancelled)) },
            Lie("two ends") {
                for _ in 0..<2 {
                    $1.say(.ended($0.order.job, .failed(ErrorBody(.internalFailure, code: "x", message: "x"))))
                }
            },
            Lie("a failure of huge words") {
                let long = String(repeating: "ü", count: 1 << 20)
                $1.say(
                    .ended(
                        $0.order.job,
                        .failed(
                            ErrorBody(.internalFailure, code: long, message: long, param: long, step: .min))))
            },
        ]

    private static let process: [Lie] =
        [
            Lie("ready twice") {
                $1.say(.ready(WorkerInfo(version: "1", kernels: "fake", threads: 1, budgetBytes: 1)))
            },
            Lie("the turn of nobody") { $1.say(.turn(JobID("nosuchjob0000"))) },
            Lie("work that shrinks") {
                $1.say(.heartbeat(work: .max))
                $1.say(.heartbeat(work: 0))
            },
        ]
        + extremes.map { number in
            Lie("an answer to \(number)") { $1.say(.answer(number: number, .models([], next: nil))) }
        }

    private static func raw(_ name: String, _ json: String) -> Lie {
        Lie(name) { job, mouth in
            let text = json.replacingOccurrences(of: "JOB", with: job.order.job.rawValue)
            _ = try? mouth.socket.send(Frame(json: Data(text.utf8)))
        }
    }

    private static let frames: [Lie] = [
        raw("no JSON", "{"),
        raw("an unknown message", #"{"sing": {"_0": "JOB"}}"#),
        raw("an unknown stage", #"{"progress": {"_0": "JOB", "_1": {"stage": "dream", "step": 0, "steps": 0}}}"#),
        raw("a number beyond all", #"{"progress": {"_0": "JOB", "_1": {"stage": "load", "step": 1e400, "steps": 0}}}"#),
        raw("no number", #"{"progress": {"_0": "JOB", "_1": {"stage": "load", "step": NaN, "steps": 0}}}"#),
        raw("a depth without end", String(repeating: "[", count: 100_000)),
        Lie("a file of an unknown format") { job, mouth in
            let output = #"{"index":0,"format":"bmp","bytes":1,"sha256":"0"}"#
            let text = #"{"output": {"_0": "\#(job.order.job)", "_1": \#(output)}}"#
            _ = try? mouth.socket.send(Frame(json: Data(text.utf8), payload: Data([1])))
        },
        Lie("a flood of progress") { job, mouth in
            for step in 0..<20_000 {
                mouth.say(.progress(job.order.job, JobProgress(.denoise, step: step % 3, of: 3)))
            }
        },
        Lie("a flood of warnings") { job, mouth in
            let long = String(repeating: "w", count: 10_000)
            for _ in 0..<1000 { mouth.say(.warning(job.order.job, message: long)) }
        },
        Lie("a header without an end") { _, _ in
            let header = [UInt8](repeating: 0xff, count: 8)
            _ = write(FrameSocket.workerDescriptor, header, header.count)
        },
    ]
}
