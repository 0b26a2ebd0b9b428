// What a worker process does: keeps a model resident and turns requests into files.

package import API
import FoundationEssentials
package import Pipelines
import Schedulers
import Synchronization
import Tensor
package import Wire

/// The arithmetic behind a worker.
package final class Engine: JobExecutor {
    private struct Resident: Sendable {
        let name: String
        let precision: ModelPrecision
        let model: TextToImage
        let fingerprint: String
    }

    package let info: WorkerInfo
    private let registry: Registry
    /// The model that was used last: the next job most often wants it again.
    private let resident = Mutex<Resident?>(nil)

    /// An engine over the models of `catalog`.
    package init(_ catalog: ModelCatalog) {
        registry = Registry(catalog)
        info = WorkerInfo(version: lazuliVersion, kernels: Kernels.name, threads: Kernels.threads)
    }

    package func models() throws(ErrorBody) -> [ModelInfo] {
        registry.catalog.entries.map { ModelInfo($0, isDefault: $0.name == Registry.defaultModel) }
    }

    package func run(
        _ request: GenerateRequest, report: (ExecutionEvent) -> Void, isCancelled: () -> Bool
    ) throws(ExecutionError) -> GenerateResult {
        do {
            return try generate(request, report, isCancelled)
        } catch PipelineError.cancelled {
            throw .cancelled
        } catch {
            throw .failed(ErrorBody(error))
        }
    }

    private func generate(
        _ request: GenerateRequest, _ report: (ExecutionEvent) -> Void, _ isCancelled: () -> Bool
    ) throws -> GenerateResult {
        var times = StageTimes()
        func check() throws { if isCancelled() { throw PipelineError.cancelled } }

        report(.progress(JobProgress(.load)))
        let current = try times.measure(.load) { try load(request) }
        try check()
        report(.progress(JobProgress(.encode)))
        let plan = try times.measure(.encode) { try current.model.plan(TextToImage.Request(request)) }
        for parameter in plan.ignored {
            report(.warning("\(parameter) has no effect with the sampler \(plan.sampler.rawValue)"))
        }
        if let cut = plan.prompt.truncatedText {
            report(
                .warning(
                    "the prompt has \(plan.prompt.tokens) tokens of at most \(plan.prompt.limit); not read: \(cut)"))
        }
        let resolved = GenerateRequest(request, plan, model: current.name, precision: current.precision)
        for index in 0..<resolved.count {
            try check()
            try draw(index, of: resolved, plan, current, &times, report, check)
        }
        return GenerateResult(
            model: current.name, modelSHA256: current.fingerprint, kernels: info.kernels, threads: info.threads,
            promptTokens: plan.prompt.tokens, truncatedText: plan.prompt.truncatedText, seconds: times.seconds,
            peakMemoryBytes: residentPeakBytes(), parameters: resolved)
    }

    /// Draws and encodes picture `index`, whose seed is the job's plus `index`.
    private func draw(
        _ index: Int, of request: GenerateRequest, _ plan: TextToImage.Plan, _ current: Resident,
        _ times: inout StageTimes, _ report: (ExecutionEvent) -> Void, _ check: () throws -> Void
    ) throws {
        let seed = (request.seed ?? 0) &+ UInt64(index)
        let steps = plan.rows * request.count
        let clock = StepClock(steps: steps)
        let started = ContinuousClock.now
        var decoding: ContinuousClock.Instant?
        let pixels = try current.model.draw(plan, seed: seed, from: RandomOrigin(request.rng)) { progress in
            try check()
            let done = index * plan.rows + progress.step
            if progress.stage == .decode { decoding = .now }
            report(
                .progress(
                    JobProgress(
                        Stage(progress.stage), step: done, of: steps,
                        etaSeconds: clock.remaining(done: done, since: started, at: progress.step))))
        }
        let decoded = ContinuousClock.now
        times.add(.denoise, (decoding ?? decoded) - started)
        times.add(.decode, decoded - (decoding ?? decoded))
        try check()
        report(.progress(JobProgress(.write, step: (index + 1) * plan.rows, of: steps)))
        let bytes = try times.measure(.write) {
            try OutputFile(request, seed: seed, fingerprint: current.fingerprint, kernels: info.kernels).encode(pixels)
        }
        report(
            .image(
                EncodedImage(
                    index: index, format: request.format, width: plan.width, height: plan.height, seed: seed),
                bytes: Data(bytes)))
    }

    /// The model that a request wants, from memory or from its files; another one is released first.
    private func load(_ request: GenerateRequest) throws -> Resident {
        let name = request.model ?? Registry.defaultModel
        let precision = try ModelPrecision(request.precision)
        return try resident.withLock { resident in
            if let current = resident, current.name == name, current.precision == precision { return current }
            resident = nil
            Arena.trim()
            let entry = try registry.catalog.model(name)
            let loaded = Resident(
                name: name, precision: precision, model: try registry.textToImage(name, precision),
                fingerprint: try Fingerprint(of: entry).hexadecimal)
            resident = loaded
            return loaded
        }
    }
}
