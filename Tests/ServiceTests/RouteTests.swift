import API
import Foundation
import JSON
import Testing
import UnixHTTP
import Vocabulary

@Suite struct RouteTests {
    private func error(_ body: [UInt8]) throws -> ErrorBody {
        try JSONDecoder().decode(ErrorEnvelope.self, from: Data(body)).error
    }

    @Test func `bad requests are answered with the fact and the remedy, and the daemon goes on`() throws {
        let daemon = try RunningDaemon()
        let large = #"{"prompt": ""# + String(repeating: "x", count: 2 << 20) + #""}"#
        let refusals: [(method: String, path: String, body: String?, status: Int, code: String)] = [
            ("POST", "/v1/jobs", "{", 400, "not_json"),
            ("POST", "/v1/jobs", "", 400, "not_json"),
            ("POST", "/v1/jobs", "{}", 400, "missing"),
            ("POST", "/v1/jobs", #"{"prompt": "p", "steps": 0}"#, 400, "out_of_range"),
            ("POST", "/v1/jobs", #"{"prompt": "p", "x": 0, "strict": true}"#, 400, "unknown_parameter"),
            ("POST", "/v1/jobs", #"{"prompt": "p", "kind": "paint"}"#, 400, "unknown_name"),
            ("POST", "/v1/jobs", large, 413, "body_too_large"),
            ("GET", "/v1/jobs/nosuchjob0000", nil, 404, "unknown_job"),
            ("GET", "/v1/jobs/nosuchjob0000/events", nil, 404, "unknown_job"),
            ("GET", "/v1/jobs/nosuchjob0000/outputs/0", nil, 404, "unknown_job"),
            ("DELETE", "/v1/jobs/nosuchjob0000", nil, 404, "unknown_job"),
            ("GET", "/v1/jobs?limit=0", nil, 400, "out_of_range"),
            ("GET", "/v2/jobs", nil, 404, "unknown_route"),
            ("PUT", "/v1/jobs", "{}", 404, "unknown_route"),
            ("GET", "/v1/jobs/../../etc/passwd", nil, 404, "unknown_route"),
        ]
        for refusal in refusals {
            let answer = try daemon.client.send(refusal.method, refusal.path, refusal.body.map { Array($0.utf8) })
            let error = try error(answer.body)
            #expect(answer.status == refusal.status, "\(refusal.method) \(refusal.path): \(error)")
            #expect(error.code == refusal.code)
            #expect(error.message.hasSuffix("."))
        }
        #expect(try daemon.jobs().isEmpty)
    }

    @Test func `an unknown parameter is a warning in the job`() throws {
        let daemon = try RunningDaemon()
        let answer = try daemon.client.send("POST", "/v1/jobs", Array(#"{"prompt": "p", "cfg": 3}"#.utf8))
        #expect(answer.status == 202)
        let job = try JSONDecoder().decode(JobStatus.self, from: Data(answer.body))
        #expect(try daemon.result(job.id).warnings == ["Unknown parameter \"cfg\" was ignored."])
    }

    @Test func `an output that is not there is not found`() throws {
        let daemon = try RunningDaemon()
        let job = try daemon.result(try daemon.submit("one").id)
        for number in ["1", "-1", "x", "18446744073709551616"] {
            let answer = try daemon.client.send("GET", "/v1/jobs/\(job.id)/outputs/\(number)")
            #expect(answer.status == 404)
            #expect(try error(answer.body).code == "unknown_output")
        }
    }

    @Test func `health and figures answer during a job`() throws {
        let daemon = try RunningDaemon()
        let job = try daemon.submit("slow", steps: 100)
        try daemon.running(job.id)
        #expect(try daemon.client.send("GET", "/healthz").status == 200)
        #expect(try daemon.client.send("GET", "/readyz").status == 200)
        let metrics = String(decoding: try daemon.client.send("GET", "/metrics").body, as: UTF8.self)
        #expect(metrics.contains("lazuli_jobs{state=\"running\"} 1.0\n"))
        let status = try daemon.status()
        #expect(status.state == .busy)
        #expect(status.running == 1)
        #expect(status.worker?.kernels == "fake")
        let models: Listing<ModelInfo> = try daemon.ask("GET", "/v1/models")
        #expect(models.data.map(\.id) == ["fake"])
        #expect(try daemon.unload().unloaded == false)
        _ = try daemon.cancel(job.id)
        _ = try daemon.result(job.id)
        try wait("the worker's end") { try daemon.status().worker == nil }
    }

    @Test func `clients at the same time each get their own`() async throws {
        let daemon = try RunningDaemon()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<8 {
                group.addTask {
                    let job = try daemon.submit("client \(number)", steps: 2, seed: UInt64(number))
                    let done = try daemon.result(job.id)
                    let bytes = try daemon.output(try #require(done.outputs.first))
                    #expect(String(decoding: bytes, as: UTF8.self) == "png of client \(number), seed \(number)")
                }
            }
            try await group.waitForAll()
        }
    }

    @Test func `a full queue is refused and said so`() throws {
        let daemon = try RunningDaemon(["--queue-limit", "1"])
        for _ in 0..<8 { _ = try daemon.submit("slow", steps: 100) }
        try wait("eight jobs at the worker") { try daemon.status().running == 8 }
        _ = try daemon.submit("waits")
        let refusal = try refusal { try daemon.submit("one too many") }
        #expect(refusal.status == 503)
        #expect(refusal.body.code == "queue_full")
    }
}
