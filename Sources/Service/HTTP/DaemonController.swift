import API
import HTTPTypes
import Hummingbird
import Jobs

/// Models, health and figures of the daemon.
struct DaemonController: Sendable {
    let supervisor: Supervisor

    var endpoints: RouteCollection<DaemonContext> {
        RouteCollection(context: DaemonContext.self)
            .get("v1/models", use: models)
            .post("v1/models/unload", use: unload)
            .get("v1/status", use: status)
            .get("healthz", use: health)
            .get("readyz", use: ready)
            .get("metrics", use: metrics)
    }

    @Sendable private func models(request: Request, context: DaemonContext) async throws -> JSONReply {
        try JSONReply(Listing(try await supervisor.models()))
    }

    @Sendable private func unload(request: Request, context: DaemonContext) async throws -> JSONReply {
        let reply = await supervisor.unload()
        return try JSONReply(reply, status: reply.unloaded ? .ok : .accepted)
    }

    @Sendable private func status(request: Request, context: DaemonContext) async throws -> JSONReply {
        try JSONReply(try await supervisor.info())
    }

    /// Whether the daemon answers at all; never waits for work.
    @Sendable private func health(request: Request, context: DaemonContext) async throws -> JSONReply {
        try JSONReply(["status": "ok"])
    }

    /// Whether the daemon takes jobs: it does while busy, not while it stops.
    @Sendable private func ready(request: Request, context: DaemonContext) async throws -> JSONReply {
        let state = try await supervisor.info().state
        return try JSONReply(["status": state], status: state == .draining ? .serviceUnavailable : .ok)
    }

    @Sendable private func metrics(request: Request, context: DaemonContext) async throws -> Response {
        let text = Metrics.text(try await supervisor.info(), jobs: try await supervisor.counts())
        return Response(
            status: .ok,
            headers: [.contentType: "text/plain; version=0.0.4", .contentLength: "\(text.utf8.count)"],
            body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
    }
}

/// Prometheus' text format.
enum Metrics {
    static func text(_ info: StatusInfo, jobs: [JobState: Int]) -> String {
        var lines: [String] = []
        func metric(_ name: String, _ kind: String, _ help: String, _ samples: [(labels: String, value: Double)]) {
            lines.append("# HELP lazuli_\(name) \(help)")
            lines.append("# TYPE lazuli_\(name) \(kind)")
            for sample in samples { lines.append("lazuli_\(name)\(sample.labels) \(sample.value)") }
        }
        metric(
            "jobs", "gauge", "Jobs in the journal by state.",
            JobState.allCases.map { ("{state=\"\($0.rawValue)\"}", Double(jobs[$0] ?? 0)) })
        metric("uptime_seconds", "gauge", "Seconds since the daemon started.", [("", info.uptimeSeconds)])
        metric("worker_deaths_total", "counter", "Workers that ended unasked.", [("", Double(info.workerDeaths))])
        metric("worker_up", "gauge", "Whether a worker process is there.", [("", info.worker == nil ? 0 : 1)])
        metric(
            "worker_memory_bytes", "gauge", "Resident memory of the worker.",
            [("", Double(info.worker?.memoryBytes ?? 0))])
        return lines.joined(separator: "\n") + "\n"
    }
}
