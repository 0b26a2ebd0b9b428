/// Everything a client may know about a job. Times are Unix seconds.
package struct JobStatus: Codable, Sendable, Equatable {
    package enum State: String, Codable, Sendable, CaseIterable {
        case queued, running, succeeded, failed, cancelled

        /// Whether the job will never change again.
        package var isFinal: Bool {
            switch self {
            case .queued, .running: false
            case .succeeded, .failed, .cancelled: true
            }
        }
    }

    package var id: String
    package var kind: JobKind
    package var state: State
    package var priority: Int
    package var created: Double
    package var started: Double?
    package var finished: Double?
    /// How often the job was started.
    package var attempts: Int
    /// Jobs that come first; only while queued.
    package var position: Int?
    /// Only while running.
    package var progress: JobProgress?
    package var outputs: [Output]
    package var warnings: [String]
    package var error: ErrorBody?
    package var result: GenerateResult?
    /// What was asked for, with the seed that the daemon chose.
    package var request: GenerateRequest

    package init(
        id: String, kind: JobKind, state: State, priority: Int, created: Double, started: Double?, finished: Double?,
        attempts: Int, position: Int? = nil, progress: JobProgress? = nil, outputs: [Output] = [],
        warnings: [String] = [],
        error: ErrorBody? = nil, result: GenerateResult? = nil, request: GenerateRequest
    ) {
        self.id = id
        self.kind = kind
        self.state = state
        self.priority = priority
        self.created = created
        self.started = started
        self.finished = finished
        self.attempts = attempts
        self.position = position
        self.progress = progress
        self.outputs = outputs
        self.warnings = warnings
        self.error = error
        self.result = result
        self.request = request
    }
}

/// Where a running job is.
package struct JobProgress: Codable, Sendable, Equatable {
    package var stage: Stage
    /// Steps done of `steps`, over all images of the job; both 0 in stages without steps.
    package var step: Int
    package var steps: Int
    /// Seconds until the last step, once the first one is measured; later stages are not in it.
    package var etaSeconds: Double?

    package init(_ stage: Stage, step: Int = 0, of steps: Int = 0, etaSeconds: Double? = nil) {
        self.stage = stage
        self.step = step
        self.steps = steps
        self.etaSeconds = etaSeconds
    }

    private enum CodingKeys: String, CodingKey {
        case stage, step, steps
        case etaSeconds = "eta_seconds"
    }
}

/// One picture of a finished job.
package struct Output: Codable, Sendable, Equatable {
    package var index: Int
    package var format: ImageFormat
    package var width: Int
    package var height: Int
    package var bytes: Int
    /// SHA-256 of the file, in hexadecimal.
    package var sha256: String
    package var seed: UInt64
    /// Path of the route that serves the file.
    package var url: String

    package init(
        index: Int, format: ImageFormat, width: Int, height: Int, bytes: Int, sha256: String, seed: UInt64, url: String
    ) {
        self.index = index
        self.format = format
        self.width = width
        self.height = height
        self.bytes = bytes
        self.sha256 = sha256
        self.seed = seed
        self.url = url
    }
}

/// What a finished generation tells beside its pictures.
package struct GenerateResult: Codable, Sendable, Equatable {
    package var model: String
    /// SHA-256 of the checkpoint, in hexadecimal.
    package var modelSHA256: String?
    /// Always `cpu` in this version.
    package var device: String
    /// The kernel table, such as `avx512`.
    package var kernels: String
    package var threads: Int
    package var promptTokens: Int
    /// The end of the prompt that did not fit into the context.
    package var truncatedText: String?
    /// Seconds by stage, under the names of `Stage`.
    package var seconds: [String: Double]
    package var peakMemoryBytes: Int
    /// The request with every default filled in: sent again, it draws the same picture.
    package var parameters: GenerateRequest

    package init(
        model: String, modelSHA256: String? = nil, device: String = "cpu", kernels: String, threads: Int,
        promptTokens: Int, truncatedText: String? = nil, seconds: [Stage: Double], peakMemoryBytes: Int,
        parameters: GenerateRequest
    ) {
        self.model = model
        self.modelSHA256 = modelSHA256
        self.device = device
        self.kernels = kernels
        self.threads = threads
        self.promptTokens = promptTokens
        self.truncatedText = truncatedText
        self.seconds = Dictionary(uniqueKeysWithValues: seconds.map { ($0.key.rawValue, $0.value) })
        self.peakMemoryBytes = peakMemoryBytes
        self.parameters = parameters
    }

    private enum CodingKeys: String, CodingKey {
        case model, device, kernels, threads, seconds, parameters
        case modelSHA256 = "model_sha256"
        case promptTokens = "prompt_tokens"
        case truncatedText = "truncated_text"
        case peakMemoryBytes = "peak_memory_bytes"
    }
}
