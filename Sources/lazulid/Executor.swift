import ArgumentParser
import Engine
import Foundation
import HTTP
import Kinds
import Pipelines
import Processes
import Wire

/// What the worker works with: the models of this user and of the installation.
func makeWorkshop(budgetBytes: Int?) -> Workshop {
    Workshop(
        ModelCatalog(
            environment: ProcessInfo.processInfo.environment,
            program: Program.own ?? CommandLine.arguments.first ?? ""),
        budgetBytes: budgetBytes)
}

/// The kinds of jobs that the daemon takes.
func makeKinds() -> KindTable { JobKinds.table }

/// The names that other programs' dialects list.
func makeNames() -> DialectNames {
    DialectNames(samplers: SamplerLabels.samplers, schedules: SamplerLabels.schedules)
}
