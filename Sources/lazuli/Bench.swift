import ArgumentParser
import Benchmark
import Foundation
import Pipelines
import Tensor
import Vocabulary

/// `lazuli bench`
struct Bench: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Measure the kernels and the parts of a model, in this process.",
        discussion: """
            Kernels are timed on the shapes of Stable Diffusion 1.5 and related to the peak that a loop of \
            multiply-adds on registers reaches in the same run. With --checkpoint, the parts of a Stable Diffusion \
            1.x or 2.x are timed as well. Benchmarks/ holds the scripts that time other engines on the same work.
            """)

    @Option(help: "Arithmetic. Default: bf16 where this machine has it, else f32.")
    var precision: Precision?

    @Option(help: "Threads; all that this process may use unless given.")
    var threads: Int?

    @Option(help: ArgumentHelp("Run only the kernels whose name contains this.", valueName: "text"))
    var only: String?

    @Option(help: ArgumentHelp("Time the parts of this checkpoint too.", valueName: "path"))
    var checkpoint: String?

    @Option(help: ArgumentHelp("Time this GGUF language model too.", valueName: "path"))
    var decoder: String?

    @Flag(help: "Print one JSON object a line.")
    var json = false

    func validate() throws {
        if let threads, !(1...256).contains(threads) { throw ValidationError("--threads is 1 to 256.") }
    }

    func run() throws {
        if let threads { Kernels.threads = threads }
        let precision = precision ?? (Kernels.hasBF16 ? .bf16 : .f32)
        if !json {
            print("kernels \(Kernels.name), \(Kernels.threads) threads, \(precision.rawValue)")
        }
        let kernels = KernelBenchmark(precision, only: only)
        if !json { print("peak \(fixed(kernels.peakGFLOPS, 0)) GFLOP/s") }
        kernels.run { show($0) }
        do {
            if let checkpoint { try PartBenchmark(ModelFiles(checkpoint), precision).run { show($0) } }
            if let decoder { try DecoderBenchmark(decoder, precision).run { show($0) } }
        } catch {
            throw Failure(Exit.badInput, "\(error)").reported()
        }
    }

    private func show(_ measurement: Benchmark.Measurement) {
        if json {
            let line = (try? JSONEncoder().encode(measurement)).map { String(decoding: $0, as: UTF8.self) }
            return print(line ?? "")
        }
        var line = padded(measurement.name, 40) + padded("\(fixed(measurement.seconds * 1000, 2)) ms", 14)
        if let rate = measurement.gflops { line += padded("\(fixed(rate, 0)) GFLOP/s", 16) }
        if let percent = measurement.percentOfPeak { line += padded("\(fixed(percent, 0)) %", 8) }
        if let rate = measurement.tokensPerSecond { line += padded("\(fixed(rate, 1)) tokens/s", 20) }
        print(line + "\(fixed(measurement.peakGiB, 2)) GiB")
    }

    private func fixed(_ value: Double, _ digits: Int) -> String { String(format: "%.\(digits)f", value) }
}
