import FoundationEssentials
import JSON

extension Encodable {
    /// The value as JSON; throws where a number has none, such as NaN.
    func asJSON() throws -> JSON {
        try JSON(Array(JSONEncoder().encode(self)))
    }
}
