package import FoundationEssentials

/// A picture of a job under way: what the samplers' estimate of the end looks like now, often smaller than the end itself.
package struct Preview: Codable, Sendable, Equatable {
    /// Number of the picture in the job.
    package var picture: Int
    /// Steps done of `steps`, over the whole job.
    package var step: Int
    package var steps: Int
    package var width: Int
    package var height: Int
    /// A PNG file; base64 in JSON.
    package var png: Data

    package init(picture: Int, step: Int, of steps: Int, width: Int, height: Int, png: Data) {
        self.picture = picture
        self.step = step
        self.steps = steps
        self.width = width
        self.height = height
        self.png = png
    }

    private enum CodingKeys: String, CodingKey {
        case picture, step, steps, width, height
        case png = "b64_png"
    }
}
