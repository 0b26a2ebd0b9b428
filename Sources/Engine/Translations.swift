// Between the words of the protocol and those of the pipelines.

import API
import Checkpoints
import Images
import Pipelines
import Schedulers
import Tensor
import Tokenizers

extension TextToImage.Request {
    init(_ request: GenerateRequest) {
        self.init(prompt: request.prompt)
        negative = request.negativePrompt
        width = request.width
        height = request.height
        steps = request.steps
        guidance = request.guidance
        sampler = request.sampler
        schedule = request.schedule
        shift = request.shift
        refusesTruncation = request.onTruncate == .error
    }
}

extension GenerateRequest {
    /// `request` with every choice that the model made filled in.
    init(_ request: GenerateRequest, _ plan: TextToImage.Plan, model: String, precision: Tensor.Precision) {
        self = request
        self.model = model
        width = plan.width
        height = plan.height
        steps = plan.steps
        guidance = plan.guidance
        sampler = plan.sampler.rawValue
        schedule = plan.schedule?.rawValue
        self.precision = API.Precision(rawValue: precision.rawValue)
    }
}

extension Tensor.Precision {
    /// What a request asks for, or the fastest that this CPU computes natively.
    init(_ wanted: API.Precision?) throws(PipelineError) {
        switch wanted {
        case .f32?: self = .f32
        case .bf16?: self = .bf16
        case .int8?:
            throw .request(
                parameter: "precision", fact: "int8 is not available in this version", remedy: "use bf16 or f32")
        case nil: self = Kernels.hasBF16 ? .bf16 : .f32
        }
    }
}

extension RandomOrigin {
    init(_ source: API.RandomSource) {
        switch source {
        case .torch: self = .torch
        case .philox: self = .philox
        }
    }
}

extension Stage {
    init(_ stage: PipelineError.Stage) {
        switch stage {
        case .load: self = .load
        case .encode: self = .encode
        case .denoise: self = .denoise
        case .decode: self = .decode
        case .write: self = .write
        }
    }
}

extension ErrorBody {
    /// What a client is told of an error of the pipelines.
    init(_ error: any Error) {
        switch error {
        case let error as PipelineError: self.init(error)
        case let error as SchedulerError:
            self.init(.invalidRequest, code: "invalid_sampler", message: "\(error)", param: "sampler")
        case is CheckpointError, is ConfigError, is WeightError, is TokenizerError:
            self.init(.invalidRequest, code: "bad_checkpoint", message: "\(error)", param: "model", stage: .load)
        case let error as ImageError:
            self.init(.internalFailure, code: "encoding_failed", message: "\(error)", stage: .write)
        default: self.init(.internalFailure, code: "internal", message: "\(error)")
        }
    }

    private init(_ error: PipelineError) {
        let message = "\(error)"
        switch error {
        case .unknownModel: self.init(.notFound, code: "unknown_model", message: message, param: "model")
        case .unsupportedModel, .part:
            self.init(.invalidRequest, code: "bad_checkpoint", message: message, param: "model", stage: .load)
        case .size: self.init(.invalidRequest, code: "invalid_size", message: message, param: "size")
        case .request(let parameter, _, _):
            self.init(.invalidRequest, code: "invalid_parameter", message: message, param: parameter)
        case .truncated: self.init(.invalidRequest, code: "prompt_too_long", message: message, param: "prompt")
        case .nonFinite(let stage, let step):
            self.init(.internalFailure, code: "non_finite", message: message, stage: Stage(stage), step: step)
        case .cancelled: self.init(.conflict, code: "cancelled", message: message)
        }
    }
}
