import API
import JSON
package import Vocabulary

/// One parameter of a kind of job: how it is called, what it means, what it allows. Decoding, bounds, unknown names,
/// the contract of the daemon and the reference in `docs/` all come from such rows.
package struct Parameter<Owner: Sendable>: Sendable {
    package let name: String
    /// What it does, its unit and what it is when left out: a sentence for people.
    package let help: String
    package let values: ParameterValues
    package let isRequired: Bool
    /// Puts a value that is not null in its place.
    let read: @Sendable (JSON, inout Owner) throws(RequestError) -> Void
    /// The value, nil where it is left out.
    let write: @Sendable (Owner) -> JSON?
}

/// What a parameter may be.
package enum ParameterValues: Sendable, Equatable {
    /// A text of at most so many bytes of UTF-8.
    case text(bytes: Int)
    case integer(ClosedRange<Int>)
    case number(ClosedRange<Double>)
    case flag
    case choice([String])
    /// 0 to 2⁶⁴ − 1; −1 and null ask the daemon to choose.
    case seed
    /// The SHA-256 of an uploaded file, in hexadecimal.
    case blob
    /// A list of at most `count` texts.
    case texts(count: Int, bytes: Int)
    /// A conversation of at most so many bytes of text.
    case messages(bytes: Int)
}

extension Parameter {
    /// A text that must be there.
    package static func text(
        _ name: String, _ path: any WritableKeyPath<Owner, String> & Sendable, bytes: Int, _ help: String
    ) -> Parameter {
        Parameter(name: name, help: help, values: .text(bytes: bytes), isRequired: true) {
            (value, owner) throws(RequestError) in
            owner[keyPath: path] = try value.text(name, bytes: bytes)
        } write: {
            .string($0[keyPath: path])
        }
    }

    package static func text(
        _ name: String, _ path: any WritableKeyPath<Owner, String?> & Sendable, bytes: Int, _ help: String
    ) -> Parameter {
        Parameter(name: name, help: help, values: .text(bytes: bytes), isRequired: false) {
            (value, owner) throws(RequestError) in
            owner[keyPath: path] = try value.text(name, bytes: bytes)
        } write: {
            $0[keyPath: path].map(JSON.string)
        }
    }

    package static func integer(
        _ name: String, _ path: any WritableKeyPath<Owner, Int?> & Sendable, _ range: ClosedRange<Int>, _ help: String
    ) -> Parameter {
        Parameter(name: name, help: help, values: .integer(range), isRequired: false) {
            (value, owner) throws(RequestError) in
            owner[keyPath: path] = try value.integer(name, range)
        } write: {
            $0[keyPath: path].map(JSON.int)
        }
    }

    package static func integer(
        _ name: String, _ path: any WritableKeyPath<Owner, Int> & Sendable, _ range: ClosedRange<Int>, _ help: String
    ) -> Parameter {
        Parameter(name: name, help: help, values: .integer(range), isRequired: false) {
            (value, owner) throws(RequestError) in
            owner[keyPath: path] = try value.integer(name, range)
        } write: {
            .int($0[keyPath: path])
        }
    }

    package static func number(
        _ name: String, _ path: any WritableKeyPath<Owner, Double?> & Sendable, _ range: ClosedRange<Double>,
        _ help: String
    ) -> Parameter {
        Parameter(name: name, help: help, values: .number(range), isRequired: false) {
            (value, owner) throws(RequestError) in
            owner[keyPath: path] = try value.number(name, range)
        } write: {
            $0[keyPath: path].map(JSON.double)
        }
    }

    package static func choice<Word: RawRepresentable & CaseIterable & Sendable>(
        _ name: String, _ path: any WritableKeyPath<Owner, Word?> & Sendable, _ help: String
    ) -> Parameter where Word.RawValue == String {
        Parameter(name: name, help: help, values: .choice(Word.allCases.map(\.rawValue)), isRequired: false) {
            (value, owner) throws(RequestError) in
            owner[keyPath: path] = try value.word(name) as Word
        } write: {
            $0[keyPath: path].map { .string($0.rawValue) }
        }
    }

    package static func choice<Word: RawRepresentable & CaseIterable & Sendable>(
        _ name: String, _ path: any WritableKeyPath<Owner, Word> & Sendable, _ help: String
    ) -> Parameter where Word.RawValue == String {
        Parameter(name: name, help: help, values: .choice(Word.allCases.map(\.rawValue)), isRequired: false) {
            (value, owner) throws(RequestError) in
            owner[keyPath: path] = try value.word(name) as Word
        } write: {
            .string($0[keyPath: path].rawValue)
        }
    }

    package static func seed(
        _ name: String, _ path: any WritableKeyPath<Owner, UInt64?> & Sendable, _ help: String
    ) -> Parameter {
        Parameter(name: name, help: help, values: .seed, isRequired: false) { (value, owner) throws(RequestError) in
            owner[keyPath: path] = try value.seed(name)
        } write: {
            $0[keyPath: path].map { Int(exactly: $0).map(JSON.int) ?? .unsigned($0) }
        }
    }

    /// A file that must be there.
    package static func blob(
        _ name: String, _ path: any WritableKeyPath<Owner, Blob> & Sendable, _ help: String
    ) -> Parameter {
        Parameter(name: name, help: help, values: .blob, isRequired: true) { (value, owner) throws(RequestError) in
            owner[keyPath: path] = try value.blob(name)
        } write: {
            .string($0[keyPath: path].sha256)
        }
    }

    package static func blob(
        _ name: String, _ path: any WritableKeyPath<Owner, Blob?> & Sendable, _ help: String
    ) -> Parameter {
        Parameter(name: name, help: help, values: .blob, isRequired: false) { (value, owner) throws(RequestError) in
            owner[keyPath: path] = try value.blob(name)
        } write: {
            $0[keyPath: path].map { .string($0.sha256) }
        }
    }

    /// A list of at most `count` texts of at most so many bytes each, or one text; empty when left out.
    package static func texts(
        _ name: String, _ path: any WritableKeyPath<Owner, [String]> & Sendable, count: Int, bytes: Int, _ help: String
    ) -> Parameter {
        Parameter(name: name, help: help, values: .texts(count: count, bytes: bytes), isRequired: false) {
            (value, owner) throws(RequestError) in
            let values = if case .array(let values) = value { values } else { [value] }
            guard values.count <= count else {
                throw .outOfRange(param: name, value: "a list of \(values.count)", allowed: "at most \(count)")
            }
            var texts: [String] = []
            for value in values { texts.append(try value.text(name, bytes: bytes)) }
            owner[keyPath: path] = texts
        } write: {
            let texts = $0[keyPath: path]
            return texts.isEmpty ? nil : .array(texts.map(JSON.string))
        }
    }

    package static func number(
        _ name: String, _ path: any WritableKeyPath<Owner, Double> & Sendable, _ range: ClosedRange<Double>,
        _ help: String
    ) -> Parameter {
        Parameter(name: name, help: help, values: .number(range), isRequired: false) {
            (value, owner) throws(RequestError) in
            owner[keyPath: path] = try value.number(name, range)
        } write: {
            .double($0[keyPath: path])
        }
    }

    package static func flag(
        _ name: String, _ path: any WritableKeyPath<Owner, Bool?> & Sendable, _ help: String
    ) -> Parameter {
        Parameter(name: name, help: help, values: .flag, isRequired: false) { (value, owner) throws(RequestError) in
            guard case .bool(let flag) = value else { throw .wrongType(param: name, expected: "true or false") }
            owner[keyPath: path] = flag
        } write: {
            $0[keyPath: path].map(JSON.bool)
        }
    }
}

// How a value of the body becomes a value of a parameter.
extension JSON {
    fileprivate func text(_ param: String, bytes limit: Int) throws(RequestError) -> String {
        guard case .string(let text) = self else { throw .wrongType(param: param, expected: "a string") }
        let bytes = text.utf8.count
        guard bytes <= limit else { throw .tooLong(param: param, bytes: bytes, limit: limit) }
        // Neither PNG nor EXIF can carry it, and C strings end there.
        guard !text.utf8.contains(0) else { throw .nulCharacter(param: param) }
        return text
    }

    fileprivate func integer(_ param: String, _ range: ClosedRange<Int>) throws(RequestError) -> Int {
        let value: Int
        switch self {
        case .int(let whole): value = whole
        case .unsigned: value = .max
        case .double(let number):
            // 20.0 is an integer for JSON's writers in other languages.
            guard let whole = Int(exactly: number) else { throw .wrongType(param: param, expected: "an integer") }
            value = whole
        default: throw .wrongType(param: param, expected: "an integer")
        }
        guard range.contains(value) else {
            throw .outOfRange(param: param, value: "\(value)", allowed: "\(range.lowerBound) to \(range.upperBound)")
        }
        return value
    }

    fileprivate func number(_ param: String, _ range: ClosedRange<Double>) throws(RequestError) -> Double {
        let value: Double
        switch self {
        case .int(let whole): value = Double(whole)
        case .unsigned(let whole): value = Double(whole)
        case .double(let number): value = number
        default: throw .wrongType(param: param, expected: "a number")
        }
        guard range.contains(value) else {
            throw .outOfRange(param: param, value: "\(value)", allowed: "\(range.lowerBound) to \(range.upperBound)")
        }
        return value
    }

    fileprivate func word<Word: RawRepresentable & CaseIterable>(_ param: String) throws(RequestError) -> Word
    where Word.RawValue == String {
        guard case .string(let text) = self else { throw .wrongType(param: param, expected: "a string") }
        guard let word = Word(rawValue: text) else {
            throw .unknownName(param: param, value: text, allowed: Word.allCases.map(\.rawValue))
        }
        return word
    }

    fileprivate func seed(_ param: String) throws(RequestError) -> UInt64? {
        switch self {
        case .int(-1): return nil
        case .int(let whole) where whole >= 0: return UInt64(whole)
        case .unsigned(let whole): return whole
        case .double(let number):
            if let whole = UInt64(exactly: number) { return whole }
            fallthrough
        default:
            throw .wrongType(param: param, expected: "an integer from 0 to 18446744073709551615, or -1")
        }
    }

    fileprivate func blob(_ param: String) throws(RequestError) -> Blob {
        guard case .string(let text) = self, text.utf8.count == 64,
            text.utf8.allSatisfy({ (48...57).contains($0) || (97...102).contains($0) })
        else { throw .wrongType(param: param, expected: "the SHA-256 of an uploaded file in hexadecimal") }
        return Blob(sha256: text)
    }
}
