import ArgumentParser
import Wire

/// `lazulid worker`: what the daemon starts; owns weights and arithmetic.
struct Work: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "worker", abstract: "Serve the daemon that started this process.", shouldDisplay: false)

    func run() throws {
        WorkerLoop.serve(try makeExecutor())
    }
}
