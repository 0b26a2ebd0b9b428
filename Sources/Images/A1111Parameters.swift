// The text in which AUTOMATIC1111 and its relatives keep the settings of a picture.
//
// Form     prompt, one or more lines; `Negative prompt: …`, one or more lines; one line of `Key: value, Key: value`
// Values with a comma, a colon or a line break are quoted as JSON strings.

/// Prompt, negative prompt and settings of a picture.
package struct A1111Parameters: Sendable, Equatable {
    package var prompt: String
    package var negativePrompt: String
    /// In the order of the text.
    package var settings: [Setting]

    package struct Setting: Sendable, Equatable {
        package var key, value: String

        package init(_ key: String, _ value: String) {
            self.key = key
            self.value = value
        }
    }

    package init(prompt: String, negativePrompt: String = "", settings: [Setting] = []) {
        self.prompt = prompt
        self.negativePrompt = negativePrompt
        self.settings = settings
    }

    /// The value of the first setting called `key`.
    package subscript(key: String) -> String? { settings.first { $0.key == key }?.value }

    private static let negativeMark = "Negative prompt:"

    /// The text.
    package var text: String {
        var lines = [prompt]
        if !negativePrompt.isEmpty { lines.append("\(Self.negativeMark) \(negativePrompt)") }
        if !settings.isEmpty {
            lines.append(settings.map { "\($0.key): \(Self.quoted($0.value))" }.joined(separator: ", "))
        }
        return lines.joined(separator: "\n")
    }

    /// Takes a text apart; a last line with fewer than three settings belongs to the prompt, as in AUTOMATIC1111.
    package init(_ text: String) {
        var lines = Self.trimmed(text[...]).split(separator: "\n", omittingEmptySubsequences: false)
        var settings = Self.settings(lines.last ?? "")
        if settings.count < 3 {
            settings = []
        } else {
            lines.removeLast()
        }
        var prompt: [Substring] = []
        var negative: [Substring] = []
        var isNegative = false
        for line in lines {
            if !isNegative, line.hasPrefix(Self.negativeMark) {
                isNegative = true
                negative.append(Self.trimmed(line.dropFirst(Self.negativeMark.count)))
            } else if isNegative {
                negative.append(line)
            } else {
                prompt.append(line)
            }
        }
        self.init(
            prompt: prompt.joined(separator: "\n"), negativePrompt: negative.joined(separator: "\n"), settings: settings
        )
    }

    private static func trimmed(_ text: Substring) -> Substring {
        var text = text
        while text.first?.isWhitespace == true { text.removeFirst() }
        while text.last?.isWhitespace == true { text.removeLast() }
        return text
    }

    private static func quoted(_ value: String) -> String {
        guard value.contains(where: { $0 == "," || $0 == ":" || $0 == "\"" || $0.isNewline }) else { return value }
        var quoted = "\""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\"", "\\": quoted += "\\\(scalar)"
            case "\n": quoted += "\\n"
            case "\r": quoted += "\\r"
            case "\t": quoted += "\\t"
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }

    /// The settings of one line; pieces that are none are skipped.
    private static func settings(_ line: Substring) -> [Setting] {
        var settings: [Setting] = []
        var rest = line
        while !rest.isEmpty {
            guard let colon = rest.firstIndex(of: ":") else { break }
            // What stands before the last comma in front of the colon belongs to no key.
            let before = rest[..<colon]
            let key = trimmed(before.lastIndex(of: ",").map { before[before.index(after: $0)...] } ?? before)
            rest = trimmed(rest[rest.index(after: colon)...])
            let value: String
            if rest.first == "\"", let (text, end) = unquoted(rest) {
                value = text
                rest = rest[end...]
            } else {
                let end = rest.firstIndex(of: ",") ?? rest.endIndex
                value = String(trimmed(rest[..<end]))
                rest = rest[end...]
            }
            if rest.first == "," { rest.removeFirst() }
            if !key.isEmpty, key.allSatisfy({ $0.isLetter || $0.isNumber || " _-/".contains($0) }) {
                settings.append(Setting(String(key), value))
            }
        }
        return settings
    }

    /// The content of the quoted string that `text` begins with, and where it ends; nil when it does not end.
    private static func unquoted(_ text: Substring) -> (String, Substring.Index)? {
        var value = ""
        var index = text.index(after: text.startIndex)
        while index < text.endIndex {
            let character = text[index]
            index = text.index(after: index)
            if character == "\"" { return (value, index) }
            guard character == "\\", index < text.endIndex else {
                value.append(character)
                continue
            }
            switch text[index] {
            case "n": value.append("\n")
            case "r": value.append("\r")
            case "t": value.append("\t")
            case "u":
                let digits = text[text.index(after: index)...].prefix(4)
                guard digits.count == 4, let code = UInt32(digits, radix: 16) else { return nil }
                value.unicodeScalars.append(Unicode.Scalar(code) ?? "\u{FFFD}")
                index = text.index(index, offsetBy: 4)
            case let other: value.append(other)
            }
            index = text.index(after: index)
        }
        return nil
    }
}
