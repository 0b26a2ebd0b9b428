package import Vocabulary

/// The inside of the error envelope `{"error": {…}}`: the fact and the remedy, for people and for programs.
package struct ErrorBody: Error, Codable, Sendable, Equatable {
    /// The class of the failure, which decides the HTTP status and the exit code of the command line.
    package enum Kind: String, Codable, Sendable {
        case invalidRequest = "invalid_request_error"
        case notFound = "not_found_error"
        case conflict = "conflict_error"
        case unavailable = "unavailable_error"
        case internalFailure = "internal_error"
    }

    package var type: Kind
    /// A stable word that programs compare, such as `out_of_range`.
    package var code: String
    package var message: String
    /// The parameter at fault.
    package var param: String?
    /// Where a job stopped; absent outside of jobs.
    package var stage: Stage?
    /// The step that failed, counted from 1; absent outside of the denoising stage.
    package var step: Int?

    package init(
        _ type: Kind, code: String, message: String, param: String? = nil, stage: Stage? = nil, step: Int? = nil
    ) {
        self.type = type
        self.code = code
        self.message = message
        self.param = param
        self.stage = stage
        self.step = step
    }
}

/// What every refused request answers.
package struct ErrorEnvelope: Codable, Sendable {
    package var error: ErrorBody

    package init(_ error: ErrorBody) {
        self.error = error
    }
}
