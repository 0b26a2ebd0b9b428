package import API
package import Pipelines
package import Vocabulary

/// What the executor remembers of a job under way.
package struct JobRecord: Sendable {
    package init() {}

    /// Bytes of text so far, and files so far.
    var textBytes = 0
    var outputs = 0

    private var stage: Stage?
    private var stageSeconds = 0.0
    private var stageSlices = 0
    private var reported: (stage: Stage, at: ContinuousClock.Instant)?
    /// Seconds of work in all, and since the last checkpoint.
    private var worked = 0.0
    private var workedSinceCheckpoint = 0.0
    private var checkpointSeconds = 0.0
    private var lastCheckpointSeconds = 0.0

    /// Shortest time between two reports of progress in one stage.
    private static let progressInterval = Duration.milliseconds(50)
    /// Least work between two checkpoints, and the most of all work that they may take.
    private static let checkpointInterval = 2.0
    private static let checkpointShare = 0.02

    /// What is told before a slice; nil where it is too early for another report.
    package mutating func progress(_ slice: Slice) -> JobProgress? {
        let now = ContinuousClock.now
        let isLast = slice.of > 0 && slice.step == slice.of
        if let reported, reported.stage == slice.stage, !isLast, now - reported.at < Self.progressInterval {
            return nil
        }
        reported = (slice.stage, now)
        var progress = JobProgress(slice)
        if slice.of > 0, slice.stage == stage, stageSlices > 0 {
            progress.etaSeconds = stageSeconds / Double(stageSlices) * Double(max(0, slice.of - slice.step))
        }
        return progress
    }

    /// Counts a slice that is over.
    package mutating func ran(_ stage: Stage?, _ seconds: Double) {
        if stage != self.stage { (self.stage, stageSeconds, stageSlices) = (stage, 0, 0) }
        stageSeconds += seconds
        stageSlices += 1
        worked += seconds
        workedSinceCheckpoint += seconds
    }

    package var isCheckpointDue: Bool {
        workedSinceCheckpoint >= Self.checkpointInterval
            && checkpointSeconds + lastCheckpointSeconds <= Self.checkpointShare * worked
    }

    package mutating func kept(seconds: Double) {
        workedSinceCheckpoint = 0
        checkpointSeconds += seconds
        lastCheckpointSeconds = seconds
    }
}

extension JobProgress {
    init(_ slice: Slice) { self.init(slice.stage, step: slice.step, of: slice.of) }
}

extension String {
    /// At most 1 KB of it; what is cut is marked.
    func capped(_ most: Int = 1024) -> String {
        guard utf8.count > most else { return self }
        var length = 0
        let kept = unicodeScalars.prefix { scalar in
            length += String(scalar).utf8.count
            return length <= most - 3
        }
        return String(String.UnicodeScalarView(kept)) + "…"
    }

    /// The text in pieces that fit a frame.
    func pieces(_ most: Int = 1 << 19) -> [String] {
        guard utf8.count > most else { return isEmpty ? [] : [self] }
        var pieces: [String] = []
        var piece = String.UnicodeScalarView()
        var length = 0
        for scalar in unicodeScalars {
            let bytes = String(scalar).utf8.count
            if length + bytes > most {
                pieces.append(String(piece))
                (piece, length) = (String.UnicodeScalarView(), 0)
            }
            piece.append(scalar)
            length += bytes
        }
        return pieces + [String(piece)]
    }
}
