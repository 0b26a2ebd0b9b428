import ArgumentParser
import Foundation
import Service
import Synchronization

/// A step of the daemon at which tests make it die or fail: `NAME`, or `NAME:N` at the N-th passing, or
/// `NAME:N:ERRNO` to fail there instead of dying.
struct FaultPoint: ExpressibleByArgument, Sendable {
    var name: String
    var passing = 1
    /// 0 to die.
    var number: Int32 = 0

    init?(argument: String) {
        let parts = argument.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        guard (1...3).contains(parts.count), !parts[0].isEmpty else { return nil }
        name = parts[0]
        if parts.count > 1 {
            guard let passing = Int(parts[1]), passing > 0 else { return nil }
            self.passing = passing
        }
        if parts.count > 2 {
            guard let number = Int32(parts[2]), number > 0 else { return nil }
            self.number = number
        }
    }

    static func faults(_ points: [FaultPoint]) -> Faults {
        guard !points.isEmpty else { return Faults() }
        let passings = Passings()
        return Faults { name in
            let passing = passings.count(name)
            for point in points where point.name == name && point.passing == passing {
                if point.number == 0 { kill(getpid(), SIGKILL) }
                return point.number
            }
            return 0
        }
    }
}

/// How often each step was passed.
private final class Passings: Sendable {
    private let counts = Mutex<[String: Int]>([:])

    func count(_ name: String) -> Int {
        counts.withLock { counts in
            counts[name, default: 0] += 1
            return counts[name] ?? 0
        }
    }
}
