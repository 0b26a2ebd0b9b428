// What a client is told of an error of the pipelines.

import API
import Checkpoints
import Images
import Pipelines
import Schedulers
import Tokenizers
import Vocabulary

extension ErrorBody {
    /// `stage` is where in a job it happened, nil outside of jobs. Texts are cut at 1 KB: names out of files can be long.
    init(_ error: any Error, at stage: Stage? = nil) {
        switch error {
        case let error as RequestError: self = error.body
        case let error as ErrorBody: self = error
        case let error as PipelineError: self.init(error, at: stage)
        case let error as SchedulerError:
            self.init(.invalidRequest, code: "invalid_sampler", message: "\(error)", param: "sampler")
        case is CheckpointError, is ConfigError, is WeightError, is TokenizerError:
            self.init(.invalidRequest, code: "bad_checkpoint", message: "\(error)", param: "model", stage: .load)
        case let error as ImageError where stage == .write:
            self.init(.internalFailure, code: "encoding_failed", message: "\(error)", stage: .write)
        case let error as ImageError:
            self.init(.invalidRequest, code: "bad_picture", message: "\(error)", param: "image", stage: stage)
        default: self.init(.internalFailure, code: "internal", message: "\(error)", stage: stage)
        }
        message = message.capped()
    }

    private init(_ error: PipelineError, at stage: Stage?) {
        let message = "\(error)"
        switch error {
        case .unknownModel: self.init(.notFound, code: "unknown_model", message: message, param: "model")
        case .unsupportedModel, .part:
            self.init(.invalidRequest, code: "bad_checkpoint", message: message, param: "model", stage: .load)
        case .size: self.init(.invalidRequest, code: "invalid_size", message: message, param: "size")
        case .request(let parameter, _, _):
            self.init(.invalidRequest, code: "invalid_parameter", message: message, param: parameter)
        case .picture(let parameter, _):
            self.init(.invalidRequest, code: "bad_picture", message: message, param: parameter, stage: stage)
        case .truncated: self.init(.invalidRequest, code: "prompt_too_long", message: message, param: "prompt")
        case .nonFinite(let stage, let step):
            self.init(.internalFailure, code: "non_finite", message: message, stage: stage, step: step)
        case .changed:
            self.init(.conflict, code: "model_changed", message: message, param: "model", stage: stage)
        case .memory: self.init(.invalidRequest, code: "too_large", message: message)
        case .abandoned: self.init(.internalFailure, code: "abandoned", message: message, stage: stage)
        }
    }
}
