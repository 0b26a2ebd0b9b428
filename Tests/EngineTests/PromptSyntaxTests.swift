import API
import Foundation
import Images
import Kinds
import Pipelines
import Tensor
import Testing
import Vocabulary

/// Prompts as AUTOMATIC1111 reads them. The cases are those by which it tests itself.
@Suite struct PromptSyntaxTests {
    @Test(
        arguments: [
            ("normal text", [("normal text", 1)]), ("", [("", 1)]),
            ("an (important) word", [("an ", 1), ("important", 1.1), (" word", 1)]),
            ("(unbalanced", [("unbalanced", 1.1)]), (#"\(literal\]"#, [("(literal]", 1)]),
            ("(unnecessary)(parens)", [("unnecessaryparens", 1.1)]), ("a) b]", [("a) b]", 1)]),
            ("(a:0)", [("a", 0)]), ("(a:-1.5)", [("a", -1.5)]), ("a:1.5)", [("a:1.5)", 1)]),
            ("(a:1.2.3)", [("a:1.2.3", 1.1)]),
            (
                "a (((house:1.3)) [on] a (hill:0.5), sun, (((sky))).",
                [
                    ("a ", 1), ("house", 1.573), (" ", 1.1), ("on", 1), (" a ", 1.1), ("hill", 0.55), (", sun, ", 1.1),
                    ("sky", 1.4641), (".", 1.1),
                ]
            ),
        ] as [(String, [(String, Double)])])
    func `brackets weigh`(prompt: String, parts: [(String, Double)]) {
        let read = WeightedPrompt(prompt).parts
        #expect(read.count == parts.count)
        for (part, wanted) in zip(read, parts) {
            guard case .text(let text, let weight) = part else {
                Issue.record("a break")
                continue
            }
            #expect(text == wanted.0 && abs(Double(weight) - wanted.1) < 1e-4, "\(text) \(weight)")
        }
    }

    @Test func `BREAK is a word of its own`() {
        let parts = WeightedPrompt("a BREAK (b\nBREAK c:1.2) BREAKFAST").parts
        let texts: [WeightedPrompt.Part] = [
            .text("a", weight: 1), .contextBreak, .text("b", weight: 1.2), .contextBreak, .text("c", weight: 1.2),
            .text(" BREAKFAST", weight: 1),
        ]
        #expect(parts == texts, "\(parts)")
        #expect(!WeightedPrompt("a BREAK b").isPlain && WeightedPrompt("a BREAKb").isPlain)
    }

    @Test(
        arguments: [
            ("test", [(10, "test")]), ("a [b:3]", [(3, "a "), (10, "a b")]), ("a [b: 3]", [(3, "a "), (10, "a b")]),
            ("a [[[b]]:2]", [(2, "a "), (10, "a [[b]]")]), ("[(a:2):3]", [(3, ""), (10, "(a:2)")]),
            ("a [b : c : 1] d", [(1, "a b  d"), (10, "a  c  d")]),
            ("a[b:[c:d:2]:1]e", [(1, "abe"), (2, "ace"), (10, "ade")]), ("a [unbalanced", [(10, "a [unbalanced")]),
            ("a [b:.5] c", [(5, "a  c"), (10, "a b c")]), ("a [{b|d{:.5] c", [(5, "a  c"), (10, "a {b|d{ c")]),
            ("((a][:b:c [d:3]", [(3, "((a][:b:c "), (10, "((a][:b:c d")]),
            (#"a \[b:3\]"#, [(10, #"a \[b:3\]"#)]), ("[a::4]b", [(4, "ab"), (10, "b")]), ("[a:b:99]", [(10, "a")]),
            ("[a:b:0]", [(10, "b")]), ("[a:b:nan]", [(10, "[a:b:nan]")]), ("[a:b:c:3]", [(10, "[a:b:c:3]")]),
        ] as [(String, [(Int, String)])])
    func `prompts change on the way`(prompt: String, texts: [(Int, String)]) {
        let schedule = PromptSchedule(prompt, steps: 10)
        #expect(schedule.texts.map(\.last) == texts.map(\.0), "\(schedule.texts)")
        #expect(schedule.texts.map(\.text) == texts.map(\.1), "\(schedule.texts)")
    }

    @Test func `prompts alternate`() {
        let two = PromptSchedule("[a|(b:1.1)]", steps: 4)
        #expect(two.texts.map(\.text) == ["a", "(b:1.1)", "a", "(b:1.1)"])
        #expect(PromptSchedule("[fe|]male", steps: 3).texts.map(\.text) == ["female", "male", "female"])
        let four = PromptSchedule("[fe|||]male", steps: 8)
        #expect(
            four.texts.map(\.last) == [1, 4, 5, 8] && four.texts.map(\.text) == ["female", "male", "female", "male"])
        // The reference counts the first step twice.
        #expect((0...4).map { two.text(at: $0) } == ["a", "a", "(b:1.1)", "a", "(b:1.1)"])
    }

    @Test func `no prompt is too deep or too long to read`() {
        for depth in [1, 31, 32, 33, 2000] {
            for open in ["[", "(", "[a:", "[a|", #"\["#, "[[:"] {
                let text = String(repeating: open, count: depth)
                for prompt in [
                    text, text + String(repeating: ":3]", count: depth), text + String(repeating: ")", count: depth),
                ] {
                    _ = PromptSchedule(prompt, steps: 20)
                    _ = WeightedPrompt(prompt)
                }
            }
        }
    }

    @Test(arguments: ["weighted-sd1", "weighted-sdxl"])
    func `weighted prompts draw as the reference computes them`(golden: String) throws {
        let folder = try TemporaryFolder()
        let model = try TinyModel(golden)
        try model.write(to: "\(folder.path)/m")
        let workshop = folder.workshop()
        for (number, request) in model.requests.enumerated() {
            var request = request
            request.model = "m"
            #expect(request.promptSyntax == .weighted)
            let reports = try workshop.draw(request).reports
            let found = try Image.decode(try #require(reports.files.first)).samples.map { Float($0) }
            let distance = zip(found, model.pictures[number].floats).map { abs($0 - $1) }.max() ?? 255
            #expect(distance <= 2, "request \(number): \(distance)")
            // Read as it stands, the prompt means another picture.
            request.promptSyntax = nil
            let plain = try Image.decode(try #require(try workshop.draw(request).reports.files.first)).samples
            #expect(plain.map { Float($0) } != found)
        }
    }
}
