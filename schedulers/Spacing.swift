// Which training timesteps a run visits.
//
// Reference: `timestep_spacing` of diffusers (table 2 of Lin et al. 2023 names the three).

enum Spacing: String {
    case linspace, leading, trailing

    init(_ configuration: SchedulerConfiguration, default fallback: Spacing) throws(SchedulerError) {
        let name = try configuration.text("timestep_spacing", default: fallback.rawValue)
        guard let spacing = Spacing(rawValue: name) else {
            throw .wrongType(key: "timestep_spacing", expected: "linspace, leading, trailing")
        }
        self = spacing
    }

    /// Timesteps from the most to the least noise for classes whose last step ends at no noise; linspace is not rounded.
    ///
    /// `total` counts the training timesteps; `offset` is `steps_offset`, which only leading uses.
    func timesteps(steps: Int, total: Int, offset: Int) -> [Double] {
        switch self {
        case .linspace:
            Self.line(from: 0, to: Double(total - 1), count: steps).reversed()
        case .leading:
            (0..<steps).reversed().map { Double($0 * (total / steps) + offset) }
        case .trailing:
            Self.trailing(from: total, ratio: Double(total) / Double(steps), count: steps)
        }
    }

    /// Timesteps of the multistep solvers, which place one more point than they visit. `last` is the number of timesteps
    /// kept after clipping ln α/σ (all of them unless configured).
    func multistepTimesteps(steps: Int, total: Int, last: Int, offset: Int) -> [Double] {
        switch self {
        case .linspace:
            Self.line(from: 0, to: Double(last - 1), count: steps + 1).map { $0.rounded(.toNearestOrEven) }
                .reversed().dropLast()
        case .leading:
            (1...steps).reversed().map { Double($0 * (last / (steps + 1)) + offset) }
        case .trailing:
            Self.trailing(
                from: last, ratio: Double(total) / Double(steps),
                count: last == total ? steps : Int((Double(last * steps) / Double(total)).rounded(.up)))
        }
    }

    /// numpy.linspace: the last point is exact.
    static func line(from start: Double, to end: Double, count: Int) -> [Double] {
        guard count > 1 else { return count == 1 ? [start] : [] }
        let step = (end - start) / Double(count - 1)
        return (0..<count).map { $0 == count - 1 ? end : Double($0) * step + start }
    }

    /// numpy.arange(last, 0, -ratio), rounded, minus 1. For some counts (61, 103, 121 … of 1000) numpy's own rounding
    /// overruns and diffusers calls the model once more, at timestep -1; that call is left out here.
    private static func trailing(from last: Int, ratio: Double, count: Int) -> [Double] {
        let step = (Double(last) - ratio) - Double(last)  // the difference of numpy's first two points, not -ratio
        return (0..<count).map { (Double(last) + Double($0) * step).rounded(.toNearestOrEven) - 1 }
    }
}
