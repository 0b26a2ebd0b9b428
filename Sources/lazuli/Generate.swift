import ArgumentParser
import Client
import Foundation
import Kinds
import Vocabulary

/// `lazuli generate`
struct Generate: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Make a picture from a prompt, alone or beginning from a picture.")

    @Argument(help: "What the picture shows; - reads it from standard input.")
    var prompt: String?

    @Option(
        help: ArgumentHelp(
            "Make a picture from every line of this file, one after the other; - reads standard input.",
            valueName: "file"))
    var prompts: String?

    @Option(help: ArgumentHelp("Begin from this picture; - reads it from standard input.", valueName: "file"))
    var image: String?

    @Option(
        help: ArgumentHelp(
            "How much of the picture is drawn anew, above 0 to 1. Default: 0.75; 1 with a mask or --extend.",
            valueName: "part"))
    var strength: Double?

    @Option(help: ArgumentHelp("Repaint the picture only where this one of its size is white.", valueName: "file"))
    var mask: String?

    @Flag(help: "Repaint where the mask is black, or transparent, instead.")
    var invertMask = false

    @Option(help: ArgumentHelp("Soften the mask's edge by this many pixels.", valueName: "pixels"))
    var maskBlur: Int?

    @Option(help: "What stands under the mask before it is repainted.")
    var maskedContent: MaskedContent?

    @Flag(help: "Draw only the part around the mask, at the model's own size.")
    var maskedOnly = false

    @Option(
        help: ArgumentHelp("Pixels around the mask that --masked-only draws with it. Default: 32.", valueName: "pixels")
    )
    var maskPadding: Int?

    @Option(help: "Whose pixels stand outside the mask: the picture's own (input) or the model's.")
    var unmasked: UnmaskedPixels?

    @Option(
        help: ArgumentHelp(
            "Extend the picture at its sides: left=64,top=32, also right and bottom.", valueName: "sides"))
    var extend: Sides?

    @Option(help: "How the picture comes to a --size of other proportions: stretched, cropped or padded.")
    var fit: SizeFit?

    @OptionGroup
    var drawing: DrawingOptions

    @OptionGroup
    var submission: SubmissionOptions

    func run() throws {
        try reportingFailures {
            if [image, mask, prompt, prompts].count(where: { $0 == "-" }) > 1 {
                throw Failure(Exit.usage, "Only one of prompt, --image and --mask can come from standard input.")
            }
            let texts = try PromptText.read(prompt, file: prompts)
            let image = try image.map { try SourceFile($0) }
            let mask = try mask.map { try SourceFile($0) }
            var parameters = Kinds.Generate(prompt: texts[0])
            try drawing.fill(&parameters)
            parameters.fit = fit
            (parameters.image, parameters.mask) = (image?.blob, mask?.blob)
            parameters.strength = strength
            parameters.invertMask = invertMask ? true : nil
            parameters.maskBlur = maskBlur
            parameters.maskedContent = maskedContent
            parameters.maskedOnly = maskedOnly ? true : nil
            parameters.maskPadding = maskPadding
            parameters.unmasked = unmasked
            if let sides = extend?.margins {
                (parameters.extendLeft, parameters.extendTop) = (sides.left, sides.top)
                (parameters.extendRight, parameters.extendBottom) = (sides.right, sides.bottom)
            }
            for (index, text) in texts.enumerated() {
                parameters.prompt = text
                try drawing.draw(parameters, submission, series: texts.count > 1 ? index + 1 : nil) { _, client in
                    for file in [image, mask].compactMap(\.self) { try file.upload(to: client) }
                }
            }
        }
    }
}

/// Prompts from the command line, from standard input and from files.
enum PromptText {
    private static let limit = 1 << 20

    /// The prompt, or every line of `file` that is not blank.
    static func read(_ prompt: String?, file: String?) throws -> [String] {
        guard (prompt == nil) != (file == nil) else {
            throw Failure(Exit.usage, "Give a prompt, or --prompts with a file of them, and not both.")
        }
        guard let path = file ?? (prompt == "-" ? "-" : nil) else { return [prompt ?? ""] }
        guard var text = String(validating: try Paths.read(path, limit: limit), as: UTF8.self) else {
            throw Failure(Exit.badInput, "\(path) is not text in UTF-8. Save it as UTF-8.")
        }
        if text.hasPrefix("\u{FEFF}") { text.removeFirst() }
        guard file != nil else { return [text.trimmingCharacters(in: .newlines)] }
        let lines = text.split(whereSeparator: \.isNewline).map { $0.trimmingCharacters(in: .whitespaces) }
            .filter { !$0.isEmpty }
        guard !lines.isEmpty else { throw Failure(Exit.badInput, "\(path) has no prompt. Write one into each line.") }
        return lines
    }
}

/// Sides as the command line writes them: left=64,top=32.
struct Sides: ExpressibleByArgument, Equatable {
    var margins = Margins()

    init?(argument: String) {
        for side in argument.lowercased().split(separator: ",", omittingEmptySubsequences: false) {
            let parts = side.split(separator: "=", omittingEmptySubsequences: false)
            guard parts.count == 2, let pixels = Int(parts[1]), pixels >= 0 else { return nil }
            switch parts[0] {
            case "left": margins.left = pixels
            case "top": margins.top = pixels
            case "right": margins.right = pixels
            case "bottom": margins.bottom = pixels
            default: return nil
            }
        }
    }
}
