/// A request that cannot be accepted.
package enum RequestError: Error, Sendable, Equatable {
    case notJSON
    /// Where and why.
    case malformedJSON(String)
    case brokenBody
    case bodyTooLarge(limit: Int)
    case missing(param: String)
    case wrongType(param: String, expected: String)
    case outOfRange(param: String, value: String, allowed: String)
    case malformedForm(String)
    /// A parameter that says nothing without another.
    case alone(param: String, needs: String)
    case contradiction(param: String, other: String)
    case unknownName(param: String, value: String, allowed: [String])
    case tooLong(param: String, bytes: Int, limit: Int)
    case nulCharacter(param: String)
    case unknownParameters([String])

    /// The error as the client reads it.
    package var body: ErrorBody {
        switch self {
        case .notJSON:
            invalid("not_json", "The body is not a JSON object. Send one with at least a \"prompt\".", nil)
        case .malformedJSON(let fault):
            invalid("not_json", "The body is not JSON: \(fault). Correct it there.", nil)
        case .brokenBody:
            invalid("broken_body", "The body ended early or is not framed as HTTP/1.1 asks. Send it again.", nil)
        case .bodyTooLarge(let limit):
            invalid("body_too_large", "The body is larger than \(limit) bytes. Send a smaller one.", nil)
        case .missing(let param):
            invalid("missing", "\"\(param)\" is missing. Add it to the request.", param)
        case .wrongType(let param, let expected):
            invalid("wrong_type", "\"\(param)\" has the wrong type. Send \(expected).", param)
        case .outOfRange(let param, let value, let allowed):
            invalid("out_of_range", "\"\(param)\" is \(value). Allowed: \(allowed).", param)
        case .malformedForm(let fact):
            invalid(
                "malformed_form", "The form cannot be read: \(fact). Send multipart/form-data as RFC 7578 has it.", nil)
        case .alone(let param, let needed):
            invalid(
                "needs_another", "\"\(param)\" means nothing without \"\(needed)\". Give both, or leave it out.", param)
        case .contradiction(let param, let other):
            invalid("contradiction", "\"\(param)\" cannot be combined with \"\(other)\". Leave one of them out.", param)
        case .unknownName(let param, let value, let allowed):
            invalid("unknown_name", "\"\(param)\" is \"\(value)\". Allowed: \(allowed.joined(separator: ", ")).", param)
        case .tooLong(let param, let bytes, let limit):
            invalid("too_long", "\"\(param)\" has \(bytes) bytes. Shorten it to \(limit) or fewer.", param)
        case .nulCharacter(let param):
            invalid(
                "nul_character", "\"\(param)\" contains a NUL character, which no file can carry. Remove it.", param)
        case .unknownParameters(let names):
            invalid(
                "unknown_parameter",
                "Unknown: \(names.map { "\"\($0)\"" }.joined(separator: ", ")). "
                    + "Correct or remove it, or leave \"strict\" out to have it ignored with a warning.",
                names.first)
        }
    }

    private func invalid(_ code: String, _ message: String, _ param: String?) -> ErrorBody {
        ErrorBody(.invalidRequest, code: code, message: message, param: param)
    }
}
