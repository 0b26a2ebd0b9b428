import API
import Foundation
import Wire

/// A worker without arithmetic, for tests: the prompt says what happens, the picture is the request as text.
///
/// Words of the prompt: `steps` that take 20 ms each are the default; `slow` takes 200 ms each; `deaf` does not hear a
/// cancel; `crash` kills the process at step 2; `crash-once:PATH` does so unless PATH exists, and makes it; `fail`
/// throws at step 2; `warn` warns; `silent` finishes without a picture.
@main
enum FakeWorker {
    static func main() {
        WorkerLoop.serve(FakeExecutor())
    }
}

struct FakeExecutor: JobExecutor {
    let info = WorkerInfo(version: lazuliVersion, kernels: "fake", threads: 1)

    func models() throws(ErrorBody) -> [ModelInfo] {
        [ModelInfo(id: "fake", created: 0, family: "fake", bytes: 1, isDefault: true)]
    }

    func run(
        _ request: GenerateRequest, report: (ExecutionEvent) -> Void, isCancelled: () -> Bool
    ) throws(ExecutionError) -> GenerateResult {
        let words = request.prompt.split(separator: " ").map(String.init)
        let steps = request.steps ?? 3
        report(.progress(JobProgress(.load)))
        report(.progress(JobProgress(.encode)))
        if words.contains("warn") { report(.warning("This is a test.")) }
        for step in 1...steps {
            if isCancelled(), !words.contains("deaf") { throw .cancelled }
            usleep(words.contains("slow") ? 200_000 : 20_000)
            if step == 2 { try misbehave(words) }
            report(.progress(JobProgress(.denoise, step: step, of: steps)))
        }
        for index in 0..<(words.contains("silent") ? 0 : request.count) {
            let seed = (request.seed ?? 0) + UInt64(index)
            let bytes = Data("\(request.format.rawValue) of \(request.prompt), seed \(seed)".utf8)
            let image = EncodedImage(
                index: index, format: request.format, width: request.width ?? 8, height: request.height ?? 8, seed: seed
            )
            report(.image(image, bytes: bytes))
        }
        return GenerateResult(
            model: "fake", kernels: "fake", threads: 1, promptTokens: words.count, seconds: [.denoise: 0.1],
            peakMemoryBytes: 1, parameters: request)
    }

    private func misbehave(_ words: [String]) throws(ExecutionError) {
        for word in words {
            if word == "crash" { raise(SIGKILL) }
            if word == "fail" {
                throw .failed(
                    ErrorBody(
                        .internalFailure, code: "not_finite", message: "A value is not finite.", stage: .denoise,
                        step: 2))
            }
            if word.hasPrefix("crash-once:") {
                let marker = String(word.dropFirst("crash-once:".count))
                if !FileManager.default.fileExists(atPath: marker) {
                    _ = FileManager.default.createFile(atPath: marker, contents: nil)
                    raise(SIGKILL)
                }
            }
        }
    }
}
