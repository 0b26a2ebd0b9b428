/// The body of `POST /v1/jobs`: the parameters of the work beside those of the job, in one flat object.
package struct JobSubmission: Sendable, Equatable {
    package var kind: JobKind
    package var request: GenerateRequest
    /// Jobs of a higher priority start first, -10 to 10.
    package var priority: Int
    /// Whether an unknown parameter refuses the job instead of only being named in `warnings`.
    package var strict: Bool
    /// Parameters of the body that this version does not know.
    package private(set) var unknown: [String] = []

    package init(_ request: GenerateRequest, priority: Int = 0, strict: Bool = false) {
        kind = .generate
        self.request = request
        self.priority = priority
        self.strict = strict
    }

    /// The submission itself when it can be accepted.
    package func validated() throws(RequestError) -> JobSubmission {
        guard (-10...10).contains(priority) else {
            throw .outOfRange(param: "priority", value: "\(priority)", allowed: "-10 to 10")
        }
        if strict, !unknown.isEmpty { throw .unknownParameters(unknown) }
        _ = try request.validated()
        return self
    }

    /// What the client should be told although the job is accepted.
    package var warnings: [String] {
        let told = unknown.prefix(Self.mostTold).map { "Unknown parameter \"\($0.prefix(64))\" was ignored." }
        return unknown.count > told.count ? told + ["\(unknown.count - told.count) more were ignored."] : told
    }

    /// Unknown parameters that are named: every event of the job repeats the warnings.
    private static let mostTold = 20
}

extension JobSubmission: Codable {
    private enum CodingKeys: String, CodingKey, CaseIterable {
        case kind, priority, strict
    }

    /// Every name that may stand in the body, for finding those that may not.
    private struct Key: CodingKey, CaseIterable {
        let stringValue: String
        var intValue: Int? { nil }

        static var allCases: [Key] {
            (CodingKeys.allCases.map(\.stringValue) + GenerateRequest.CodingKeys.allCases.map(\.stringValue))
                .map(Key.init(stringValue:))
        }

        init(stringValue: String) {
            self.stringValue = stringValue
        }

        init?(intValue: Int) {
            nil
        }
    }

    package init(from decoder: any Decoder) throws {
        let fields = try Fields<CodingKeys>(decoder)
        let kind: JobKind = try fields.named(.kind) ?? .generate
        guard kind == .generate else { throw RequestError.unavailableKind(kind.rawValue) }
        self.init(
            try GenerateRequest(from: decoder), priority: try fields.integer(.priority) ?? 0,
            strict: try fields.flag(.strict) ?? false)
        unknown = try Fields<Key>(decoder).unknown()
    }

    package func encode(to encoder: any Encoder) throws {
        try request.encode(to: encoder)
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(kind, forKey: .kind)
        try container.encode(priority, forKey: .priority)
        try container.encode(strict, forKey: .strict)
    }
}
