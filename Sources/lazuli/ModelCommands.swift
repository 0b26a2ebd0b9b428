import API
import ArgumentParser
import Client

/// `lazuli models`
struct Models: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "The models on this machine.", subcommands: [List.self, ShowModel.self, Unload.self],
        defaultSubcommand: List.self)

    /// `lazuli models list`
    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List the models.")

        @Flag(help: "Print JSON.")
        var json = false

        @OptionGroup
        var daemon: DaemonOptions

        func run() throws {
            try reportingFailures {
                let models = try daemon.client().models()
                if json { return try Console.print(json: models) }
                let width = (models.map(\.id.count).max() ?? 0) + 2
                for model in models {
                    let note = model.unavailable.map { "unusable: \($0)" } ?? (model.isDefault ? "default" : "")
                    try Console.print(
                        "\(padded(model.id, width))\(padded(model.family, 24))\(model.bytes >> 20) MiB  \(note)")
                }
            }
        }
    }

    /// `lazuli models show NAME`
    struct ShowModel: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "show", abstract: "Show what is known about a model.")

        @Argument(help: "The model's name.")
        var name: String

        @OptionGroup
        var daemon: DaemonOptions

        func run() throws {
            try reportingFailures {
                guard let model = try daemon.client().models().first(where: { $0.id == name }) else {
                    throw Failure(Exit.badInput, "There is no model \"\(name)\". `lazuli models list` names them.")
                }
                try Console.print(json: model)
            }
        }
    }

    /// `lazuli models unload`
    struct Unload: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Give the memory of all loaded models back.")

        @OptionGroup
        var daemon: DaemonOptions

        func run() throws {
            try reportingFailures {
                guard let client = try daemon.runningClient() else { return try Console.print("nothing is loaded") }
                try Console.print(client.unload().unloaded ? "unloaded" : "unloading after the running job")
            }
        }
    }
}
