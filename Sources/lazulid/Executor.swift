import ArgumentParser
import Engine
import Foundation
import Pipelines
import Wire

/// The arithmetic of the worker, over the models of this user and of the installation.
func makeExecutor() throws -> any JobExecutor {
    let program = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    return Engine(
        ModelCatalog(
            environment: ProcessInfo.processInfo.environment, program: program ?? CommandLine.arguments.first ?? ""))
}
