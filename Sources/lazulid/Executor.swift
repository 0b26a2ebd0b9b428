import ArgumentParser
import Wire

/// The arithmetic of the worker.
func makeExecutor() throws -> any JobExecutor {
    throw ValidationError("This build has no engine.")
}
