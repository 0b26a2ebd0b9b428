import ArgumentParser
import Engine

/// `lazulid worker`: what the daemon starts; owns weights and arithmetic.
struct Work: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "worker", abstract: "Serve the daemon that started this process.", shouldDisplay: false)

    @Option(help: "Take at most this many MiB of memory.")
    var memoryMib: Int?

    func validate() throws {
        if let memoryMib, !(1...(1 << 30)).contains(memoryMib) {
            throw ValidationError("--memory-mib must be at least 1.")
        }
    }

    func run() throws {
        WorkerLoop.serve(makeWorkshop(budgetBytes: memoryMib.map { $0 << 20 }))
    }
}
