/// Why no plan can be made; every case names the fact.
package enum SchedulerError: Error, Equatable {
    case unknownSampler(String)
    /// A sampler of this field that is not here.
    case samplerNotBuilt(String, reason: String)
    case unknownSchedule(String)
    case scheduleNotBuilt(String)
    /// The checkpoint's own class, when no sampler was named.
    case unknownSchedulerClass(String)
    case wrongType(key: String, expected: String)
    case unsupported(key: String, value: String, sampler: Sampler)
    case scheduleUnsupported(SigmaSchedule, sampler: Sampler)
    /// The model's objective and the sampler do not go together.
    case objectiveUnsupported(Objective, sampler: Sampler)
    /// The model has EDM's preconditioning, which the sampler's class does not know.
    case preconditioningUnsupported(sampler: Sampler)
    /// Align Your Steps for a model that it was not made for.
    case noAlignedLevels(SigmaSchedule)
    case stepsOutOfRange(Int, allowed: ClosedRange<Int>, sampler: Sampler)
    case strengthOutOfRange(Double)
    case parameterOutOfRange(name: String, value: Double, allowed: String)
    /// A flow schedule that depends on the picture's size, without the size.
    case imageSizeNeeded
    /// The configuration asks for a training timestep that the noise schedule does not have.
    case timestepOutOfRange(Int, count: Int)
    /// A weight of the table is infinite or not a number.
    case notFinite(row: Int, sampler: Sampler)
}

extension SchedulerError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .unknownSampler(let name):
            "unknown sampler '\(name)'; use one of \(Self.list(Sampler.allCases.map(\.rawValue)))"
        case .samplerNotBuilt(let name, let reason):
            "sampler '\(name)' is known but not built: \(reason); use one of \(Self.list(Sampler.allCases.map(\.rawValue)))"
        case .unknownSchedule(let name):
            "unknown schedule '\(name)'; use one of \(Self.list(SigmaSchedule.allCases.map(\.rawValue)))"
        case .scheduleNotBuilt(let name):
            "schedule '\(name)' is known but not built; use one of \(Self.list(SigmaSchedule.allCases.map(\.rawValue)))"
        case .unknownSchedulerClass(let name):
            "the checkpoint's scheduler '\(name)' is not implemented; name a sampler: "
                + Self.list(Sampler.allCases.map(\.rawValue))
        case .wrongType(let key, let expected):
            "scheduler_config.json: '\(key)' must be \(expected)"
        case .unsupported(let key, let value, let sampler):
            "scheduler_config.json: '\(key)' = \(value) is not supported by sampler '\(sampler.rawValue)'"
        case .scheduleUnsupported(let schedule, let sampler):
            "sampler '\(sampler.rawValue)' has no schedule '\(schedule.rawValue)' for this model; leave the schedule out"
        case .objectiveUnsupported(let objective, let sampler):
            "sampler '\(sampler.rawValue)' cannot run a model that predicts \(objective.rawValue); "
                + "use one of \(Self.list(Sampler.allCases.filter { $0.runs(objective) }.map(\.rawValue)))"
        case .preconditioningUnsupported(let sampler):
            "sampler '\(sampler.rawValue)' cannot run a model with EDM preconditioning; "
                + "use one of \(Self.list(Sampler.allCases.filter(\.runsPreconditioned).map(\.rawValue)))"
        case .noAlignedLevels(let schedule):
            "schedule '\(schedule.rawValue)' has levels for Stable Diffusion 1 and XL only; leave the schedule out"
        case .stepsOutOfRange(let steps, let allowed, let sampler):
            "\(steps) steps are out of range; sampler '\(sampler.rawValue)' takes "
                + "\(allowed.lowerBound) to \(allowed.upperBound) here"
        case .strengthOutOfRange(let strength):
            "strength \(strength) is out of range; use a number from 0 to 1 that leaves at least one step"
        case .parameterOutOfRange(let name, let value, let allowed):
            "\(name) \(value) is out of range; use a number \(allowed)"
        case .imageSizeNeeded:
            "this checkpoint shifts its schedule by the picture's size; pass the number of image tokens or a shift"
        case .timestepOutOfRange(let timestep, let count):
            "scheduler_config.json: timestep \(timestep) lies outside the \(count) training timesteps"
        case .notFinite(let row, let sampler):
            "sampler '\(sampler.rawValue)' is not defined at step \(row + 1) with this configuration; "
                + "use fewer steps, 'final_sigmas_type' = 'zero' or another sampler"
        }
    }

    private static func list(_ names: [String]) -> String { names.joined(separator: ", ") }
}
