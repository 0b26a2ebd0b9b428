import ArgumentParser

/// `lazuli info FILE`
struct Info: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show the recipe of a picture, or the facts of a checkpoint.")

    @Argument(help: "A PNG or JPEG file, a checkpoint, or a folder of one.")
    var file: String

    @Flag(help: "Print JSON.")
    var json = false

    func run() throws {
        throw Failure(Exit.unavailable, "info is not part of this build.").reported()
    }
}
