import API
import HTTPTypes
import Hummingbird
import NIOCore
import Vocabulary

/// Models, health, figures and the contract of the daemon.
struct DaemonController: Sendable {
    let desk: any JobDesk
    let isAdmin: @Sendable (UInt32) -> Bool
    let contract: Contract

    var endpoints: RouteCollection<DaemonContext> {
        RouteCollection(context: DaemonContext.self)
            .get("v1/models", use: models)
            .post("v1/models/unload", use: unload)
            .get("v1/status", use: status)
            .get("healthz", use: health)
            .get("readyz", use: ready)
            .get("metrics", use: metrics)
            .get("openapi.json", use: openAPI)
    }

    @Sendable private func models(request: Request, context: DaemonContext) async throws -> JSONReply {
        try JSONReply(Listing(try await desk.models()))
    }

    @Sendable private func unload(request: Request, context: DaemonContext) async throws -> JSONReply {
        let reply = try await desk.unload(for: try await context.peer(isAdmin))
        return try JSONReply(reply, status: reply.unloaded ? .ok : .accepted)
    }

    @Sendable private func status(request: Request, context: DaemonContext) async throws -> JSONReply {
        try JSONReply(await desk.info())
    }

    /// Whether the daemon answers at all; never waits for work.
    @Sendable private func health(request: Request, context: DaemonContext) async throws -> JSONReply {
        try JSONReply(["status": "ok"])
    }

    /// Whether the daemon takes jobs: it does while busy, not while it stops.
    @Sendable private func ready(request: Request, context: DaemonContext) async throws -> JSONReply {
        let state = await desk.info().state
        return try JSONReply(["status": state], status: state == .draining ? .serviceUnavailable : .ok)
    }

    @Sendable private func metrics(request: Request, context: DaemonContext) async throws -> Response {
        let text = Metrics.text(await desk.info(), jobs: await desk.counts())
        return Response(
            status: .ok,
            headers: [.contentType: "text/plain; version=0.0.4", .contentLength: "\(text.utf8.count)"],
            body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
    }

    @Sendable private func openAPI(request: Request, context: DaemonContext) async throws -> JSONReply {
        JSONReply(contract.document)
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
