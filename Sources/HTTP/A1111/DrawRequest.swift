// `POST /sdapi/v1/txt2img` and `img2img`: what AUTOMATIC1111's clients send, as a job of ours.
//
// Reference   AUTOMATIC1111 `modules/api/models.py`, `modules/processing.py`

import API
import Foundation
import JSON
import Kinds
import Vocabulary

/// A request for pictures in the dialect.
struct A1111DrawRequest {
    /// The job, without the pictures that it begins from.
    private(set) var parameters: Generate
    let image, mask: [UInt8]?
    let imageGuidance: Double?
    let taskID: String?
    /// Whether the reply carries the pictures.
    let sendsImages: Bool
    /// The request as the reply repeats it.
    let echo: JSON

    init(_ body: JSON, beginsFromPicture: Bool, options: A1111Options) throws(ErrorBody) {
        guard let members = body.asObject else { throw .detail("The body is not an object.", 422) }
        do throws(RequestError) {
            var parameters = Generate(prompt: members["prompt"]?.asString ?? "")
            try Self.fill(&parameters, members, options)
            if beginsFromPicture { try Self.fillSource(&parameters, members) }
            self.parameters = parameters
            imageGuidance = try members.number("image_cfg_scale", 0...100)
            sendsImages = try members.flag("send_images") ?? true
        } catch {
            throw .detail(error.body.message, 422)
        }
        taskID = members["force_task_id"]?.asString
        guard beginsFromPicture else {
            (image, mask) = (nil, nil)
            echo = body
            return
        }
        guard let first = members["init_images"]?.asArray?.first?.asString else {
            throw .detail("Init image not found", 404)
        }
        image = try Self.picture(first)
        mask = try members["mask"]?.asString.map { (text) throws(ErrorBody) in try Self.picture(text) }
        var echo = members
        if members["include_init_images"] != .bool(true) { (echo["init_images"], echo["mask"]) = (.null, .null) }
        self.echo = .object(echo)
    }

    /// Base64 as it arrives: bare, as a `data:` address of any type, in lines.
    static func picture(_ text: String) throws(ErrorBody) -> [UInt8] {
        let bare = text.hasPrefix("data:") ? String(text.split(separator: ",", maxSplits: 1).last ?? "") : text
        guard let bytes = Data(base64Encoded: bare, options: .ignoreUnknownCharacters), !bytes.isEmpty else {
            throw .detail("Invalid encoded image", 422)
        }
        return Array(bytes)
    }

    /// About as many as a client that asks every second sees.
    private static let previews = 8

    private static func fill(
        _ parameters: inout Generate, _ members: [String: JSON], _ options: A1111Options
    ) throws(RequestError) {
        try refuse(members)
        // Prompts have weights there, and whoever asks for progress is shown a picture.
        (parameters.promptSyntax, parameters.previews) = (.weighted, previews)
        let settings = members["override_settings"]?.asObject ?? [:]
        parameters.model = A1111Options.model(settings["sd_model_checkpoint"]?.asString) ?? options.model
        let negative = members["negative_prompt"]?.asString ?? ""
        parameters.negativePrompt = negative.isEmpty ? nil : negative
        parameters.seed = try members.integer("seed", -1...Int.max).flatMap { $0 < 0 ? nil : UInt64($0) }
        parameters.steps = try members.integer("steps", 1...1000) ?? 50
        parameters.guidance = try members.number("cfg_scale", 0...100) ?? 7
        parameters.width = try members.integer("width", 1...4096)
        parameters.height = try members.integer("height", 1...4096)
        let batch = try members.integer("batch_size", 1...16) ?? 1
        let rounds = try members.integer("n_iter", 1...16) ?? 1
        guard batch * rounds <= 16 else {
            throw .outOfRange(param: "n_iter", value: "\(rounds)", allowed: "16 pictures in all")
        }
        parameters.count = batch * rounds
        parameters.sampler = name(members["sampler_name"]) ?? name(members["sampler_index"])
        parameters.schedule = name(members["scheduler"])
        // Counted from the last layer here, from none left out there.
        for key in [members["clip_skip"], settings["CLIP_stop_at_last_layers"]] {
            if let layers = key?.asInt, layers > 1 { parameters.clipSkip = layers - 1 }
        }
        if parameters.clipSkip == nil, options.clipLayers > 1 { parameters.clipSkip = options.clipLayers - 1 }
    }

    /// Words that leave the choice to the checkpoint.
    private static func name(_ value: JSON?) -> String? {
        guard let name = value?.asString, !["", "automatic", "none"].contains(name.lowercased()) else { return nil }
        return name
    }

    /// What asks for something that is not here; what is off, empty or null asks for nothing.
    private static func refuse(_ members: [String: JSON]) throws(RequestError) {
        if try members.flag("enable_hr") == true {
            throw .outOfRange(param: "enable_hr", value: "true", allowed: "false in this version")
        }
        if let script = name(members["script_name"]) {
            throw .unknownName(param: "script_name", value: script, allowed: [])
        }
        for (script, value) in members["alwayson_scripts"]?.asObject ?? [:] {
            let arguments = value["args"]?.asArray ?? value.asArray ?? []
            let asks = arguments.contains { argument in
                argument["enabled"] != .bool(false)
                    && !(argument.asObject?.isEmpty ?? (argument == .null || argument == .bool(false)))
            }
            if asks { throw .unknownName(param: "alwayson_scripts", value: script, allowed: []) }
        }
        if let strength = try members.number("subseed_strength", -1...1), strength > 0 {
            throw .outOfRange(param: "subseed_strength", value: "\(strength)", allowed: "0 in this version")
        }
        for name in ["tiling", "restore_faces"] where try members.flag(name) == true {
            throw .outOfRange(param: name, value: "true", allowed: "false in this version")
        }
    }

    private static func fillSource(_ parameters: inout Generate, _ members: [String: JSON]) throws(RequestError) {
        switch try members.integer("resize_mode", 0...3) ?? 0 {
        case 0: break
        case 1: parameters.fit = .crop
        case 2: parameters.fit = .pad
        default: throw .outOfRange(param: "resize_mode", value: "3", allowed: "0, 1 or 2")
        }
        parameters.strength = max(0.001, try members.number("denoising_strength", 0...1) ?? 0.75)
        guard name(members["mask"]) != nil else { return }
        var blur = try members.integer("mask_blur", 0...256) ?? 4
        for side in ["mask_blur_x", "mask_blur_y"] { blur = max(blur, try members.integer(side, 0...256) ?? 0) }
        parameters.maskBlur = blur
        switch try members.integer("inpainting_fill", 0...3) ?? 0 {
        case 0: parameters.maskedContent = .fill
        case 1: parameters.maskedContent = .original
        case 2: parameters.maskedContent = .noise
        default: throw .outOfRange(param: "inpainting_fill", value: "3", allowed: "0, 1 or 2")
        }
        let inverts = members["inpainting_mask_invert"]
        parameters.invertMask = inverts == .bool(true) || inverts?.asInt == 1 ? true : nil
        if try members.flag("inpaint_full_res") ?? true {
            parameters.maskedOnly = true
            parameters.maskPadding = try members.integer("inpaint_full_res_padding", 0...1024) ?? 0
        }
    }

    /// The job over uploaded pictures; `byInstruction`: with a model that only takes instructions.
    func submission(image: Blob?, mask: Blob?, byInstruction: Bool) throws(RequestError) -> JobSubmission {
        var drawing = parameters
        (drawing.image, drawing.mask) = (image, mask)
        guard byInstruction, let image else { return try Self.settled(drawing) }
        var edit = Edit(prompt: drawing.prompt, image: image)
        (edit.model, edit.negativePrompt, edit.steps) = (drawing.model, drawing.negativePrompt, drawing.steps)
        (edit.guidance, edit.imageGuidance, edit.seed) = (drawing.guidance, imageGuidance, drawing.seed)
        (edit.width, edit.height, edit.count) = (drawing.width, drawing.height, drawing.count)
        (edit.sampler, edit.schedule, edit.clipSkip) = (drawing.sampler, drawing.schedule, drawing.clipSkip)
        edit.fit = drawing.fit
        (edit.promptSyntax, edit.previews) = (drawing.promptSyntax, drawing.previews)
        return try Self.settled(edit)
    }

    private static func settled(_ parameters: some JobParameters) throws(RequestError) -> JobSubmission {
        var parameters = try parameters.validated()
        parameters.settle()
        return JobSubmission(parameters)
    }
}

extension ErrorBody {
    /// A refusal in the dialect's words.
    static func detail(_ text: String, _ status: Int) -> ErrorBody {
        ErrorBody(status == 404 ? .notFound : .invalidRequest, code: "detail", message: text)
    }
}
