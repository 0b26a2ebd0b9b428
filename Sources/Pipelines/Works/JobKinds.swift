// Where a kind of job meets the work that carries it out.

package import JSON
package import Kinds
package import Vocabulary

/// A work that carries out one kind of job.
protocol KindWork: Work {
    associatedtype Parameters: JobParameters

    /// Cheap; what is wrong with the parameters beyond their table shows in `appraise` and in the slices.
    init(_ parameters: Parameters, inputs: [Blob: String], resume: Checkpoint?)
    /// What the job would cost, and what is wrong with it, from configurations and headers alone; `inputs` are the files
    /// of its blobs.
    static func appraise(
        _ parameters: Parameters, inputs: [Blob: String], _ workshop: Workshop
    ) throws -> JobAppraisal
}

/// What can be said of a job before it is taken.
package struct JobAppraisal: Sendable, Equatable {
    package var estimate: Estimate
    package var warnings: [String]

    package init(estimate: Estimate, warnings: [String] = []) {
        self.estimate = estimate
        self.warnings = warnings
    }
}

/// A kind of job and its work, without their types.
package struct JobKindRow: Sendable {
    package let kind: Kind
    package let begin: @Sendable (JSON, _ inputs: [Blob: String], _ resume: Checkpoint?) throws -> any Work
    package let appraise: @Sendable (JSON, _ inputs: [Blob: String], Workshop) throws -> JobAppraisal

    package init(
        kind: Kind, begin: @escaping @Sendable (JSON, [Blob: String], Checkpoint?) throws -> any Work,
        appraise: @escaping @Sendable (JSON, [Blob: String], Workshop) throws -> JobAppraisal
    ) {
        self.kind = kind
        self.begin = begin
        self.appraise = appraise
    }

    init<Job: KindWork>(_ work: Job.Type) {
        self.init(kind: Kind(Job.Parameters.self)) { parameters, inputs, resume in
            Job(try Job.Parameters(members(parameters)), inputs: inputs, resume: resume)
        } appraise: { parameters, inputs, workshop in
            try Job.appraise(Job.Parameters(members(parameters)), inputs: inputs, workshop)
        }
    }
}

private func members(_ parameters: JSON) -> [String: JSON] { parameters.asObject ?? [:] }

/// The kinds of jobs. A new kind is a row here.
package enum JobKinds {
    package static let rows = [
        JobKindRow(Drawing<Generate>.self), JobKindRow(Drawing<Edit>.self), JobKindRow(Describing.self),
        JobKindRow(Upscaling.self), JobKindRow(Chatting.self),
    ]

    /// What the daemon takes; a body without a kind asks for the first.
    package static let table = KindTable(rows.map(\.kind), standard: rows[0].kind.kind)

    package static func named(_ kind: JobKind) -> JobKindRow? { rows.first { $0.kind.kind == kind } }
}
