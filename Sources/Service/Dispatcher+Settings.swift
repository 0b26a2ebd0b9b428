import Foundation
import Jobs

extension Dispatcher {
    /// Limits of the daemon.
    package struct Settings: Sendable {
        /// Waiting jobs, in all and of one user, beyond which a submission is refused.
        package var queueLimit = 1024
        package var ownQueueLimit = 256
        /// How many jobs are with the worker at once.
        var admission = Admission()
        /// How long an idle worker keeps its weights.
        package var workerIdle = Duration.seconds(300)
        /// How long a cancelled job may go on before its worker is killed.
        package var cancelGrace = Duration.seconds(10)
        /// How long a worker may be silent, and its work stand still while a job has the turn, before it is killed.
        package var silence = Duration.seconds(30)
        package var standstill = Duration.seconds(120)
        /// How long a new worker may take to be ready.
        package var readyTime = Duration.seconds(60)
        /// How long a submission waits for its appraisal.
        package var appraisalTime = Duration.seconds(5)
        /// How long the list of models may take.
        package var listingTime = Duration.seconds(30)
        /// How long jobs may take to hand over checkpoints when the daemon stops.
        package var drainTime = Duration.seconds(3)
        /// Final jobs that are remembered.
        package var history = 1000
        /// How long to wait before a journal that failed is tried again.
        package var journalRetry = Duration.seconds(2)
        /// Bytes of outputs that are kept, in all and of one user.
        package var outputBytes = 4 << 30
        package var ownOutputBytes = 4 << 30
        /// Bytes of uploaded files that one user may have.
        package var uploadBytes = 1 << 30
        /// How long an uploaded file is kept that no job names.
        package var uploadTime = Duration.seconds(3600)
        /// Seconds of a lease.
        var leaseTime: MachineTime = 300
        /// The wall clock, which only people look at.
        package var time: @Sendable () -> Double = { Date().timeIntervalSince1970 }

        package init() {}
    }
}
