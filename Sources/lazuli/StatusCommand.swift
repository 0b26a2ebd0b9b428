import API
import ArgumentParser
import Client

/// `lazuli status`
struct Status: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Show the daemon and its worker.")

    @Flag(help: "Print JSON.")
    var json = false

    @OptionGroup
    var daemon: DaemonOptions

    func run() throws {
        try reportingFailures {
            guard let client = try daemon.runningClient() else {
                throw Failure(Exit.unavailable, "No daemon is running. `lazuli generate` starts one.")
            }
            let status = try client.status()
            if json { return try Console.print(json: status) }
            try Console.print(
                "daemon  \(status.state.rawValue), version \(status.version), pid \(status.pid), \(client.socket.path)")
            try Console.print(
                "jobs    \(status.queued) waiting, \(status.running > 0 ? "\(status.running) running" : "none running")"
            )
            if let waiting = status.waiting { try Console.print("waiting \(waiting)") }
            if let worker = status.worker {
                try Console.print(
                    "worker  pid \(worker.pid), \(worker.device) \(worker.kernels), \(worker.threads) threads, "
                        + "\(worker.memoryBytes >> 20) MiB")
            } else {
                try Console.print("worker  none: it starts with the next job")
            }
        }
    }
}
