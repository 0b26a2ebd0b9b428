// `POST /v1/images/generations` and `/v1/images/edits`: what OpenAI's clients send, as a job of ours.
//
// Reference   openai-openapi, CreateImageRequest and CreateImageEditRequest

import API
import Foundation
import JSON
import Kinds
import Vocabulary

/// A request for pictures in the dialect.
struct ImageRequest {
    let prompt: String
    let model: String?
    let count: Int
    /// nil: the model's own, or the source's.
    let size: (width: Int, height: Int)?
    let format: ImageFormat
    let quality: Int
    /// Pictures come as `data:` addresses instead of base64 alone.
    let asAddress: Bool
    let streams: Bool
    /// Previews that a stream shows before the picture.
    let partialImages: Int
    private let members: [String: JSON]

    init(_ members: [String: JSON]) throws(RequestError) {
        self.members = members
        guard let prompt = members["prompt"]?.asString else { throw .missing(param: "prompt") }
        self.prompt = prompt
        model = OpenAIDialect.model(members["model"])
        count = try members.integer("n", 1...10) ?? 1
        size = try Self.size(members["size"])
        let name = members["output_format"]?.asString ?? "png"
        guard let format = ImageFormat(rawValue: name == "jpg" ? "jpeg" : name) else {
            throw .unknownName(
                param: "output_format", value: name, allowed: ImageFormat.allCases.map(\.rawValue))
        }
        self.format = format
        quality = max(1, try members.integer("output_compression", 0...100) ?? 95)
        if members["background"]?.asString == "transparent" {
            throw .outOfRange(param: "background", value: "transparent", allowed: "opaque or auto")
        }
        switch members["response_format"]?.asString ?? "b64_json" {
        case "b64_json": asAddress = false
        case "url": asAddress = true
        case let other: throw .unknownName(param: "response_format", value: other, allowed: ["b64_json", "url"])
        }
        streams = try members.flag("stream") ?? false
        partialImages = try members.integer("partial_images", 0...3) ?? 0
    }

    private static func size(_ value: JSON?) throws(RequestError) -> (width: Int, height: Int)? {
        guard let text = value?.asString, text != "auto", !text.isEmpty else { return nil }
        let sides = text.lowercased().split(separator: "x", omittingEmptySubsequences: false).map { Int($0) }
        guard sides.count == 2, let width = sides[0], let height = sides[1], width > 0, height > 0 else {
            throw .wrongType(param: "size", expected: "\"auto\" or WIDTHxHEIGHT")
        }
        return (width, height)
    }

    /// A drawing from the prompt alone.
    func generate() throws(RequestError) -> JobSubmission {
        var parameters = Generate(prompt: prompt)
        try fill(&parameters)
        return try settled(parameters)
    }

    /// A picture repainted where its mask is transparent, as this dialect has it, or changed by an instruction.
    func edit(image: Blob, mask: Blob?) throws(RequestError) -> JobSubmission {
        guard let mask else {
            var parameters = Edit(prompt: prompt, image: image)
            try fill(&parameters)
            parameters.imageGuidance = try members.number("image_guidance", 0...100)
            return try settled(parameters)
        }
        var parameters = Generate(prompt: prompt)
        try fill(&parameters)
        (parameters.image, parameters.mask, parameters.invertMask) = (image, mask, true)
        parameters.strength = try members.number("strength", 0.001...1)
        return try settled(parameters)
    }

    private func settled(_ parameters: some JobParameters) throws(RequestError) -> JobSubmission {
        var parameters = try parameters.validated()
        parameters.settle()
        return JobSubmission(parameters)
    }

    /// What other programs send beyond the dialect, under the names that they use.
    private func fill(_ parameters: inout some DrawingParameters) throws(RequestError) {
        parameters.model = model
        parameters.count = count
        (parameters.width, parameters.height) = (size?.width, size?.height)
        (parameters.format, parameters.quality) = (format, quality)
        if streams, partialImages > 0 { parameters.previews = partialImages }
        parameters.negativePrompt = members["negative_prompt"]?.asString
        for name in ["step", "steps"] {
            if let steps = try members.integer(name, 1...1000) { parameters.steps = steps }
        }
        for name in ["guidance", "cfg_scale", "guidance_scale"] {
            if let scale = try members.number(name, 0...100) { parameters.guidance = scale }
        }
        parameters.seed = try members.integer("seed", -1...Int.max).flatMap { $0 < 0 ? nil : UInt64($0) }
        parameters.sampler = members["sampler"]?.asString
        parameters.schedule = members["scheduler"]?.asString ?? members["schedule"]?.asString
    }

    /// What the reply tells of the pictures, beside them.
    func facts(_ output: Output?) -> [String: JSON] {
        [
            "background": .string("opaque"), "output_format": .string(format.rawValue), "quality": .string("auto"),
            "size": .string(output.map { "\($0.width ?? 0)x\($0.height ?? 0)" } ?? "auto"),
        ]
    }

    /// A preview as a stream tells it: a PNG of its own size, whatever format was asked for.
    func partial(_ preview: Preview, number: Int, of kind: String, created: Int) -> JSON {
        .object([
            "type": .string("\(kind).partial_image"), "partial_image_index": .int(number),
            "b64_json": .string(preview.png.base64EncodedString()), "created_at": .int(created),
            "background": .string("opaque"), "output_format": .string("png"), "quality": .string("auto"),
            "size": .string("\(preview.width)x\(preview.height)"),
        ])
    }

    /// No tokens are charged for.
    static let usage = JSON.object([
        "total_tokens": .int(0), "input_tokens": .int(0), "output_tokens": .int(0),
        "input_tokens_details": .object(["text_tokens": .int(0), "image_tokens": .int(0)]),
    ])

    /// A picture as the reply carries it.
    func picture(_ bytes: Data) -> (name: String, value: JSON) {
        let text = bytes.base64EncodedString()
        return asAddress ? ("url", .string("data:\(format.mediaType);base64,\(text)")) : ("b64_json", .string(text))
    }
}
