import Foundation
import Schedulers
import Testing

/// docs/samplers.md is written by this test, from the code and the goldens:
///
///     LAZULI_WRITE_DOCS=1 swift test --filter DocumentTests
///
/// Without that it compares: every word must be the same, and every difference within an order of magnitude, since the last
/// bits depend on the machine.
@Suite struct DocumentTests {
    private static let file = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "../../docs/samplers.md").standardizedFileURL

    @Test func `the table of names in the documentation is the code's`() throws {
        let made = try Self.document()
        if ProcessInfo.processInfo.environment["LAZULI_WRITE_DOCS"] != nil {
            try Data(made.utf8).write(to: Self.file)
        }
        let found = try String(decoding: Data(contentsOf: Self.file), as: UTF8.self)
        let (new, old) = (made.split(separator: "\n"), found.split(separator: "\n"))
        #expect(new.count == old.count)
        for (line, written) in zip(new, old) {
            let (now, then) = (Self.figures(line), Self.figures(written))
            #expect(now.words == then.words)
            for (figure, documented) in zip(now.figures, then.figures) {
                #expect(figure <= 10 * documented && documented <= 100 * figure, "\(line)")
            }
        }
    }

    /// A line without its differences, and those.
    private static func figures(_ line: Substring) -> (words: String, figures: [Double]) {
        let pattern = #/\d(?:\.\d)?e-\d+/#
        return (
            String(line.replacing(pattern, with: "#")),
            line.matches(of: pattern).compactMap { Double(String($0.output)) }
        )
    }

    private static func document() throws -> String {
        var bySampler: [String: Float] = [:]
        var bySchedule: [SigmaSchedule: Float] = [:]
        var paths: Float = 0
        var runs = 0
        for golden in try Golden.names.map(Golden.load) {
            guard let sampler = Sampler(rawValue: golden.sampler) else { continue }
            for run in golden.cases {
                let plan = try SamplingPlan(run.request(sampler), configuration: golden.configs[run.config])
                let difference = deviation(run.replay(plan).latents, run.final)
                runs += 1
                // Brownian paths are told apart below.
                guard plan.path == nil || run.smooth == true else {
                    paths = max(paths, difference)
                    continue
                }
                bySampler[golden.sampler, default: 0] = max(bySampler[golden.sampler] ?? 0, difference)
                guard let schedule = try run.schedule.flatMap(SigmaSchedule.named),
                    schedule.owner.rawValue == golden.reference
                else { continue }
                bySchedule[schedule, default: 0] = max(bySchedule[schedule] ?? 0, difference)
            }
        }
        var text = """
            # Samplers and schedules

            Every name that a request may give, what it means, and how far the result lies from the reference's. The tests
            replay \(runs / 100 * 100) runs of the references from the seed on; a difference is the largest of any latent, absolute
            below 1 and relative above. This page is written by `DocumentTests` from the code and those runs.

            A name is read in any case, and with spaces, hyphens or underscores, or none; "++" is "pp". A sampler's name may end
            with a schedule's: "DPM++ 2M SGM Uniform", "dpm_2_ancestral_karras", "euler_k".


            """
        text += table(["sampler", "other names", "equals", "models", "difference"])
        for sampler in Sampler.allCases {
            text += row([
                "`\(sampler.rawValue)`", list(sampler.aliases), sampler.reference, models(sampler),
                figure(bySampler[sampler.rawValue]),
            ])
        }
        text += """

            Models: ε, v and sample are trained ones, flow is flow matching, EDM is the preconditioning of Karras et al. 2022.
            Samplers whose noise is a Brownian path are compared with noise that is smooth in the levels; with the path itself
            they agree to \(figure(paths)), since a path tells levels 10⁻⁶ apart and single precision does not. Over a schedule
            of another owner than the sampler's reference the levels are that owner's and the method is the sampler's.

            ## Schedules

            Without a schedule, or with "automatic", the checkpoint's own settings hold. A single file has none and takes those of
            its family, but `trailing` where its name or `modelspec.title` says Turbo, Lightning or Hyper-SD.


            """
        text += table(["schedule", "other names", "equals", "difference"])
        for schedule in SigmaSchedule.allCases {
            text += row([
                "`\(schedule.rawValue)`", list(schedule.aliases), schedule.reference, figure(bySchedule[schedule]),
            ])
        }
        text += """

            "Beta", "KL Optimal" and "Align Your Steps" in exactly this spelling are AUTOMATIC1111's labels and mean its
            schedules; in any other spelling the first two are ComfyUI's `beta` and `kl_optimal`. Align Your Steps has levels
            for Stable Diffusion 1 and XL.

            ## Known and not built

            A request that gives one of these names is refused, with the name and the reason.


            """
        text += table(["sampler", "why"])
        for (names, reason) in Sampler.notBuilt { text += row([list(names), reason]) }
        return text + "\nSchedules: \(list(SigmaSchedule.notBuilt)).\n"
    }

    private static func models(_ sampler: Sampler) -> String {
        let objectives: [(Objective, String)] = [
            (.epsilon, "ε"), (.velocity, "v"), (.sample, "sample"), (.flow, "flow"),
        ]
        let preconditioned =
            (try? SamplingPlan(
                SamplingRequest(sampler: sampler, steps: 4),
                configuration: SchedulerConfiguration(className: "EDMEulerScheduler")))
        return (objectives.filter { sampler.runs($0.0) }.map(\.1) + (preconditioned == nil ? [] : ["EDM"]))
            .joined(separator: " ")
    }

    private static func figure(_ value: Float?) -> String {
        guard let value else { return "–" }
        return String(format: "%.0e", max(Double(value), 1e-7)).replacing("e-0", with: "e-")
    }

    private static func list(_ names: [String]) -> String { names.map { "`\($0)`" }.joined(separator: ", ") }

    private static func table(_ heads: [String]) -> String { row(heads) + row(heads.map { _ in "---" }) }

    private static func row(_ cells: [String]) -> String { "| \(cells.joined(separator: " | ")) |\n" }
}
