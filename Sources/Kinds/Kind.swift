package import API
package import JSON
package import Vocabulary

/// The kinds that a daemon takes. The programs put it together where a kind meets the work that carries it out.
package struct KindTable: Sendable {
    package let kinds: [Kind]
    /// What a body without `kind` asks for.
    package let standard: JobKind

    package init(_ kinds: [Kind], standard: JobKind) {
        self.kinds = kinds
        self.standard = standard
    }

    package func named(_ kind: JobKind) -> Kind? { kinds.first { $0.kind == kind } }
}

/// A kind of job, without its type.
package struct Kind: Sendable {
    package let kind: JobKind
    package let summary: String
    package let parameters: [ParameterFacts]
    /// Makes a submission of the members of a body.
    let submission: @Sendable ([String: JSON]) throws(RequestError) -> JobSubmission

    package init<Parameters: JobParameters>(_ type: Parameters.Type) {
        kind = type.kind
        summary = type.summary
        let standard = Parameters()
        parameters = type.table.map { row in
            ParameterFacts(
                name: row.name, help: row.help, values: row.values, isRequired: row.isRequired,
                standard: row.isRequired ? nil : row.write(standard))
        }
        submission = { (members) throws(RequestError) in
            var parameters = try Parameters(members)
            parameters.settle()
            return JobSubmission(parameters)
        }
    }
}

/// What the contract and the documentation tell of a parameter.
package struct ParameterFacts: Sendable {
    package let name, help: String
    package let values: ParameterValues
    package let isRequired: Bool
    /// Its value when left out; nil where the model or the daemon chooses.
    package let standard: JSON?
}

extension JobSubmission {
    /// A job of these parameters.
    package init(_ parameters: some JobParameters, priority: Int = 0) {
        self.init(
            kind: type(of: parameters).kind, title: parameters.title, parameters: parameters.json,
            inputs: parameters.inputs, priority: priority)
    }
}
