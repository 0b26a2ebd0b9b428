package import API
package import JSON
import Vocabulary

/// The body of `POST /v1/jobs`: the parameters of the kind beside those of the job, in one flat object.
package enum JobBody {
    /// Priorities that a job may have; who may use which of them is the daemon's rule.
    package static let priorities = -10...10

    /// The parameters of the job itself.
    private static let own: Set<String> = ["kind", "priority", "strict"]
    /// Unknown parameters that are named: every event of the job repeats the warnings.
    private static let mostTold = 20

    /// The job that a body asks for. `strict` refuses unknown parameters that otherwise only become warnings.
    package static func read(_ body: JSON, _ kinds: KindTable) throws(RequestError) -> JobSubmission {
        guard case .object(let members) = body else { throw .notJSON }
        let kind = try self.kind(members["kind"], kinds)
        var submission = try kind.submission(members)
        submission.priority = try priority(members["priority"])
        let known = own.union(kind.parameters.map(\.name))
        let unknown = members.keys.filter { !known.contains($0) }.sorted()
        if try strict(members["strict"]), !unknown.isEmpty { throw .unknownParameters(unknown) }
        submission.warnings += warnings(unknown)
        return submission
    }

    /// The body that asks for these parameters.
    package static func write(_ parameters: some JobParameters, priority: Int = 0, strict: Bool = false) -> JSON {
        guard case .object(var members) = parameters.json else { return .null }
        members["kind"] = .string(type(of: parameters).kind.rawValue)
        if priority != 0 { members["priority"] = .int(priority) }
        if strict { members["strict"] = .bool(true) }
        return .object(members)
    }

    private static func kind(_ value: JSON?, _ kinds: KindTable) throws(RequestError) -> Kind {
        let name: String
        switch value {
        case nil, .null?: name = kinds.standard.rawValue
        case .string(let text)?: name = text
        default: throw .wrongType(param: "kind", expected: "a string")
        }
        guard let kind = kinds.named(JobKind(name)) else {
            throw .unknownName(param: "kind", value: name, allowed: kinds.kinds.map(\.kind.rawValue))
        }
        return kind
    }

    private static func priority(_ value: JSON?) throws(RequestError) -> Int {
        switch value {
        case nil, .null?: return 0
        case .int(let priority)?:
            guard priorities.contains(priority) else {
                throw .outOfRange(param: "priority", value: "\(priority)", allowed: "-10 to 10")
            }
            return priority
        default: throw .wrongType(param: "priority", expected: "an integer")
        }
    }

    private static func strict(_ value: JSON?) throws(RequestError) -> Bool {
        switch value {
        case nil, .null?: return false
        case .bool(let strict)?: return strict
        default: throw .wrongType(param: "strict", expected: "true or false")
        }
    }

    private static func warnings(_ unknown: [String]) -> [String] {
        let told = unknown.prefix(mostTold).map { "Unknown parameter \"\($0.prefix(64))\" was ignored." }
        return unknown.count > told.count ? told + ["\(unknown.count - told.count) more were ignored."] : told
    }
}
