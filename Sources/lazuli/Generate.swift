import ArgumentParser
import Client
import Kinds
import Vocabulary

/// `lazuli generate`
struct Generate: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Make a picture from a prompt, alone or beginning from a picture.")

    @Argument(help: "What the picture shows.")
    var prompt: String

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
            if image == "-" && mask == "-" {
                throw Failure(Exit.usage, "Only one of --image and --mask can come from standard input.")
            }
            let image = try image.map { try SourceFile($0) }
            let mask = try mask.map { try SourceFile($0) }
            var parameters = Kinds.Generate(prompt: prompt)
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
            try drawing.draw(parameters, submission) { _, client in
                for file in [image, mask].compactMap(\.self) { try file.upload(to: client) }
            }
        }
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
