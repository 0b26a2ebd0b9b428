import API
import ArgumentParser

/// The command line of the daemon.
@main
struct Lazuli: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lazuli",
        abstract: "Make pictures on this machine.",
        discussion: """
            Without a running daemon, a command starts one for the user, which ends itself when idle.
            Exit status: 64 usage, 65 bad input, 69 unavailable, 70 internal, 74 no output, 75 try again, 130 cancelled.
            """,
        version: "lazuli \(lazuliVersion)",
        subcommands: [
            Generate.self, Jobs.self, Show.self, Watch.self, Cancel.self, Fetch.self, Status.self, Models.self,
            Info.self, Verify.self, Bench.self, Version.self,
        ])

    static func main() {
        Console.holdDescriptors()
        main(nil)
    }
}

/// `lazuli version`
struct Version: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Print the version.")

    func run() {
        print("lazuli \(lazuliVersion)")
    }
}
