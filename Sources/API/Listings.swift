package import Vocabulary

/// A checkpoint that the worker can use, in OpenAI's shape with our facts beside it.
package struct ModelInfo: Codable, Sendable, Equatable {
    /// The name that requests use.
    package var id: String
    package var object = "model"
    /// Unix seconds at which the files last changed.
    package var created: Int
    package var ownedBy = "local"
    /// The architecture, such as `stable-diffusion-xl`.
    package var family: String
    /// What it can do.
    package var kinds: [JobKind]
    package var path: String?
    package var bytes: Int
    package var sha256: String?
    /// Whether requests that name no model get this one.
    package var isDefault: Bool
    /// Values that a request without them gets.
    package var defaults: Defaults?
    /// Why the model cannot be used; nil when it can.
    package var unavailable: String?

    package struct Defaults: Codable, Sendable, Equatable {
        package var width: Int
        package var height: Int
        package var steps: Int
        package var guidance: Double
        package var sampler: String
        package var schedule: String
        package var precision: Precision

        package init(
            width: Int, height: Int, steps: Int, guidance: Double, sampler: String, schedule: String,
            precision: Precision
        ) {
            self.width = width
            self.height = height
            self.steps = steps
            self.guidance = guidance
            self.sampler = sampler
            self.schedule = schedule
            self.precision = precision
        }
    }

    package init(
        id: String, created: Int, family: String, kinds: [JobKind] = [], path: String? = nil, bytes: Int,
        sha256: String? = nil, isDefault: Bool = false, defaults: Defaults? = nil, unavailable: String? = nil
    ) {
        self.id = id
        self.created = created
        self.family = family
        self.kinds = kinds
        self.path = path
        self.bytes = bytes
        self.sha256 = sha256
        self.isDefault = isDefault
        self.defaults = defaults
        self.unavailable = unavailable
    }

    private enum CodingKeys: String, CodingKey {
        case id, object, created, family, kinds, path, bytes, sha256, defaults, unavailable
        case ownedBy = "owned_by"
        case isDefault = "default"
    }
}

/// The answer of a route that lists, in OpenAI's shape.
package struct Listing<Element: Codable & Sendable>: Codable, Sendable {
    package var object = "list"
    package var data: [Element]

    package init(_ data: [Element]) {
        self.data = data
    }
}

/// The daemon as `GET /v1/status` tells it.
package struct StatusInfo: Codable, Sendable, Equatable {
    package enum State: String, Codable, Sendable {
        case ready, busy, draining
    }

    package var version: String
    package var state: State
    package var pid: Int
    package var uptimeSeconds: Double
    package var queued: Int
    /// Jobs that the worker has; which they are is told only to those whose jobs they are.
    package var running: Int
    /// Why no job runs although some wait, such as a worker that cannot be started.
    package var waiting: String?
    package var workerDeaths: Int
    /// Nil while no worker process is needed.
    package var worker: Worker?

    package struct Worker: Codable, Sendable, Equatable {
        package var pid: Int
        package var version: String
        package var device: String
        package var kernels: String
        package var threads: Int
        /// Resident memory of the process.
        package var memoryBytes: Int

        package init(pid: Int, version: String, device: String, kernels: String, threads: Int, memoryBytes: Int) {
            self.pid = pid
            self.version = version
            self.device = device
            self.kernels = kernels
            self.threads = threads
            self.memoryBytes = memoryBytes
        }

        private enum CodingKeys: String, CodingKey {
            case pid, version, device, kernels, threads
            case memoryBytes = "memory_bytes"
        }
    }

    package init(
        version: String, state: State, pid: Int, uptimeSeconds: Double, queued: Int, running: Int,
        waiting: String? = nil, workerDeaths: Int, worker: Worker?
    ) {
        self.version = version
        self.state = state
        self.pid = pid
        self.uptimeSeconds = uptimeSeconds
        self.queued = queued
        self.running = running
        self.waiting = waiting
        self.workerDeaths = workerDeaths
        self.worker = worker
    }

    private enum CodingKeys: String, CodingKey {
        case version, state, pid, queued, running, waiting, worker
        case uptimeSeconds = "uptime_seconds"
        case workerDeaths = "worker_deaths"
    }
}

/// The answer of `POST /v1/models/unload`.
package struct UnloadReply: Codable, Sendable, Equatable {
    /// False when a job is running: the weights go when it ends.
    package var unloaded: Bool

    package init(unloaded: Bool) {
        self.unloaded = unloaded
    }
}

/// The version that both executables print and every output names.
package let lazuliVersion = "0.1.0"

/// The answer of `GET /v1/jobs`.
package struct JobListing: Codable, Sendable, Equatable {
    package var object = "list"
    /// Without requests.
    package var data: [JobStatus]
    /// What the next page is asked for with `after`; nil at the end.
    package var next: String?

    package init(data: [JobStatus], next: String? = nil) {
        self.data = data
        self.next = next
    }
}

/// The answer of `POST /v1/blobs`.
package struct BlobReply: Codable, Sendable, Equatable {
    /// By which jobs name the file.
    package var sha256: String
    package var bytes: Int

    package init(sha256: String, bytes: Int) {
        self.sha256 = sha256
        self.bytes = bytes
    }
}

/// The answer of `POST /v1/estimate`.
package struct EstimateReply: Codable, Sendable, Equatable {
    package var estimate: Estimate
    package var warnings: [String]

    package init(estimate: Estimate, warnings: [String]) {
        self.estimate = estimate
        self.warnings = warnings
    }
}
