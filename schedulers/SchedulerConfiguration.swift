/// A checkpoint's `scheduler_config.json`: what the file says and nothing more.
///
/// Each sampler reads the keys that its diffusers class knows, with that class's own defaults for those that are
/// missing. So one configuration serves any sampler exactly as `Other.from_config(scheduler.config)` does.
package struct SchedulerConfiguration: Sendable, Equatable {
    package enum Value: Sendable, Equatable {
        case null
        case flag(Bool)
        case number(Double)
        case text(String)
        case numbers([Double])
    }

    /// `_class_name`
    package var className: String?
    package var values: [String: Value]

    package init(className: String? = nil, values: [String: Value] = [:]) {
        self.className = className
        self.values = values
    }

    /// As diffusers' StableDiffusionPipeline (SD 1.x and 2.x, not SDXL) changes what it is given: `steps_offset` becomes 1
    /// and `clip_sample` false. A replacing sampler sees the change only where the file itself has the key, because
    /// `from_config` forgets defaults.
    package func correctedForStableDiffusion(replaced: Bool) -> SchedulerConfiguration {
        var corrected = self
        if !replaced || values["steps_offset"] != nil { corrected.values["steps_offset"] = .number(1) }
        if !replaced || values["clip_sample"] != nil { corrected.values["clip_sample"] = .flag(false) }
        return corrected
    }
}

/// What the model predicts. Raw values are `prediction_type`'s.
package enum Objective: String, Sendable, Equatable, CaseIterable {
    case epsilon
    case velocity = "v_prediction"
    case sample
    case flow = "flow_prediction"
}

extension SchedulerConfiguration {
    func flag(_ key: String, default fallback: Bool) throws(SchedulerError) -> Bool {
        switch values[key] {
        case nil, .null?: fallback
        case .flag(let value)?: value
        default: throw .wrongType(key: key, expected: "true or false")
        }
    }

    func number(_ key: String) throws(SchedulerError) -> Double? {
        switch values[key] {
        case nil, .null?: nil
        case .number(let value)?: value
        default: throw .wrongType(key: key, expected: "a number")
        }
    }

    func number(_ key: String, default fallback: Double) throws(SchedulerError) -> Double {
        try number(key) ?? fallback
    }

    func integer(_ key: String, default fallback: Int) throws(SchedulerError) -> Int {
        guard let value = try number(key) else { return fallback }
        guard let integer = Int(exactly: value), integer.magnitude <= 1 << 20 else {
            throw .wrongType(key: key, expected: "a whole number below 1048576")
        }
        return integer
    }

    func text(_ key: String, default fallback: String) throws(SchedulerError) -> String {
        switch values[key] {
        case nil, .null?: fallback
        case .text(let value)?: value
        default: throw .wrongType(key: key, expected: "a string")
        }
    }

    func numbers(_ key: String) throws(SchedulerError) -> [Double]? {
        switch values[key] {
        case nil, .null?: nil
        case .numbers(let value)?: value
        default: throw .wrongType(key: key, expected: "a list of numbers")
        }
    }

    /// The prediction type, with diffusers' old name for a sample.
    func objective() throws(SchedulerError) -> Objective {
        let name = try text("prediction_type", default: Objective.epsilon.rawValue)
        guard let objective = Objective(rawValue: name == "original_sample" ? "sample" : name) else {
            throw .wrongType(
                key: "prediction_type", expected: Objective.allCases.map(\.rawValue).joined(separator: ", "))
        }
        return objective
    }

    /// What bounds the denoised picture, where the class bounds it. Thresholding goes before clipping; `clips` is the class's
    /// default of `clip_sample`, nil for a class without that key.
    func limit(clips: Bool?) throws(SchedulerError) -> Step.Limit? {
        if try flag("thresholding", default: false) {
            let ratio = try number("dynamic_thresholding_ratio", default: 0.995)
            guard (0...1).contains(ratio) else {
                throw .wrongType(key: "dynamic_thresholding_ratio", expected: "a number from 0 to 1")
            }
            let most = try number("sample_max_value", default: 1)
            guard most > 0 else { throw .wrongType(key: "sample_max_value", expected: "a number above 0") }
            return .quantile(Float(ratio), most: Float(most))
        }
        guard let clips, try flag("clip_sample", default: clips) else { return nil }
        return .range(Float(try number("clip_sample_range", default: 1)))
    }

    /// As `limit`, for forms that step with predicted noise, which the reference does not bound consistently.
    func refuseThresholding(for sampler: Sampler) throws(SchedulerError) {
        if try flag("thresholding", default: false) {
            throw .unsupported(key: "thresholding", value: "true", sampler: sampler)
        }
    }
}
