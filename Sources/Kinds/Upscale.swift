package import API
package import Vocabulary

/// A picture with more pixels.
package struct Upscale: JobParameters {
    package var image = Blob(sha256: "")
    package var model: String?
    /// Pixels of the result for a pixel of the picture, along each side.
    package var scale: Int?
    /// Pixels.
    package var width: Int?
    package var height: Int?
    package var precision: Precision?
    package var format = ImageFormat.png
    /// JPEG or WebP quality, 1 to 100.
    package var quality = 95

    package init() {}

    package init(image: Blob) {
        self.image = image
    }

    /// The model that resamples and needs no weights.
    package static let lanczos = "lanczos"

    package static let kind = JobKind("upscale")
    package static let summary = "Enlarges a picture."
    package static let table: [Parameter<Upscale>] = [
        .blob("image", \.image, "The picture, by the SHA-256 under which it was uploaded."),
        .text(
            "model", \.model, bytes: 256,
            "Name of the upscaler; the default one when left out. `lanczos` resamples and needs no weights."),
        .integer(
            "scale", \.scale, 1...8,
            "How many times as wide and high the result is; the upscaler's own factor when left out. What the upscaler "
                + "makes is brought to it by Lanczos resampling."),
        .integer(
            "width", \.width, 1...16384, "Width of the result in pixels; in proportion when only the height is given."),
        .integer(
            "height", \.height, 1...16384, "Height of the result in pixels; in proportion when only the width is given."
        ),
        .choice("precision", \.precision, "Arithmetic; the fastest that machine and model allow when left out."),
        .choice("format", \.format, "Format of the file."),
        .integer("quality", \.quality, 1...100, "JPEG or WebP quality; a WebP of 100 is lossless."),
    ]

    package var title: String { "upscale \(image.sha256.prefix(12))" }
    package var inputs: [Blob] { [image] }

    package func check() throws(RequestError) {
        guard let scale, width != nil || height != nil else { return }
        throw .outOfRange(
            param: "scale", value: "\(scale)", allowed: "nothing beside width or height, which say the size already")
    }

    package struct Result: Codable, Sendable, Equatable {
        /// `lanczos`, or the model's name.
        package var model: String
        /// SHA-256 of the model's file, in hexadecimal; nil for Lanczos.
        package var modelSHA256: String?
        /// The kernel table, such as `avx512`.
        package var kernels: String
        package var threads: Int
        /// Size of the picture, upright.
        package var sourceWidth, sourceHeight: Int
        /// Seconds by stage, under the names of `Stage`.
        package var seconds: [String: Double]
        package var peakMemoryBytes: Int

        package init(
            model: String, modelSHA256: String?, kernels: String, threads: Int, sourceWidth: Int, sourceHeight: Int,
            seconds: [Stage: Double], peakMemoryBytes: Int
        ) {
            self.model = model
            self.modelSHA256 = modelSHA256
            self.kernels = kernels
            self.threads = threads
            self.sourceWidth = sourceWidth
            self.sourceHeight = sourceHeight
            self.seconds = Dictionary(uniqueKeysWithValues: seconds.map { ($0.key.rawValue, $0.value) })
            self.peakMemoryBytes = peakMemoryBytes
        }

        private enum CodingKeys: String, CodingKey {
            case model, kernels, threads, seconds
            case modelSHA256 = "model_sha256"
            case sourceWidth = "source_width"
            case sourceHeight = "source_height"
            case peakMemoryBytes = "peak_memory_bytes"
        }
    }
}
