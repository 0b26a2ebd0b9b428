import ArgumentParser

/// The daemon, and the worker that it starts from the same file.
@main
struct Lazulid: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lazulid",
        abstract: "The daemon that makes pictures on this machine.",
        subcommands: [Serve.self, Work.self], defaultSubcommand: Serve.self)
}
