import API
import ArgumentParser
import Glibc
import Processes

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
            Generate.self, Edit.self, Upscale.self, Describe.self, Chat.self, Jobs.self, Show.self, Watch.self,
            Pause.self,
            Resume.self,
            Priority.self,
            Cancel.self, Fetch.self, Status.self, Models.self, Info.self, Verify.self, Bench.self, Version.self,
        ])

    static func main() {
        Console.holdDescriptors()
        if let number = Arguments.firstUnreadable {
            Console.say("lazuli: Argument \(number) is not UTF-8. Rename the file, or write the text in UTF-8.")
            Glibc.exit(Exit.usage)
        }
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
