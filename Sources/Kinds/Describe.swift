package import Vocabulary

/// The facts of a picture: size, colours, recipe. Needs no model.
package struct Describe: JobParameters {
    package var image = Blob(sha256: "")

    package init() {}

    package init(image: Blob) {
        self.image = image
    }

    package static let kind = JobKind("describe")
    package static let summary = "Tells the facts of a picture: its size, its colours and the recipe it carries."
    package static let table: [Parameter<Describe>] = [
        .blob("image", \.image, "The picture, by the SHA-256 under which it was uploaded.")
    ]

    package var title: String { "describe \(image.sha256.prefix(12))" }
    package var inputs: [Blob] { [image] }

    package struct Result: Codable, Sendable, Equatable {
        package var text: String
        /// The settings as AUTOMATIC1111 writes them into a file.
        package var parameters: String?

        package init(text: String, parameters: String? = nil) {
            self.text = text
            self.parameters = parameters
        }
    }
}
