/// What a job does, such as `generate`. Which kinds there are, only the table of kinds knows.
package struct JobKind: RawRepresentable, Hashable, Codable, Sendable {
    package let rawValue: String

    package init(rawValue: String) {
        self.rawValue = rawValue
    }

    package init(_ name: String) {
        self.init(rawValue: name)
    }
}

/// The name of a job: 64 random bits in 13 letters and digits.
package struct JobID: RawRepresentable, Hashable, Codable, Sendable, CustomStringConvertible {
    package let rawValue: String

    package init(rawValue: String) {
        self.rawValue = rawValue
    }

    package init(_ name: String) {
        self.init(rawValue: name)
    }

    package var description: String { rawValue }
}

/// Where a job is in its life.
package enum JobState: String, Codable, Sendable, CaseIterable {
    case queued, running, succeeded, failed, cancelled

    /// Whether the job will never change again.
    package var isFinal: Bool {
        switch self {
        case .queued, .running: false
        case .succeeded, .failed, .cancelled: true
        }
    }
}

/// A file that a client sent for jobs to read: a picture, a mask. Its name is its content.
package struct Blob: Codable, Hashable, Sendable {
    /// SHA-256 of the file, in hexadecimal.
    package var sha256: String

    package init(sha256: String) {
        self.sha256 = sha256
    }
}

/// A file that a job made.
package struct Output: Codable, Hashable, Sendable {
    /// Number of the file in its job, from 0.
    package var index: Int
    package var format: ImageFormat
    package var width: Int?
    package var height: Int?
    package var bytes: Int
    /// SHA-256 of the file, in hexadecimal.
    package var sha256: String
    /// Seed of this picture, where one had a part in it.
    package var seed: UInt64?
    /// Path of the route that serves the file; only the daemon, when it tells of a finished job, knows it.
    package var url: String?

    package init(
        index: Int, format: ImageFormat, width: Int? = nil, height: Int? = nil, bytes: Int, sha256: String,
        seed: UInt64? = nil, url: String? = nil
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

/// What a job is expected to cost.
package struct Estimate: Codable, Hashable, Sendable {
    /// Peak memory of the worker while the job runs alone: weights, activations and what the program itself takes.
    package var memoryBytes: Int
    /// The most that the worker may take; a job above it is refused.
    package var budgetBytes: Int
    /// Seconds from start to end without waiting, weights loaded; nil where nothing of the kind was measured yet.
    package var seconds: Double?

    package init(memoryBytes: Int, budgetBytes: Int, seconds: Double? = nil) {
        self.memoryBytes = memoryBytes
        self.budgetBytes = budgetBytes
        self.seconds = seconds
    }

    private enum CodingKeys: String, CodingKey {
        case seconds
        case memoryBytes = "memory_bytes"
        case budgetBytes = "budget_bytes"
    }
}
