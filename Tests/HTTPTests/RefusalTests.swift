import API
import Foundation
import HTTP
import JSON
import Synchronization
import Testing
import UnixHTTP
import Vocabulary

@Suite struct RefusalTests {
    private func code(_ reply: Reply) throws -> String { try reply.decode(ErrorEnvelope.self).error.code }

    /// Every refusal that the desk or the routes can give, with its status.
    @Test func `refusals have their statuses, on every route`() async throws {
        let table: [(ErrorBody.Kind, String, Int)] = [
            (.invalidRequest, "idempotency_mismatch", 422), (.invalidRequest, "too_large", 400),
            (.invalidRequest, "unknown_blob", 400), (.invalidRequest, "unknown_model", 400),
            (.invalidRequest, "body_too_large", 413), (.invalidRequest, "upload_too_large", 413),
            (.notFound, "unknown_job", 404), (.notFound, "output_gone", 404), (.conflict, "job_succeeded", 409),
            (.unavailable, "queue_full", 503), (.unavailable, "draining", 503), (.unavailable, "storage_full", 503),
            (.unavailable, "worker_unavailable", 503), (.unavailable, "too_many_connections", 429),
            (.internalFailure, "journal", 500),
        ]
        // Health, figures and the contract ask the desk nothing that it can refuse.
        let unasked: Set<String> = [
            "GET /v1/status", "GET /healthz", "GET /readyz", "GET /metrics", "GET /openapi.json",
        ]
        try await TestServer.serving { server throws in
            for (kind, code, status) in table {
                server.desk.refuse(ErrorBody(kind, code: code, message: "It is so. Do that.", param: "p"))
                for route in server.routes where !unasked.contains(route) && !route.contains(" /sdapi/") {
                    let words = route.split(separator: " ").map(String.init)
                    let path = words[1].replacingOccurrences(of: "{id}", with: "x")
                        .replacingOccurrences(of: "{number}", with: "0")
                    let body = TestServer.body(words[0], words[1])
                    let reply = try server.client.send(words[0], path, body.map { Array($0.utf8) })
                    #expect(reply.status == status, "\(route), \(code)")
                    #expect(reply.fields["content-type"] == "application/json")
                    // OpenAI's clients compare a word of their own.
                    let isDialect = words[1].hasPrefix("/v1/chat") || words[1].hasPrefix("/v1/images")
                    let told = isDialect && code == "unknown_model" ? "model_not_found" : code
                    #expect(
                        try reply.decode(ErrorEnvelope.self).error
                            == ErrorBody(kind, code: told, message: "It is so. Do that.", param: "p"))
                }
            }
            for route in unasked {
                #expect(try server.client.send("GET", String(route.dropFirst(4))).status == 200)
            }
            #expect(server.desk.names == ["s"], "an upload was left")
        }
    }

    @Test func `what is asked wrongly is told with the parameter`() async throws {
        let deep = String(repeating: "[", count: 100_000)
        let table: [(String, String, String?, Int, String, String?)] = [
            ("POST", "/v1/jobs", "{", 400, "not_json", nil),
            ("POST", "/v1/jobs", "[]", 400, "not_json", nil),
            ("POST", "/v1/jobs", deep, 400, "not_json", nil),
            ("POST", "/v1/jobs", #"{"prompt": "p", "prompt": "q"}"#, 400, "not_json", nil),
            ("POST", "/v1/jobs", #"{"prompt": "p\u0000"}"#, 400, "nul_character", "prompt"),
            ("POST", "/v1/jobs", #"{"prompt": "p", "model": "\u0000"}"#, 400, "nul_character", "model"),
            (
                "POST", "/v1/jobs", #"{"prompt": "p", "negative_prompt": "a\u0000b"}"#, 400, "nul_character",
                "negative_prompt"
            ),
            ("POST", "/v1/jobs", #"{"prompt": 1}"#, 400, "wrong_type", "prompt"),
            ("POST", "/v1/jobs", #"{"prompt": "p", "steps": 1001}"#, 400, "out_of_range", "steps"),
            ("POST", "/v1/jobs", #"{"prompt": "p", "steps": 1e300}"#, 400, "wrong_type", "steps"),
            ("POST", "/v1/jobs", #"{"prompt": "p", "seed": -2}"#, 400, "wrong_type", "seed"),
            ("POST", "/v1/jobs", #"{"prompt": "p", "seed": 18446744073709551616}"#, 400, "wrong_type", "seed"),
            (
                "POST", "/v1/jobs", #"{"prompt": "p", "seed": 18446744073709551615, "count": 2}"#, 400, "out_of_range",
                "seed"
            ),
            ("POST", "/v1/jobs", #"{"prompt": "p", "priority": 11}"#, 400, "out_of_range", "priority"),
            ("POST", "/v1/jobs", #"{"prompt": "p", "format": "bmp"}"#, 400, "unknown_name", "format"),
            ("POST", "/v1/jobs", #"{"prompt": "p", "kind": 7}"#, 400, "wrong_type", "kind"),
            ("POST", "/v1/jobs", #"{"kind": "describe", "image": "../../etc/passwd"}"#, 400, "wrong_type", "image"),
            ("POST", "/v1/estimate", #"{"prompt": "p", "steps": 0}"#, 400, "out_of_range", "steps"),
            ("PATCH", "/v1/jobs/x", #"{"priority": -11}"#, 400, "out_of_range", "priority"),
            ("PATCH", "/v1/jobs/x", #"{"priority": "1"}"#, 400, "wrong_type", "priority"),
            ("PATCH", "/v1/jobs/x", #"{"prompt": "p"}"#, 400, "unknown_parameter", "prompt"),
            ("PATCH", "/v1/jobs/x", "{}", 400, "missing", "priority"),
            ("PATCH", "/v1/jobs/x", "", 400, "not_json", nil),
            ("PATCH", "/v1/jobs/x", #"{"priority": 1}"#, 404, "unknown_job", nil),
            ("POST", "/v1/jobs/x/pause", nil, 404, "unknown_job", nil),
            ("POST", "/v1/jobs/x/resume", nil, 404, "unknown_job", nil),
            ("GET", "/v1/jobs/\(String(repeating: "j", count: 65))", nil, 404, "unknown_job", nil),
            ("GET", "/v1/jobs/%00", nil, 404, "unknown_job", nil),
            ("GET", "/v1/jobs?limit=x", nil, 400, "out_of_range", "limit"),
            ("GET", "/v1/jobs?limit=-1", nil, 400, "out_of_range", "limit"),
            ("POST", "/v1/blobs", "", 400, "empty_upload", nil),
            ("POST", "/v1/blobs", nil, 400, "empty_upload", nil),
            ("GET", "/", nil, 404, "unknown_route", nil),
            ("DELETE", "/v1/jobs", nil, 404, "unknown_route", nil),
        ]
        try await TestServer.serving { server throws in
            for (method, path, body, status, code, param) in table {
                let reply = try server.client.send(method, path, body.map { Array($0.utf8) })
                let about = "\(method) \(path) \(body?.prefix(60) ?? "")"
                #expect(reply.status == status, "\(about)")
                let error = try reply.decode(ErrorEnvelope.self).error
                #expect(error.code == code, "\(about)")
                #expect(error.param == param, "\(about)")
                #expect(error.message.hasSuffix("."), "\(about)")
                #expect(error.message.utf8.count <= 1024, "\(about)")
            }
            #expect(server.desk.state.withLock { $0.jobs.isEmpty && $0.uploads.isEmpty })
            #expect(server.desk.names == ["s"])
        }
    }

    @Test func `bodies that are too large or of a form that is not read are refused, also without a length`()
        async throws
    {
        try await TestServer.serving { server throws in
            let body = Array(#"{"prompt": ""#.utf8) + [UInt8](repeating: 0x78, count: 1 << 20) + Array(#""}"#.utf8)
            let long = try server.client.send("POST", "/v1/jobs", body)
            #expect(long.status == 413)
            #expect(try code(long) == "body_too_large")

            let announced = try server.client.connect()
            announced.send(
                "POST /v1/blobs HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 67108865\r\n\r\n")
            let refused = try announced.reply()
            #expect(refused.status == 413)
            #expect(try code(refused) == "upload_too_large")

            let chunked = try server.client.connect()
            chunked.send(
                "POST /v1/blobs HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n")
            let chunk = Array("100000\r\n".utf8) + [UInt8](repeating: 1, count: 1 << 20) + Array("\r\n".utf8)
            for _ in 0..<64 { chunked.send(chunk) }
            chunked.send("1\r\nx\r\n0\r\n\r\n")
            let answer = try chunked.reply()
            #expect(answer.status == 413)
            #expect(try code(answer) == "upload_too_large")

            let form = try server.client.send(
                "POST", "/v1/blobs", [1, 2, 3], ["Content-Type": "Multipart/form-data; boundary=x"])
            #expect(form.status == 400)
            #expect(try code(form) == "multipart")
            #expect(server.desk.state.withLock { $0.uploads.isEmpty })
            #expect(server.desk.names == ["s"], "an upload was left")
        }
    }

    @Test func `an upload that breaks off leaves nothing`() async throws {
        try await TestServer.serving { server throws in
            do {
                let broken = try server.client.connect()
                broken.send("POST /v1/blobs HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nbytes")
                usleep(50_000)
            }
            for _ in 0..<200 where server.desk.names != ["s"] { usleep(10_000) }
            #expect(server.desk.names == ["s"])
            #expect(server.desk.state.withLock { $0.uploads.isEmpty })
        }
    }
}
