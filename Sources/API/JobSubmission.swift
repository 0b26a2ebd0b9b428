package import JSON
package import Vocabulary

/// A job that can be taken: every dialect of HTTP makes one of these, and no room behind them knows the kind.
package struct JobSubmission: Sendable, Equatable {
    package var kind: JobKind
    package var title: String
    /// The parameters of the kind, valid and settled: every attempt has the same.
    package var parameters: JSON
    /// Blobs that the job reads.
    package var inputs: [Blob]
    /// Jobs of a higher priority start first, −10 to 10.
    package var priority: Int
    /// What the client should be told although the job is accepted.
    package var warnings: [String]

    package init(
        kind: JobKind, title: String, parameters: JSON, inputs: [Blob] = [], priority: Int = 0, warnings: [String] = []
    ) {
        self.kind = kind
        self.title = title
        self.parameters = parameters
        self.inputs = inputs
        self.priority = priority
        self.warnings = warnings
    }
}
