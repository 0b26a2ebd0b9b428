import API
import Foundation
import HTTPTypes
import Hummingbird
import JSON
import Kinds
import NIOCore
import NIOPosix
import Vocabulary

/// AUTOMATIC1111's dialect under `/sdapi/v1`: pictures as jobs that are waited for, and the lists that its clients poll.
struct A1111Controller: Sendable {
    let desk: any JobDesk
    let isAdmin: @Sendable (UInt32) -> Bool
    let bodies: BodyReader
    let uploads: PictureUploads
    let names: DialectNames
    let state = A1111State()

    var endpoints: RouteCollection<DaemonContext> {
        let routes = RouteCollection(context: DaemonContext.self)
            .post("txt2img") { try await draw($0, $1, beginsFromPicture: false) }
            .post("img2img") { try await draw($0, $1, beginsFromPicture: true) }
            .post("png-info", use: pngInfo)
            .post("extra-single-image", use: upscale)
            .get("progress", use: progress)
            .post("interrupt", use: interrupt)
            .post("skip") { request, context in
                _ = try await interrupt(request, context)
                return JSONReply(.null)
            }
            .get("options", use: options).post("options", use: setOptions)
            .get("sd-models", use: models)
            .get("upscalers", use: upscalers)
            .post("unload-checkpoint") { request, context in
                _ = try await desk.unload(for: try await context.peer(isAdmin))
                return JSONReply(.object([:]))
            }
        for (name, list) in lists { _ = routes.get(RouterPath(name)) { _, _ in JSONReply(list) } }
        for name in ["refresh-checkpoints", "refresh-loras", "reload-checkpoint"] {
            _ = routes.post(RouterPath(name)) { _, _ in JSONReply(.null) }
        }
        return routes
    }

    /// Lists that say what there is, most often nothing.
    private var lists: [(String, JSON)] {
        func named(_ names: [String], _ more: [String: JSON]) -> JSON {
            .array(names.map { .object(more.merging(["name": .string($0), "label": .string($0)]) { $1 }) })
        }
        return [
            ("samplers", named(names.samplers, ["aliases": .array([]), "options": .object([:])])),
            (
                "schedulers",
                named(
                    ["Automatic"] + names.schedules,
                    ["aliases": .null, "default_rho": .int(-1), "need_inner_model": .bool(false)])
            ),
            ("latent-upscale-modes", .array([])), ("sd-vae", .array([])), ("sd-modules", .array([])),
            ("loras", .array([])), ("hypernetworks", .array([])), ("face-restorers", .array([])),
            ("realesrgan-models", .array([])), ("prompt-styles", .array([])), ("extensions", .array([])),
            ("script-info", .array([])), ("scripts", .object(["txt2img": .array([]), "img2img": .array([])])),
            ("embeddings", .object(["loaded": .object([:]), "skipped": .object([:])])),
            ("cmd-flags", .object([:])), ("memory", .object(["ram": .object([:]), "cuda": .object([:])])),
        ]
    }

    // MARK: Pictures

    private func draw(_ request: Request, _ context: DaemonContext, beginsFromPicture: Bool) async throws -> JSONReply {
        try await Self.answering {
            let peer = try await context.peer(isAdmin)
            let asked = try A1111DrawRequest(
                try await bodies.json(request.body), beginsFromPicture: beginsFromPicture, options: state.options(peer))
            let image: Blob? = if let bytes = asked.image { try await uploads.keep(bytes, peer) } else { nil }
            let mask: Blob? = if let bytes = asked.mask { try await uploads.keep(bytes, peer) } else { nil }
            // Models that only take instructions are drawn with from pictures too, as this dialect has it.
            let wanted = asked.parameters.model
            let known = image == nil ? [] : try await desk.models()
            let model = known.first { wanted == nil ? $0.isDefault : $0.id == wanted }
            let byInstruction = model.map { !$0.kinds.contains(Generate.kind) && $0.kinds.contains(Edit.kind) } ?? false
            let submission = try asked.submission(image: image, mask: mask, byInstruction: byInstruction)
            let job = try await desk.submit(submission, from: peer, key: nil).job
            state.began(job.id, task: asked.taskID, peer)
            defer { state.ended(job.id, peer) }
            let status = try await desk.events(job.id, for: peer).end { event in
                if case .preview(let preview) = event { state.shows(preview, of: job.id, peer) }
            }
            let result = try status.resultOrError()
            var pictures: [JSON] = []
            for output in asked.sendsImages ? status.outputs : [] {
                pictures.append(.string(try await uploads.read(output, of: job.id, peer).base64EncodedString()))
            }
            let info = A1111Info(asked, status, result).json
            return JSONReply(
                .object([
                    "images": .array(pictures), "parameters": asked.echo,
                    "info": .string(String(decoding: info.text(), as: UTF8.self)),
                ]))
        }
    }

    @Sendable private func pngInfo(_ request: Request, _ context: DaemonContext) async throws -> JSONReply {
        try await Self.answering {
            let peer = try await context.peer(isAdmin)
            guard let text = try await bodies.json(request.body)["image"]?.asString else {
                throw ErrorBody.detail("Image not found", 404)
            }
            let blob = try await uploads.keep(try A1111DrawRequest.picture(text), peer)
            let job = try await desk.submit(JobSubmission(Describe(image: blob)), from: peer, key: nil).job
            let result = try await desk.events(job.id, for: peer).end().resultOrError()
            let told = (result["parameters"]?.asString ?? "").trimmingCharacters(in: .whitespacesAndNewlines)
            return JSONReply(
                .object([
                    "info": .string(told), "items": .object(told.isEmpty ? [:] : ["parameters": .string(told)]),
                    "parameters": .object([:]),
                ]))
        }
    }

    @Sendable private func upscale(_ request: Request, _ context: DaemonContext) async throws -> JSONReply {
        try await Self.answering {
            let peer = try await context.peer(isAdmin)
            guard let members = try await bodies.json(request.body).asObject, let text = members["image"]?.asString
            else {
                throw ErrorBody.detail("Image not found", 404)
            }
            let blob = try await uploads.keep(try A1111DrawRequest.picture(text), peer)
            var parameters = Upscale(image: blob)
            let name = members["upscaler_1"]?.asString ?? "None"
            parameters.model = ["none", "lanczos", "nearest"].contains(name.lowercased()) ? Upscale.lanczos : name
            if try members.integer("resize_mode", 0...1) == 1 {
                parameters.width = try members.integer("upscaling_resize_w", 1...16384)
                parameters.height = try members.integer("upscaling_resize_h", 1...16384)
            } else {
                let factor = try members.number("upscaling_resize", 1...8) ?? 2
                guard factor == factor.rounded() else {
                    throw ErrorBody.detail("upscaling_resize is \(factor); this version takes whole factors", 422)
                }
                parameters.scale = Int(factor)
            }
            let job = try await desk.submit(JobSubmission(parameters.validated()), from: peer, key: nil).job
            let status = try await desk.events(job.id, for: peer).end()
            _ = try status.resultOrError()
            guard let output = status.outputs.first else { throw ErrorBody.detail("The job has no picture.", 500) }
            let bytes = try await uploads.read(output, of: job.id, peer)
            return JSONReply(.object(["image": .string(bytes.base64EncodedString()), "html_info": .string("")]))
        }
    }

    // MARK: Jobs under way

    @Sendable private func progress(_ request: Request, _ context: DaemonContext) async throws -> JSONReply {
        let peer = try await context.peer(isAdmin)
        var (part, eta, step, steps, count): (Double, Double, Int, Int, Int) = (0, 0, 0, 0, 0)
        var task: String?
        var preview: Preview?
        let isBlind = request.uri.queryParameters["skip_current_image"].map { $0.lowercased() == "true" } ?? false
        for job in state.jobs(peer) {
            guard let status = try? await desk.status(job.id, for: peer), !status.state.isFinal else { continue }
            count += 1
            guard count == 1 else { continue }
            task = job.task ?? "task(\(job.id))"
            if !isBlind { preview = job.preview }
            (step, steps) = (status.progress?.step ?? 0, status.progress?.steps ?? 0)
            part = min(1, 0.01 + (steps > 0 ? Double(step) / Double(steps) : 0))
            eta = status.progress?.etaSeconds ?? 0
        }
        return JSONReply(
            .object([
                "progress": .double(part), "eta_relative": .double(eta), "textinfo": .null,
                "current_image": preview.map { .string($0.png.base64EncodedString()) } ?? .null,
                "current_task": task.map(JSON.string) ?? .null,
                "state": .object([
                    "skipped": .bool(false), "interrupted": .bool(false), "stopping_generation": .bool(false),
                    "job": .string(task ?? ""), "job_count": .int(count), "job_timestamp": .string("0"),
                    "job_no": .int(0), "sampling_step": .int(step), "sampling_steps": .int(steps),
                ]),
            ]))
    }

    @Sendable private func interrupt(_ request: Request, _ context: DaemonContext) async throws -> JSONReply {
        let peer = try await context.peer(isAdmin)
        for job in state.jobs(peer) { _ = try? await desk.cancel(job.id, for: peer) }
        return JSONReply(.object([:]))
    }

    // MARK: Models and options

    private func drawing() async throws -> [ModelInfo] {
        try await desk.models().filter { $0.kinds.contains(Generate.kind) || $0.kinds.contains(Edit.kind) }
    }

    @Sendable private func models(_ request: Request, _ context: DaemonContext) async throws -> JSONReply {
        JSONReply(
            .array(
                try await drawing().map { model in
                    .object([
                        "title": .string(model.id), "model_name": .string(model.id), "hash": .null, "sha256": .null,
                        "filename": .string(model.path ?? model.id), "config": .null,
                    ])
                }))
    }

    @Sendable private func upscalers(_ request: Request, _ context: DaemonContext) async throws -> JSONReply {
        let found = try await desk.models().filter { $0.kinds.contains(Upscale.kind) }.map(\.id)
        return JSONReply(
            .array(
                (["None", "Lanczos"] + found).map { name in
                    .object([
                        "name": .string(name), "model_name": .null, "model_path": .null, "model_url": .null,
                        "scale": .int(4),
                    ])
                }))
    }

    @Sendable private func options(_ request: Request, _ context: DaemonContext) async throws -> JSONReply {
        let options = state.options(try await context.peer(isAdmin))
        let standard = try await drawing().first { $0.isDefault }?.id ?? ""
        return JSONReply(
            .object(
                options.others.merging([
                    "sd_model_checkpoint": .string(options.model ?? standard), "sd_checkpoint_hash": .string(""),
                    "CLIP_stop_at_last_layers": .int(options.clipLayers), "samples_format": .string("png"),
                    "sd_vae": .string("Automatic"),
                ]) { $1 }))
    }

    /// Clients read all options, change one and send everything back: what is not ours is kept and told again.
    @Sendable private func setOptions(_ request: Request, _ context: DaemonContext) async throws -> JSONReply {
        try await Self.answering {
            let peer = try await context.peer(isAdmin)
            guard let members = try await bodies.json(request.body).asObject else {
                throw ErrorBody.detail("The body is not an object.", 422)
            }
            let wanted = A1111Options.model(members["sd_model_checkpoint"]?.asString)
            if let wanted, try await !drawing().contains(where: { $0.id == wanted }) {
                throw ErrorBody.detail("Model not found", 404)
            }
            state.change(peer) { options in
                if let wanted { options.model = wanted }
                if let layers = members["CLIP_stop_at_last_layers"]?.asInt {
                    options.clipLayers = min(max(1, layers), 32)
                }
                for (key, value) in members { options.others[key] = value }
            }
            return JSONReply(.null)
        }
    }

    /// Errors as `{"detail": …}`, which its clients show.
    private static func answering(_ body: () async throws -> JSONReply) async throws -> JSONReply {
        let error: ErrorBody
        do {
            return try await body()
        } catch let refusal as RequestError {
            error = refusal.body
        } catch let refusal as ErrorBody {
            error = refusal
        }
        let isUnknown = error.code == "unknown_model" || error.code == "invalid_sampler"
        let status: HTTPResponse.Status =
            error.type == .notFound || isUnknown
            ? .notFound : error.status == .badRequest ? .unprocessableContent : error.status
        return JSONReply(.object(["detail": .string(error.message), "error": .string(error.code)]), status: status)
    }
}
