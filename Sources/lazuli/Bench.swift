import ArgumentParser

/// `lazuli bench`
struct Bench: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Measure the kernels and the parts of a model.")

    func run() throws {
        throw Failure(Exit.unavailable, "bench is not part of this build.").reported()
    }
}
