package import Images
package import Vocabulary

/// Why a model does not load or a job does not finish; every case carries its facts.
package enum PipelineError: Error, Sendable, Equatable {
    /// No model of that name under the roots.
    case unknownModel(String, available: [String], roots: [String])
    /// The checkpoint is of a kind that no builder knows.
    case unsupportedModel(path: String, kind: String)
    /// Part of a model folder is absent or unusable.
    case part(path: String, fact: String, remedy: String)
    /// A size that the model cannot draw, with the nearest that it can.
    case size(width: Int, height: Int, multiple: Int, nearest: [Int])
    /// A request that contradicts the model.
    case request(parameter: String, fact: String, remedy: String)
    /// A picture that cannot be read.
    case picture(parameter: String, ImageError)
    /// The prompt is longer than the text encoder takes and the request forbids cutting it.
    case truncated(tokens: Int, limit: Int)
    /// A NaN or infinity; `step` is nil outside the denoising loop.
    case nonFinite(stage: Stage, step: Int?)
    /// A file of the model changed while the job ran.
    case changed(model: String, file: String)
    /// The job takes more memory than there may be.
    case memory(needed: Int, budget: Int)
    /// The slice is no longer wanted; nobody is told.
    case abandoned
}

extension PipelineError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .unknownModel(let name, let available, let roots):
            "there is no model \"\(name)\"; "
                + (available.isEmpty
                    ? "no models were found, set LAZULI_MODELS to a folder that holds some"
                    : "available: \(available.joined(separator: ", "))")
                + "; searched: \(roots.joined(separator: ", "))"
        case .unsupportedModel(let path, let kind):
            "\(path) is a \(kind), which Lazuli cannot run; it runs Stable Diffusion 1.x, 2.x and XL, DreamLite and its own"
        case .part(let path, let fact, let remedy): "\(path): \(fact); \(remedy)"
        case .size(let width, let height, let multiple, let nearest):
            "\(width)x\(height) cannot be drawn: width and height are multiples of \(multiple); "
                + "the nearest is \(nearest.map(String.init).joined(separator: "x"))"
        case .request(let parameter, let fact, let remedy): "\(parameter): \(fact); \(remedy)"
        case .picture(let parameter, let error): "\(parameter): \(error)"
        case .truncated(let tokens, let limit):
            "the prompt has \(tokens) tokens and the model reads \(limit); shorten it, or allow truncation where it can be cut"
        case .nonFinite(let stage, let step):
            "\(stage.rawValue)\(step.map { " step \($0)" } ?? "") produced a value that is not finite; "
                + "try precision f32, or check the checkpoint"
        case .changed(let model, let file):
            "\(file) of the model \(model) changed while the job ran; draw again, and put new files in place by renaming"
        case .memory(let needed, let budget):
            "the job would take \(needed >> 20) MiB and the worker may take \(budget >> 20) MiB; ask for a smaller picture, "
                + "or give the worker more with --memory-mib"
        case .abandoned: "the work was abandoned"
        }
    }
}
