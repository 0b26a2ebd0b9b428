import Synchronization
package import Vocabulary

/// What a measured time belongs to.
package struct PaceKey: Hashable, Sendable {
    package var model: String
    package var precision: Precision
    package var stage: Stage
    /// Branches of guidance evaluated at a time.
    package var branches: Int
    package var pixels: Int
}

/// Seconds of slices that this process has carried out, for estimates.
package final class Paces: Sendable {
    private let seconds = Mutex<[PaceKey: Double]>([:])
    private static let most = 512

    /// Remembers the latest; an early slice is slower than those after it, so the lesser of two counts twice.
    package func note(_ key: PaceKey, _ value: Double) {
        seconds.withLock { seconds in
            if seconds.count >= Self.most && seconds[key] == nil { seconds = [:] }
            seconds[key] = seconds[key].map { (2 * min($0, value) + max($0, value)) / 3 } ?? value
        }
    }

    /// Seconds of such a slice: measured at this size, else in proportion to the pixels of the nearest; nil: never.
    package func seconds(_ key: PaceKey) -> Double? {
        seconds.withLock { seconds in
            if let exact = seconds[key] { return exact }
            let alike = seconds.filter { known, _ in
                known.model == key.model && known.precision == key.precision && known.stage == key.stage
                    && known.branches == key.branches
            }
            let nearest = alike.min { abs($0.key.pixels - key.pixels) < abs($1.key.pixels - key.pixels) }
            return nearest.map { $0.value * Double(key.pixels) / Double(max(1, $0.key.pixels)) }
        }
    }
}
