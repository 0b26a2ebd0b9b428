import API
import Digests
import Foundation
import JSON
import Vocabulary
import Wire

/// A job under way. Its state is a number that every step changes, so that a step left out or made twice shows in the
/// picture of a job with the word `keep`.
struct FakeJob: Sendable {
    var order: RunOrder
    private let words: [String]
    private let steps: Int
    private let count: Int
    private var step = 0
    private var sent = 0
    private var written = 0
    private var state: UInt64

    init(_ order: RunOrder, state bytes: Data) {
        self.order = order
        words = (order.parameters["prompt"]?.asString ?? "").split(separator: " ").map(String.init)
        steps = order.parameters["steps"]?.asInt ?? 3
        count = order.parameters["count"]?.asInt ?? 1
        state = order.parameters["seed"]?.asUInt64 ?? 0
        guard let facts = order.resume, !words.contains("forgetful"), facts["steps"]?.asInt == steps,
            let step = facts["step"]?.asInt, let sent = facts["sent"]?.asInt, bytes.count == 8
        else { return }
        self.step = step
        self.sent = sent
        written = facts["written"]?.asInt ?? 0
        state = bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }

    func has(_ word: String) -> Bool { words.contains(word) }

    private func argument(_ word: String) -> String? {
        words.first { $0.hasPrefix("\(word):") }.map { String($0.dropFirst(word.count + 1)) }
    }

    /// Makes one step; returns how the job ended, if it did.
    mutating func advance(_ mouth: Mouth) -> WorkEnd? {
        if step == 0 { begin(mouth) }
        guard order.parameters["prompt"]?.asString != nil else {
            return .failed(ErrorBody(.invalidRequest, code: "missing", message: "There is no prompt."))
        }
        if step < steps {
            if !has("quick") { usleep(has("slow") ? 200_000 : 20_000) }
            step += 1
            state = state &* 6_364_136_223_846_793_005 &+ UInt64(step)
            if let end = misbehave(mouth) { return end }
            mouth.say(.progress(order.job, JobProgress(.denoise, step: step, of: steps)))
            if has("tell") {
                let word = "step \(step) ✓ "
                mouth.say(.text(order.job, offset: written, word))
                written += word.utf8.count
            }
            if has("show") { mouth.say(.preview(order.job, preview)) }
            if has("early") { send(upTo: step * count / steps, mouth) }
            if has("keep") { keep(mouth) }
            return nil
        }
        if has("silent") { return .finished(result, outputs: count) }
        send(upTo: count, mouth)
        return .finished(result, outputs: count)
    }

    /// Leaves a checkpoint.
    func keep(_ mouth: Mouth) {
        guard has("keep"), step > 0 else { return }
        let facts = JSON.object([
            "steps": .int(steps), "step": .int(step), "sent": .int(sent), "written": .int(written),
        ])
        let bytes = (0..<8).map { UInt8(truncatingIfNeeded: state >> (8 * UInt64($0))) }
        mouth.say(
            .checkpoint(order.job, facts: facts, progress: JobProgress(.denoise, step: step, of: steps)),
            payload: Data(bytes))
    }

    private func begin(_ mouth: Mouth) {
        mouth.say(.progress(order.job, JobProgress(.load)))
        mouth.say(.progress(order.job, JobProgress(.encode)))
        if has("warn") { mouth.say(.warning(order.job, message: "This is a test.")) }
        if has("mute") { mouth.mute() }
        if has("shut") { mouth.shutDoor() }
    }

    private mutating func send(upTo end: Int, _ mouth: Mouth) {
        while sent < end {
            let (bytes, output) = picture(sent)
            mouth.say(.output(order.job, output), payload: bytes)
            sent += 1
        }
    }

    /// One that the judge takes: it looks at the beginning alone.
    var preview: Preview {
        let bytes: [UInt8] = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, UInt8(truncatingIfNeeded: step)]
        return Preview(picture: 0, step: step, of: steps, width: 8, height: 8, png: Data(bytes))
    }

    func picture(_ index: Int) -> (bytes: Data, output: Output) {
        let format = ImageFormat(rawValue: order.parameters["format"]?.asString ?? "") ?? .png
        let seed = (order.parameters["seed"]?.asUInt64 ?? 0) &+ UInt64(index)
        let prompt = order.parameters["prompt"]?.asString ?? ""
        var text = "\(format.rawValue) of \(prompt), seed \(seed)"
        // Early pictures are made before the last step.
        if has("keep"), !has("early") { text += ", state \(state)" }
        let bytes = Data(text.utf8)
        return (
            bytes,
            Output(
                index: index, format: format, width: order.parameters["width"]?.asInt ?? 8,
                height: order.parameters["height"]?.asInt ?? 8, bytes: bytes.count,
                sha256: SHA256.hexadecimal(of: bytes), seed: seed)
        )
    }

    private var result: JSON {
        .object([
            "model": .string("fake"), "device": .string("cpu"), "kernels": .string("fake"), "threads": .int(1),
            "prompt_tokens": .int(words.count), "seconds": .object(["denoise": .double(0.1)]),
            "peak_memory_bytes": .int(1), "parameters": order.parameters,
        ])
    }

    private func misbehave(_ mouth: Mouth) -> WorkEnd? {
        if let place = argument("crash-at").flatMap(Int.init), step == place { raise(SIGKILL) }
        if step == 1, let number = argument("lie").flatMap(Int.init), Lie.all.indices.contains(number) {
            Lie.all[number].tell(self, mouth)
        }
        guard step == 2 else { return nil }
        if has("crash") { raise(SIGKILL) }
        if has("stuck") { while true { sleep(1000) } }
        if has("fail") {
            return .failed(
                ErrorBody(
                    .internalFailure, code: "not_finite", message: "A value is not finite.", stage: .denoise, step: 2))
        }
        if let marker = argument("crash-once"), access(marker, F_OK) != 0 {
            close(open(marker, O_WRONLY | O_CREAT, 0o600))
            raise(SIGKILL)
        }
        return nil
    }
}
