// Numbers of a JSON document.

extension JSONScanner {
    /// Most bytes of a number; a double that is written out exactly has at most 1,077 digits.
    private static let longestNumber = 1100

    /// Reads a number: `int` or `unsigned` when it is written as an integer and fits, else `double`.
    package mutating func number() throws(JSONFault) -> JSON {
        _ = try peek()
        if let value = try notFinite() { return .double(value) }
        let start = offset
        let isNegative = current == UInt8(ascii: "-")
        if isNegative { offset += 1 }
        let first = offset
        let magnitude = digits()
        guard offset > first else { throw fault(.expected("a number")) }
        guard offset == first + 1 || document[first] != UInt8(ascii: "0") else { throw fault(.invalidNumber) }
        let isWhole = try !skipFraction()
        guard offset - start <= Self.longestNumber else { throw fault(.invalidNumber) }
        if isWhole, let magnitude {
            if !isNegative { return Int(exactly: magnitude).map { .int($0) } ?? .unsigned(magnitude) }
            // Int.min has no positive counterpart.
            if magnitude <= Int.min.magnitude { return .int(Int(truncatingIfNeeded: 0 &- UInt(magnitude))) }
        }
        guard let value = Double(String(decoding: document[start..<offset], as: UTF8.self)),
            value.isFinite || rules.allowsNonFinite
        else { throw fault(.invalidNumber) }
        return .double(value)
    }

    /// Takes NaN, Infinity or -Infinity if it is next.
    private mutating func notFinite() throws(JSONFault) -> Double? {
        let start = offset
        let value: Double
        if takes(word: "NaN") {
            value = .nan
        } else if takes(word: "Infinity") {
            value = .infinity
        } else if takes(word: "-Infinity") {
            value = -.infinity
        } else {
            return nil
        }
        guard rules.allowsNonFinite else { throw JSONFault(offset: start, reason: .notFinite) }
        return value
    }

    /// Takes digits and returns the number they write; nil where it does not fit.
    private mutating func digits() -> UInt64? {
        var number: UInt64? = 0
        while let byte = current, (0x30...0x39).contains(byte) {
            offset += 1
            guard let former = number else { continue }
            let (product, overflow) = former.multipliedReportingOverflow(by: 10)
            let (sum, carry) = product.addingReportingOverflow(UInt64(byte - 0x30))
            number = overflow || carry ? nil : sum
        }
        return number
    }

    /// Takes a fraction and an exponent; false where there is neither.
    private mutating func skipFraction() throws(JSONFault) -> Bool {
        let start = offset
        if current == UInt8(ascii: ".") {
            offset += 1
            try skipDigits()
        }
        if current == UInt8(ascii: "e") || current == UInt8(ascii: "E") {
            offset += 1
            if current == UInt8(ascii: "+") || current == UInt8(ascii: "-") { offset += 1 }
            try skipDigits()
        }
        return offset > start
    }

    private mutating func skipDigits() throws(JSONFault) {
        let start = offset
        while let byte = current, (0x30...0x39).contains(byte) { offset += 1 }
        guard offset > start else { throw fault(.expected("a digit")) }
    }

    /// Reads a number that is written as an integer and fits `Int`.
    package mutating func integer() throws(JSONFault) -> Int {
        _ = try peek()
        let start = offset
        guard case .int(let value) = try number() else {
            throw JSONFault(offset: start, reason: .expected("a whole number"))
        }
        return value
    }

    /// Reads an integer in 0…Int.max.
    package mutating func count() throws(JSONFault) -> Int {
        _ = try peek()
        let start = offset
        let value = try integer()
        guard value >= 0 else { throw JSONFault(offset: start, reason: .expected("a number from 0")) }
        return value
    }

    /// Reads a finite number.
    package mutating func double() throws(JSONFault) -> Double {
        _ = try peek()
        let start = offset
        guard let value = try number().asDouble, value.isFinite else {
            throw JSONFault(offset: start, reason: .notFinite)
        }
        return value
    }
}
