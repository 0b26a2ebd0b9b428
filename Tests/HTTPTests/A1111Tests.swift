import API
import Foundation
import HTTP
import JSON
import Synchronization
import Testing
import UnixHTTP
import Vocabulary

/// AUTOMATIC1111's dialect over a desk whose jobs follow a script.
@Suite struct A1111Tests {
    private func post(_ server: TestServer, _ path: String, _ body: String) throws -> (status: Int, body: JSON) {
        let reply = try server.client.send("POST", "/sdapi/v1/\(path)", Array(body.utf8))
        return (reply.status, try JSON(reply.body))
    }

    private func get(_ server: TestServer, _ path: String) throws -> JSON {
        try JSON(try server.client.send("GET", "/sdapi/v1/\(path)").body)
    }

    private func asked(_ server: TestServer) throws -> JSON {
        try #require(server.desk.state.withLock { $0.jobs.last?.request })
    }

    /// A desk whose jobs end with two pictures of the bytes "png".
    private func drawing(_ server: TestServer) throws {
        let file = "\(server.desk.folder)/picture"
        try Data("png".utf8).write(to: URL(fileURLWithPath: file))
        let outputs = (0..<2).map {
            Output(index: $0, format: .png, width: 8, height: 4, bytes: 3, sha256: "", seed: UInt64(7 + $0))
        }
        let result: JSON = .object([
            "model": .string("m"), "model_sha256": .string("0123456789abcdef"),
            "parameters": .object(["steps": .int(50), "guidance": .double(7), "sampler": .string("euler")]),
        ])
        server.desk.state.withLock {
            $0.file = file
            $0.script = [
                .result(
                    JobStatus(
                        id: JobID("j"), kind: JobKind("generate"), title: "", state: .succeeded, priority: 0,
                        created: 5,
                        attempts: 1, outputs: outputs, result: result))
            ]
        }
    }

    @Test func `a request is a job, and its pictures and settings are the reply`() async throws {
        try await TestServer.serving { server throws in
            try drawing(server)
            let reply = try post(
                server, "txt2img",
                #"""
                {"prompt": "p", "negative_prompt": "n", "seed": "-1", "sampler_index": "Euler a", "scheduler": "Automatic",
                 "batch_size": 2, "n_iter": 3, "width": 64, "cfg_scale": 2.5, "override_settings": {
                 "sd_model_checkpoint": "dir/model.safetensors [0123abcd]", "CLIP_stop_at_last_layers": 2},
                 "styles": null, "alwayson_scripts": {"x": {"args": []}}, "hr_upscaler": "Latent", "enable_hr": false}
                """#)
            #expect(reply.status == 200)
            #expect(reply.body["images"] == .array([.string("cG5n"), .string("cG5n")]))
            #expect(reply.body["parameters"]?["batch_size"]?.asInt == 2)
            let info = try JSON(Array(try #require(reply.body["info"]?.asString).utf8))
            #expect(info["all_seeds"] == .array([.int(7), .int(8)]) && info["sd_model_hash"]?.asString == "0123456789")
            let text = try #require(info["infotexts"]?.asArray?.first?.asString)
            #expect(text.hasPrefix("p\nNegative prompt: n\nSteps: 50, Sampler: Euler a") && text.contains("Seed: 7"))
            let asked = try asked(server)
            #expect(
                asked["model"]?.asString == "dir/model" && asked["count"]?.asInt == 6 && asked["steps"]?.asInt == 50)
            #expect(asked["clip_skip"]?.asInt == 1 && asked["sampler"]?.asString == "Euler a")
            #expect(asked["schedule"] == nil && asked["width"]?.asInt == 64 && asked["height"] == nil)
        }
    }

    @Test func `a picture with a mask is repainted as that program does`() async throws {
        try await TestServer.serving { server throws in
            try drawing(server)
            for address in ["cG5n", "data:image/jpeg;charset=x;base64,cG5n", "cG\\r\\n5n"] {
                let reply = try post(
                    server, "img2img",
                    "{\"prompt\": \"p\", \"init_images\": [\"\(address)\"], \"mask\": \"bWFzaw==\", \"mask_blur_x\": 6, \"inpainting_fill\": 0, \"inpainting_mask_invert\": 1, \"denoising_strength\": 0}"
                )
                #expect(reply.status == 200)
                #expect(reply.body["parameters"]?["init_images"] == .null && reply.body["parameters"]?["mask"] == .null)
                let asked = try asked(server)
                #expect(asked["mask_blur"]?.asInt == 6 && asked["masked_content"]?.asString == "fill")
                #expect(asked["masked_only"] == .bool(true) && asked["mask_padding"]?.asInt == 0)
                #expect(asked["invert_mask"] == .bool(true) && asked["strength"]?.asDouble == 0.001)
            }
            #expect(server.desk.state.withLock { $0.uploads.count } == 2)
            _ = try post(
                server, "img2img",
                #"{"init_images": ["cG5n"], "mask": "bWFzaw==", "inpaint_full_res": false, "inpainting_fill": 1}"#)
            #expect(try asked(server)["masked_only"] == nil && asked(server)["masked_content"]?.asString == "original")
            _ = try post(server, "img2img", #"{"init_images": ["cG5n"], "mask": null}"#)
            #expect(try asked(server)["mask"] == nil && asked(server)["strength"]?.asDouble == 0.75)
        }
    }

    @Test func `what is not there is refused in that program's words`() async throws {
        try await TestServer.serving { server throws in
            let cases: [(Int, String, String)] = [
                (422, "txt2img", "[]"), (422, "txt2img", #"{"steps": 0}"#), (422, "txt2img", #"{"enable_hr": true}"#),
                (422, "txt2img", #"{"batch_size": 9, "n_iter": 2}"#), (422, "txt2img", #"{"script_name": "x"}"#),
                (422, "txt2img", #"{"alwayson_scripts": {"c": {"args": [{"enabled": true, "model": "x"}]}}}"#),
                (422, "txt2img", #"{"tiling": true}"#), (422, "txt2img", #"{"subseed_strength": 0.5}"#),
                (404, "img2img", #"{"init_images": null}"#), (404, "img2img", #"{"init_images": []}"#),
                (422, "img2img", #"{"init_images": ["%"]}"#),
                (422, "img2img", #"{"init_images": ["cG5n"], "resize_mode": 3}"#),
                (422, "img2img", #"{"init_images": ["cG5n"], "mask": "cG5n", "inpainting_fill": 3}"#),
                (404, "png-info", "{}"), (404, "extra-single-image", "{}"),
                (422, "extra-single-image", #"{"image": "cG5n", "upscaling_resize": 1.5}"#),
                (404, "options", #"{"sd_model_checkpoint": "nothing"}"#),
            ]
            for (status, path, body) in cases {
                let reply = try post(server, path, body)
                #expect(reply.status == status, "\(path) \(body): \(reply.body)")
                #expect(reply.body["detail"]?.asString?.isEmpty == false)
            }
            #expect(server.desk.state.withLock { $0.jobs.isEmpty })
            server.desk.refuse(ErrorBody(.unavailable, code: "queue_full", message: "Full."))
            let full = try post(server, "txt2img", "{}")
            #expect(full.status == 503 && full.body["detail"]?.asString == "Full.")
        }
    }

    @Test func `options are each user's, and what is not ours is told again`() async throws {
        try await TestServer.serving { server throws in
            try drawing(server)
            var options = try #require(try get(server, "options").asObject)
            options["something_else"] = .array([.int(1)])
            options["CLIP_stop_at_last_layers"] = .int(3)
            options["sd_model_checkpoint"] = nil
            let reply = try post(server, "options", String(decoding: JSON.object(options).text(), as: UTF8.self))
            #expect(reply.status == 200 && reply.body == .null)
            let told = try get(server, "options")
            #expect(told["something_else"] == .array([.int(1)]) && told["CLIP_stop_at_last_layers"]?.asInt == 3)
            _ = try post(server, "txt2img", "{}")
            #expect(try asked(server)["clip_skip"]?.asInt == 2)
        }
    }

    @Test func `lists are there, and nothing is under way`() async throws {
        try await TestServer.serving { server throws in
            for path in ["samplers", "schedulers", "upscalers"] {
                #expect(try get(server, path).asArray?.allSatisfy { $0["name"]?.asString != nil } == true)
            }
            #expect(try get(server, "sd-models") == .array([]))
            let progress = try get(server, "progress")
            #expect(progress["progress"]?.asDouble == 0 && progress["state"]?["job_count"]?.asInt == 0)
            #expect(try post(server, "interrupt", "").body == .object([:]) && post(server, "skip", "").body == .null)
        }
    }
}
