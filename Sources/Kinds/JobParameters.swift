package import API
package import JSON
package import Vocabulary

/// The parameters of a kind of job.
package protocol JobParameters: Codable, Sendable, Equatable {
    /// What the kind tells when it is done, beside its files.
    associatedtype Result: Codable & Sendable

    static var kind: JobKind { get }
    /// What the kind does, in a sentence.
    static var summary: String { get }
    static var table: [Parameter<Self>] { get }

    /// Every parameter as it is when left out; required ones are empty.
    init()

    /// One line for lists.
    var title: String { get }
    /// Blobs that the job reads.
    var inputs: [Blob] { get }
    /// What no single row can check.
    func check() throws(RequestError)
    /// Makes the choices that every attempt must share, such as the seed.
    mutating func settle()
}

extension JobParameters {
    package var inputs: [Blob] { [] }
    package func check() throws(RequestError) {}
    package mutating func settle() {}

    /// Reads the members that the table names and leaves the others; null counts as left out.
    package init(_ members: [String: JSON]) throws(RequestError) {
        self.init()
        for parameter in Self.table {
            switch members[parameter.name] {
            case nil, .null?:
                if parameter.isRequired { throw .missing(param: parameter.name) }
            case let value?: try parameter.read(value, &self)
            }
        }
        try check()
    }

    /// Every parameter that is not left out.
    package var json: JSON {
        .object(
            Dictionary(
                Self.table.compactMap { parameter in parameter.write(self).map { (parameter.name, $0) } },
                uniquingKeysWith: { first, _ in first }))
    }

    /// The parameters themselves when every row allows its value.
    package func validated() throws(RequestError) -> Self {
        guard case .object(let members) = json else { return self }
        return try Self(members)
    }

    package init(from decoder: any Decoder) throws {
        guard case .object(let members) = try JSON(from: decoder) else { throw RequestError.notJSON }
        try self.init(members)
    }

    package func encode(to encoder: any Encoder) throws {
        try json.encode(to: encoder)
    }
}
