import API
import Foundation
import JSON
import Kinds
import Testing
import Vocabulary

/// docs/parameters.md is written by this test, from the tables of the kinds:
///
///     LAZULI_WRITE_DOCS=1 swift test --filter DocumentTests
///
/// Without that it compares.
@Suite struct DocumentTests {
    private static let kinds = [Kind(Generate.self), Kind(Describe.self), Kind(Upscale.self)]
    private static let file = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "../../docs/parameters.md").standardizedFileURL

    @Test func `the parameters in the documentation are the code's`() throws {
        let made = Self.document()
        if ProcessInfo.processInfo.environment["LAZULI_WRITE_DOCS"] != nil {
            try Data(made.utf8).write(to: Self.file)
        }
        #expect(try String(decoding: Data(contentsOf: Self.file), as: UTF8.self) == made)
    }

    private static func document() -> String {
        var text = """
            # Parameters

            The body of `POST /v1/jobs` is one flat object: `kind`, the parameters of that kind, and those of every job. A
            parameter that is left out or null has its default; an unknown one is a warning, or with `strict` an error.
            `GET /openapi.json` tells the same to programs. This page is written by `DocumentTests` from the tables of the kinds.

            ## Every job

            | parameter | values | default | meaning |
            | --- | --- | --- | --- |
            | `kind` | \(kinds.map { "`\($0.kind.rawValue)`" }.joined(separator: ", ")) | `\(kinds[0].kind.rawValue)` | What the job does. |
            | `priority` | \(JobBody.priorities.lowerBound) to \(JobBody.priorities.upperBound) | 0 | Jobs of a higher priority start first; above 0 for administrators only. |
            | `strict` | true, false | false | Whether an unknown parameter refuses the job. |

            """
        for kind in kinds {
            text += """

                ## `\(kind.kind.rawValue)`

                \(kind.summary)

                | parameter | values | default | meaning |
                | --- | --- | --- | --- |

                """
            for parameter in kind.parameters {
                let cells = ["`\(parameter.name)`", values(parameter.values), standard(parameter), parameter.help]
                text += "| \(cells.joined(separator: " | ")) |\n"
            }
        }
        return text
    }

    private static func standard(_ parameter: ParameterFacts) -> String {
        if parameter.isRequired { return "required" }
        return parameter.standard.map { "`\(String(decoding: $0.text(), as: UTF8.self))`" } ?? "–"
    }

    private static func values(_ values: ParameterValues) -> String {
        switch values {
        case .text(let bytes): "text of at most \(bytes) bytes"
        case .integer(let range): "\(range.lowerBound) to \(range.upperBound)"
        case .number(let range): "number, \(number(range.lowerBound)) to \(number(range.upperBound))"
        case .flag: "true, false"
        case .choice(let words): words.map { "`\($0)`" }.joined(separator: ", ")
        case .seed: "0 to 2⁶⁴ − 1, or −1"
        case .blob: "SHA-256 in hexadecimal"
        case .texts(let count, let bytes): "at most \(count) texts of at most \(bytes) bytes"
        case .messages(let bytes): "list of messages, at most \(bytes) bytes of text"
        }
    }

    private static func number(_ value: Double) -> String { Int(exactly: value).map(String.init) ?? "\(value)" }
}
