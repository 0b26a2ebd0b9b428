// The levels of ComfyUI's and AUTOMATIC1111's named schedules, over any model's table of training levels.
//
// Reference: ComfyUI's `calculate_sigmas` (comfy/samplers.py) and its AlignYourStepsScheduler; AUTOMATIC1111's
// modules/sd_schedulers.py.

#if canImport(Glibc)
    import Glibc
#else
    import Foundation
#endif

/// The training levels of a model, from the least to the most noise, and what lies between them.
struct TrainingLevels {
    let sigmas: [Double]
    private let kind: Kind

    private enum Kind {
        /// A table: linear in ln σ between its levels.
        case table
        /// Flow, with the shift.
        case flow(Double)
        /// Continuous in 0.25·ln σ.
        case continuous
    }

    static func trained(_ noise: TrainingNoise) -> TrainingLevels {
        TrainingLevels(sigmas: noise.sigmas.map { Double($0) }, kind: .table)
    }

    static func flow(total: Int, shift: Double) -> TrainingLevels {
        TrainingLevels(
            sigmas: (1...max(1, total)).map { FlowShift.applied(shift, to: Double($0) / Double(total)) },
            kind: .flow(shift))
    }

    static func continuous(from low: Double, to high: Double) -> TrainingLevels {
        TrainingLevels(
            sigmas: Spacing.line(from: log(low), to: log(high), count: 1000).map { exp($0) }, kind: .continuous)
    }

    var least: Double { sigmas[0] }
    var most: Double { sigmas[sigmas.count - 1] }

    /// Where the reference counts times from and to: the levels with the most and the least noise.
    private var times: (start: Double, end: Double) {
        switch kind {
        case .table: (Double(sigmas.count - 1), 0)
        case .flow: (most * Double(sigmas.count), least * Double(sigmas.count))
        case .continuous: (0.25 * log(most), 0.25 * log(least))
        }
    }

    func sigma(at time: Double) -> Double {
        switch kind {
        case .table:
            let position = min(max(time, 0), Double(sigmas.count - 1))
            let (low, high) = (Int(position), Int(position.rounded(.up)))
            let weight = position - Double(low)
            return exp((1 - weight) * log(sigmas[low]) + weight * log(sigmas[high]))
        case .flow(let shift): return FlowShift.applied(shift, to: time / Double(sigmas.count))
        case .continuous: return exp(time / 0.25)
        }
    }

    /// Levels of a named schedule from the most noise on, the last one (0 nearly always) included. Their number is not
    /// always `steps` + 1: that too is the reference's. Nil for schedules that the samplers place themselves.
    func levels(
        _ schedule: SigmaSchedule, steps: Int, aligned model: AlignedModel?
    ) throws(SchedulerError) -> [Double]? {
        switch schedule {
        case .normal, .sgmUniform: return even(steps, leavesOutLast: schedule == .sgmUniform)
        case .simple:
            return (0..<steps).map {
                sigmas[sigmas.count - 1 - Int(Double($0) * (Double(sigmas.count) / Double(steps)))]
            } + [0]
        case .ddimUniform:
            let ratio = max(sigmas.count / steps, 1)
            return Array(stride(from: 1, to: sigmas.count, by: ratio)).reversed().map { sigmas[$0] } + [0]
        case .beta: return beta(steps) + [0]
        case .linearQuadratic: return linearQuadratic(steps).map { $0 * most }
        case .klOptimal: return arctangents(steps, intervals: max(1, steps - 1)) + [0]
        case .klOptimalA1111: return arctangents(steps + 1, intervals: steps)
        case .alignedSteps, .alignedStepsA1111:
            guard let model else { throw .noAlignedLevels(schedule) }
            return model.levels(schedule, steps: steps)
        default: return nil
        }
    }

    private func even(_ steps: Int, leavesOutLast: Bool) -> [Double] {
        let (start, end) = times
        if leavesOutLast {
            return Spacing.line(from: start, to: end, count: steps + 1).dropLast().map(sigma) + [0]
        }
        // A schedule that reaches 0 by itself gets no 0 appended.
        let reachesZero = sigma(at: end) <= 1e-5
        let levels = Spacing.line(from: start, to: end, count: reachesZero ? steps + 1 : steps).map(sigma)
        return reachesZero ? levels : levels + [0]
    }

    private func beta(_ steps: Int) -> [Double] {
        let distribution = BetaDistribution(alpha: 0.6, beta: 0.6)
        var indices: [Int] = []
        for i in 0..<steps {
            let quantile = distribution.quantile(1 - Double(i) / Double(steps))
            let index = Int((quantile * Double(sigmas.count - 1)).rounded(.toNearestOrEven))
            if index != indices.last { indices.append(index) }
        }
        return indices.map { sigmas[$0] }
    }

    /// Noise left, as a part of the most.
    private func linearQuadratic(_ steps: Int) -> [Double] {
        guard steps > 1 else { return [1, 0] }
        let threshold = 0.025
        let (linear, quadratic) = (Double(steps / 2), Double(steps - steps / 2))
        let difference = linear - threshold * Double(steps)
        let square = difference / (linear * quadratic * quadratic)
        let slope = threshold / linear - 2 * difference / (quadratic * quadratic)
        let constant = square * linear * linear
        return (0..<steps).map {
            let i = Double($0)
            return 1 - (i < linear ? i * threshold / linear : square * i * i + slope * i + constant)
        } + [0]
    }

    private func arctangents(_ count: Int, intervals: Int) -> [Double] {
        (0..<count).map {
            let part = Double($0) / Double(intervals)
            return tan(part * atan(least) + (1 - part) * atan(most))
        }
    }
}

extension AlignedModel {
    fileprivate func levels(_ schedule: SigmaSchedule, steps: Int) -> [Double] {
        if schedule == .alignedSteps {
            return Self.interpolated(self == .sdxl ? Self.xl : Self.first, count: steps + 1).dropLast() + [0]
        }
        return Self.interpolated(self == .sdxl ? Self.roundedXL : Self.roundedFirst, count: steps) + [0]
    }

    /// Log-linear between the given levels.
    private static func interpolated(_ levels: [Double], count: Int) -> [Double] {
        guard count != levels.count else { return levels }
        // numpy.linspace of one point is its start, the end with the least noise.
        guard count > 1 else { return levels.suffix(1) }
        return (0..<count).map {
            let position = Double($0) / Double(count - 1) * Double(levels.count - 1)
            let low = min(Int(position), levels.count - 2)
            let weight = position - Double(low)
            return exp((1 - weight) * log(levels[low]) + weight * log(levels[low + 1]))
        }
    }

    // The paper's 10-step levels, and AUTOMATIC1111's roundings of them.
    private static let first = [
        14.6146412293, 6.4745760956, 3.8636745985, 2.6946151520, 1.8841921177, 1.3943805092, 0.9642583904, 0.6523686016,
        0.3977456272, 0.1515232662, 0.0291671582,
    ]
    private static let xl = [
        14.6146412293, 6.3184485287, 3.7681790315, 2.1811480769, 1.3405244945, 0.8620721141, 0.5550693289, 0.3798540708,
        0.2332364134, 0.1114188177, 0.0291671582,
    ]
    private static let roundedFirst = [
        14.615, 6.475, 3.861, 2.697, 1.886, 1.396, 0.963, 0.652, 0.399, 0.152, 0.029,
    ]
    private static let roundedXL = [
        14.615, 6.315, 3.771, 2.181, 1.342, 0.862, 0.555, 0.380, 0.234, 0.113, 0.029,
    ]
}
