import API
import Foundation
import HTTP
import JSON
import Synchronization
import Testing
import UnixHTTP
import Vocabulary

/// OpenAI's dialect over a desk whose jobs follow a script.
@Suite struct OpenAITests {
    private static let done = status(
        .succeeded,
        result: [
            "text": .string("Hello"), "finish_reason": .string("stop"), "prompt_tokens": .int(7),
            "completion_tokens": .int(2),
        ])

    private static func status(
        _ state: JobState, result: [String: JSON]? = nil, outputs: Int = 0, error: ErrorBody? = nil
    ) -> JobStatus {
        JobStatus(
            id: JobID("j"), kind: JobKind("chat"), title: "", state: state, priority: 0, created: 5, attempts: 1,
            outputs: (0..<outputs).map {
                Output(index: $0, format: .png, width: 8, height: 4, bytes: 3, sha256: "")
            }, error: error, result: result.map(JSON.object))
    }

    private func post(
        _ server: TestServer, _ path: String, _ body: String, type: String = "application/json"
    ) throws -> Reply {
        try server.client.send("POST", path, Array(body.utf8), ["Content-Type": type])
    }

    private func request(_ server: TestServer) throws -> JSON {
        try #require(server.desk.state.withLock { $0.jobs.last?.request })
    }

    // MARK: Chat

    @Test func `a completion is a job and its answer`() async throws {
        try await TestServer.serving { server throws in
            server.desk.state.withLock { $0.script = [.text(offset: 0, "Hello"), .result(Self.done)] }
            let reply = try post(
                server, "/v1/chat/completions",
                #"""
                {"model": "gpt-4o", "messages": [
                  {"role": "developer", "content": "Be kind."},
                  {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
                  {"role": "assistant", "content": null}, {"role": "user", "content": "c"}],
                 "max_tokens": 9, "stop": "x", "seed": 3, "user": "somebody", "unknown": [1]}
                """#)
            #expect(reply.status == 200)
            let body = try JSON(reply.body)
            #expect(body["object"]?.asString == "chat.completion" && body["model"]?.asString == "gpt-4o")
            guard case .array(let choices)? = body["choices"] else { throw CancellationError() }
            #expect(choices.first?["message"]?["content"]?.asString == "Hello")
            #expect(choices.first?["finish_reason"]?.asString == "stop")
            #expect(body["usage"]?["total_tokens"]?.asInt == 9)
            let asked = try request(server)
            guard case .array(let messages)? = asked["messages"] else { throw CancellationError() }
            #expect(messages.map { $0["role"]?.asString } == ["system", "user", "assistant", "user"])
            #expect(messages.map { $0["content"]?.asString } == ["Be kind.", "a\nb", "", "c"])
            #expect(asked["model"] == nil && asked["temperature"]?.asDouble == 1 && asked["seed"]?.asInt == 3)
            #expect(asked["max_tokens"]?.asInt == 9 && asked["stop"] == .array([.string("x")]))
        }
    }

    /// The data of a stream's events.
    private func events(_ reply: Reply) throws -> [String] {
        reply.text.components(separatedBy: "\n\n").compactMap { event in
            event.split(separator: "\n").first { $0.hasPrefix("data: ") }.map { String($0.dropFirst(6)) }
        }
    }

    @Test func `a stream tells every piece once, then the reason, the usage and that it is over`() async throws {
        try await TestServer.serving { server throws in
            server.desk.state.withLock {
                // A worker that was lost writes the same text again.
                $0.script = [
                    .text(offset: 0, ""), .text(offset: 0, "Hé"), .text(offset: 3, "l"), .text(offset: 0, "Hél"),
                    .text(offset: 4, "lo"), .result(Self.done),
                ]
            }
            let reply = try post(
                server, "/v1/chat/completions",
                #"{"model": "m", "messages": [{"role": "user", "content": "a"}], "stream": true, "stream_options": {"include_usage": true}}"#
            )
            #expect(reply.fields["content-type"] == "text/event-stream")
            let events = try events(reply)
            #expect(events.last == "[DONE]")
            let chunks = try events.dropLast().map { try JSON(Array($0.utf8)) }
            var (text, roles, reasons) = ("", 0, [String]())
            for chunk in chunks {
                guard case .array(let choices)? = chunk["choices"] else { continue }
                text += choices.first?["delta"]?["content"]?.asString ?? ""
                if choices.first?["delta"]?["role"] != nil { roles += 1 }
                if let reason = choices.first?["finish_reason"]?.asString { reasons.append(reason) }
            }
            #expect(text == "Héllo" && roles == 1 && reasons == ["stop"])
            #expect(chunks.last?["usage"]?["completion_tokens"]?.asInt == 2)
            #expect(try request(server)["model"]?.asString == "m")
        }
    }

    @Test func `what fails before the first word is an error, what fails after it breaks the stream`() async throws {
        let failure = ErrorBody(
            .invalidRequest, code: "prompt_too_long", message: "Too long.", param: "messages", stage: .load)
        try await TestServer.serving { server throws in
            let body = #"{"messages": [{"role": "user", "content": "a"}], "stream": STREAM}"#
            for stream in ["true", "false"] {
                server.desk.state.withLock { $0.script = [.result(Self.status(.failed, error: failure))] }
                let reply = try post(
                    server, "/v1/chat/completions", body.replacingOccurrences(of: "STREAM", with: stream))
                let error = try reply.decode(ErrorEnvelope.self).error
                #expect(reply.status == 400 && error.code == "context_length_exceeded" && error.stage == nil)
            }
            for end in [[JobEvent.result(Self.status(.failed, error: failure))], []] {
                server.desk.state.withLock { $0.script = [.text(offset: 0, "He")] + end }
                let reply = try post(
                    server, "/v1/chat/completions", body.replacingOccurrences(of: "STREAM", with: "true"))
                let events = try events(reply)
                #expect(!events.contains("[DONE]"))
                let last = try JSON(Array(try #require(events.last).utf8))
                #expect(last["error"]?["message"]?.asString?.isEmpty == false)
            }
        }
    }

    @Test func `a request that cannot be met is refused by name`() async throws {
        try await TestServer.serving { server throws in
            let message = #""messages": [{"role": "user", "content": "a"}]"#
            let cases: [(String, String, String)] = [
                ("/v1/chat/completions", "{}", "messages"), ("/v1/chat/completions", #"{"messages": []}"#, "messages"),
                ("/v1/chat/completions", "{\(message), \"n\": 2}", "n"),
                ("/v1/chat/completions", "{\(message), \"temperature\": \"hot\"}", "temperature"),
                ("/v1/chat/completions", "{\(message), \"tools\": [{}]}", "tools"),
                (
                    "/v1/chat/completions", "{\(message), \"response_format\": {\"type\": \"json_object\"}}",
                    "response_format"
                ),
                ("/v1/chat/completions", #"{"messages": [{"role": "nobody", "content": "a"}]}"#, "messages"),
                (
                    "/v1/chat/completions",
                    #"{"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:"}}]}]}"#,
                    "messages"
                ),
                ("/v1/images/generations", "{}", "prompt"),
                ("/v1/images/generations", #"{"prompt": "p", "n": 0}"#, "n"),
                ("/v1/images/generations", #"{"prompt": "p", "size": "big"}"#, "size"),
                ("/v1/images/generations", #"{"prompt": "p", "background": "transparent"}"#, "background"),
                ("/v1/images/generations", #"{"prompt": "p", "output_format": "gif"}"#, "output_format"),
                ("/v1/images/edits", #"{"prompt": "p"}"#, "images"),
                ("/v1/images/edits", #"{"prompt": "p", "images": [{"image_url": "data:,%%%"}]}"#, "images"),
            ]
            for (path, body, parameter) in cases {
                let reply = try post(server, path, body)
                #expect(reply.status == 400, "\(body): \(reply.text)")
                #expect(try reply.decode(ErrorEnvelope.self).error.param == parameter, "\(body): \(reply.text)")
            }
            #expect(server.desk.state.withLock { $0.jobs.isEmpty })
        }
    }

    // MARK: Pictures

    @Test func `pictures come as base64, as addresses and in streams`() async throws {
        try await TestServer.serving { server throws in
            let file = "\(server.desk.folder)/picture"
            try Data("png".utf8).write(to: URL(fileURLWithPath: file))
            server.desk.state.withLock {
                $0.script = [.result(Self.status(.succeeded, result: [:], outputs: 2))]
                $0.file = file
            }
            let plain = try JSON(
                post(
                    server, "/v1/images/generations",
                    #"{"model": "gpt-image-1", "prompt": "p", "n": 2, "size": "64x32", "output_format": "webp", "steps": 3, "cfg_scale": 2.5}"#
                ).body)
            guard case .array(let data)? = plain["data"] else { throw CancellationError() }
            #expect(data.map { $0["b64_json"]?.asString } == ["cG5n", "cG5n"] && plain["size"]?.asString == "8x4")
            let asked = try request(server)
            #expect(asked["width"]?.asInt == 64 && asked["height"]?.asInt == 32 && asked["count"]?.asInt == 2)
            #expect(asked["format"]?.asString == "webp" && asked["steps"]?.asInt == 3 && asked["model"] == nil)
            #expect(asked["guidance"]?.asDouble == 2.5)
            let address = try post(server, "/v1/images/generations", #"{"prompt": "p", "response_format": "url"}"#)
            #expect(address.text.contains(#""url":"data:image/png;base64,cG5n""#))
            let stream = try post(server, "/v1/images/generations", #"{"prompt": "p", "stream": true}"#)
            #expect(stream.text.components(separatedBy: "event: image_generation.completed\n").count == 3)
            #expect(!stream.text.contains("[DONE]"))
        }
    }

    @Test func `an edit is an instruction, or with a mask a repainting where the mask is clear`() async throws {
        try await TestServer.serving { server throws in
            let file = "\(server.desk.folder)/picture"
            try Data("png".utf8).write(to: URL(fileURLWithPath: file))
            server.desk.state.withLock {
                $0.script = [.result(Self.status(.succeeded, result: [:], outputs: 1))]
                $0.file = file
            }
            func form(_ parts: [(String, String, Bool)]) -> String {
                parts.map { name, text, isFile in
                    "--B\r\nContent-Disposition: form-data; name=\"\(name)\"\(isFile ? "; filename=\"f.png\"" : "")\r\n\r\n\(text)\r\n"
                }.joined() + "--B--\r\n"
            }
            let type = "multipart/form-data; boundary=B"
            for name in ["image", "image[]"] {
                let reply = try post(
                    server, "/v1/images/edits",
                    form([("prompt", "make it blue", false), (name, "picture", true), ("n", "2", false)]), type: type)
                #expect(reply.status == 200, "\(reply.text)")
                let job = try #require(server.desk.state.withLock { $0.jobs.last })
                #expect(job.kind.rawValue == "edit" && job.request?["count"]?.asInt == 2)
            }
            let masked = try post(
                server, "/v1/images/edits",
                form([("prompt", "a cat", false), ("image", "picture", true), ("mask", "a mask", true)]), type: type)
            #expect(masked.status == 200)
            let asked = try request(server)
            #expect(asked["invert_mask"] == .bool(true) && asked["mask"]?.asString != asked["image"]?.asString)
            #expect(server.desk.state.withLock { $0.uploads.values.sorted() } == [6, 7])
            let json = try post(
                server, "/v1/images/edits", #"{"prompt": "p", "images": [{"image_url": "data:image/png;base64,cG5n"}]}"#
            )
            #expect(json.status == 200)
            #expect(server.desk.names.sorted() == ["picture", "s"])
        }
    }

    @Test(arguments: 1...40) func `a form that is cut or changed is an answer too`(seed: UInt64) async throws {
        try await TestServer.serving { server throws in
            server.desk.state.withLock { $0.script = [.result(Self.status(.failed))] }
            var random = seed
            func next(_ count: Int) -> Int {
                random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                return Int(random >> 33) % max(1, count)
            }
            var bytes = Array(
                "--B\r\nContent-Disposition: form-data; name=\"prompt\"\r\n\r\np\r\n--B\r\nContent-Disposition: form-data; name=\"image\"; filename=\"f\"\r\nContent-Type: image/png\r\n\r\n\u{0}PNG\r\n--B--\r\n"
                    .utf8)
            for _ in 0..<(1 + next(4)) {
                switch next(3) {
                case 0: bytes = Array(bytes.prefix(next(bytes.count)))
                case 1: if !bytes.isEmpty { bytes[next(bytes.count)] = UInt8(next(256)) }
                default: if !bytes.isEmpty { bytes.remove(at: next(bytes.count)) }
                }
            }
            let reply = try server.client.send(
                "POST", "/v1/images/edits", bytes, ["Content-Type": "multipart/form-data; boundary=\"B\""])
            // The job itself fails in this script, with 500; everything before it is the client's.
            #expect(reply.status == 400 || reply.status == 500)
            #expect(try !reply.decode(ErrorEnvelope.self).error.message.isEmpty)
        }
    }
}
