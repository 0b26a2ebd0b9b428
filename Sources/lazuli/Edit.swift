import ArgumentParser
import Client
import Kinds
import Vocabulary

/// `lazuli edit FILE "make the background blue"`
struct Edit: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Change a picture as an instruction says.",
        discussion: """
            The model must have been trained for it; `lazuli models list --json` names what each can do. To repaint a part or \
            to go on from a picture with any model, see `lazuli generate --image`.
            """)

    @Argument(help: "A PNG, JPEG or WebP file, or - for standard input.")
    var file: String

    @Argument(help: "What to change, such as \"make the background blue\".")
    var instruction: String

    @Option(help: "Scale of the guidance by the picture: more keeps more of it. Default: the model's own.")
    var imageGuidance: Double?

    @Option(help: "How the picture comes to a --size of other proportions: stretched, cropped or padded.")
    var fit: SizeFit?

    @OptionGroup
    var drawing: DrawingOptions

    @OptionGroup
    var submission: SubmissionOptions

    func run() throws {
        try reportingFailures {
            let source = try SourceFile(file)
            var parameters = Kinds.Edit(prompt: instruction, image: source.blob)
            try drawing.fill(&parameters)
            parameters.fit = fit
            parameters.imageGuidance = imageGuidance
            try drawing.draw(parameters, submission) { _, client in try source.upload(to: client) }
        }
    }
}
