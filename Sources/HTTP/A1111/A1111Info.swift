import API
import JSON
import Kinds
import Vocabulary

/// What the dialect tells of finished pictures: JSON that its reply carries as a string.
struct A1111Info {
    let json: JSON

    init(_ asked: A1111DrawRequest, _ status: JobStatus, _ result: JSON) {
        let drawn = result["parameters"]
        let prompt = asked.parameters.prompt
        let negative = asked.parameters.negativePrompt ?? ""
        let seeds = status.outputs.map { JSON.unsigned($0.seed ?? 0) }
        let sampler = asked.parameters.sampler ?? drawn?["sampler"]?.asString ?? ""
        let (width, height) = (status.outputs.first?.width ?? 0, status.outputs.first?.height ?? 0)
        let (model, hash) = (
            result["model"]?.asString ?? "", String((result["model_sha256"]?.asString ?? "").prefix(10))
        )
        let steps = drawn?["steps"]?.asInt ?? 0
        let scale = drawn?["guidance"]?.asDouble ?? 0
        let texts = status.outputs.map { output -> JSON in
            var line = "Steps: \(steps), Sampler: \(sampler)"
            if let schedule = asked.parameters.schedule { line += ", Schedule type: \(schedule)" }
            line += ", CFG scale: \(Int(exactly: scale).map(String.init) ?? String(scale)), Seed: \(output.seed ?? 0)"
            line += ", Size: \(width)x\(height), Model hash: \(hash), Model: \(model)"
            if let strength = asked.parameters.strength { line += ", Denoising strength: \(strength)" }
            line += ", Version: Lazuli \(lazuliVersion)"
            return .string(prompt + (negative.isEmpty ? "\n" : "\nNegative prompt: \(negative)\n") + line)
        }
        func all(_ text: String) -> JSON { .array(status.outputs.map { _ in .string(text) }) }
        let first = seeds.first ?? .int(0)
        json = .object([
            "prompt": .string(prompt), "all_prompts": all(prompt), "negative_prompt": .string(negative),
            "all_negative_prompts": all(negative), "seed": first, "all_seeds": .array(seeds), "subseed": first,
            "all_subseeds": .array(seeds), "subseed_strength": .int(0), "width": .int(width), "height": .int(height),
            "sampler_name": .string(sampler), "cfg_scale": .double(scale), "steps": .int(steps),
            "batch_size": .int(status.outputs.count), "restore_faces": .bool(false), "face_restoration_model": .null,
            "sd_model_name": .string(model), "sd_model_hash": .string(hash), "sd_vae_name": .null, "sd_vae_hash": .null,
            "seed_resize_from_w": .int(-1), "seed_resize_from_h": .int(-1),
            "denoising_strength": asked.parameters.strength.map(JSON.double) ?? .null,
            "extra_generation_params": .object([:]), "index_of_first_image": .int(0), "infotexts": .array(texts),
            "styles": .array([]), "job_timestamp": .string("\(Int(status.created))"),
            "clip_skip": .int((asked.parameters.clipSkip ?? 0) + 1), "is_using_inpainting_conditioning": .bool(false),
            "version": .string("Lazuli \(lazuliVersion)"),
        ])
    }
}
