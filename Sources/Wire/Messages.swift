package import API
package import FoundationEssentials
package import JSON
package import Vocabulary

/// What the daemon tells its worker.
package enum Order: Codable, Sendable, Equatable {
    /// Carry a job out. With `resume`, the frame's payload holds the tensors of that checkpoint; a worker for which it does
    /// not fit begins again.
    case run(RunOrder)
    /// Stop at once and throw the job away; answered by `ended(.cancelled)`.
    case cancel(JobID)
    /// Stop at once, hand over a checkpoint if there is one, and forget the job; answered by `ended(.yielded)`.
    case yield(JobID)
    case prioritise(JobID, priority: Int)
    /// Answered by a `Report.answer` of the same number, also while jobs run.
    case ask(number: Int, Question)
    /// Yield every job, then end the process.
    case quit
}

/// A job as the worker gets it.
package struct RunOrder: Codable, Sendable, Equatable {
    package var job: JobID
    package var kind: JobKind
    package var parameters: JSON
    /// The files of the blobs that the parameters name, to be read and not kept.
    package var inputs: [InputFile]
    package var uid: UInt32
    package var priority: Int
    /// Facts of the checkpoint to go on from.
    package var resume: JSON?

    package init(
        job: JobID, kind: JobKind, parameters: JSON, inputs: [InputFile] = [], uid: UInt32, priority: Int = 0,
        resume: JSON? = nil
    ) {
        self.job = job
        self.kind = kind
        self.parameters = parameters
        self.inputs = inputs
        self.uid = uid
        self.priority = priority
        self.resume = resume
    }
}

/// Where a blob lies.
package struct InputFile: Codable, Sendable, Equatable {
    package var blob: Blob
    package var path: String

    package init(blob: Blob, path: String) {
        self.blob = blob
        self.path = path
    }
}

/// What only the worker knows, since only it looks into model files.
package enum Question: Codable, Sendable, Equatable {
    /// The models from number `from` on, as many as fit a frame.
    case models(from: Int)
    /// Whether these parameters can be carried out, and at what cost. Reads configurations and the headers of the inputs,
    /// never weights.
    case appraise(kind: JobKind, parameters: JSON, inputs: [InputFile])
}

package enum Answer: Codable, Sendable, Equatable {
    /// `next` is where the following page begins, nil after the last.
    case models([ModelInfo], next: Int?)
    case appraisal(Appraisal)
    case refusal(ErrorBody)
}

/// What the worker says of a job before it is taken.
package struct Appraisal: Codable, Sendable, Equatable {
    package var estimate: Estimate
    package var warnings: [String]

    package init(estimate: Estimate, warnings: [String] = []) {
        self.estimate = estimate
        self.warnings = warnings
    }
}

/// What the worker tells the daemon. The daemon judges every word of it.
package enum Report: Codable, Sendable, Equatable {
    /// The first message of every worker.
    case ready(WorkerInfo)
    /// Every second from a thread of its own. `work` grows with every piece of arithmetic that is done, so one that stands
    /// still while jobs run tells of a worker that is stuck.
    case heartbeat(work: UInt64)
    /// From now on the slices of this job are carried out: if the worker dies, this job answers for it. nil: of none.
    case turn(JobID?)
    case progress(JobID, JobProgress)
    case warning(JobID, message: String)
    /// Text from byte `offset` of the job's text on.
    case text(JobID, offset: Int, String)
    /// A picture of the job under way; one for which there is no room on the socket is left out.
    case preview(JobID, Preview)
    /// From where the job can go on; the frame's payload holds its tensors (safetensors). Facts hold what the work wants
    /// to find again, such as the files, engine, precision and sampler that the tensors belong to.
    case checkpoint(JobID, facts: JSON, progress: JobProgress)
    /// The frame's payload is the file.
    case output(JobID, Output)
    /// The last word about a job.
    case ended(JobID, WorkEnd)
    case answer(number: Int, Answer)
}

/// How the worker's part in a job ended.
package enum WorkEnd: Codable, Sendable, Equatable {
    /// `outputs` is how many files were sent, so that a lost one is noticed.
    case finished(JSON, outputs: Int)
    case failed(ErrorBody)
    case cancelled
    /// Handed back, to go on later from its last checkpoint.
    case yielded
}

/// What a worker is.
package struct WorkerInfo: Codable, Sendable, Equatable {
    package var version: String
    package var device: String
    /// The kernel table, such as `avx512`.
    package var kernels: String
    package var threads: Int
    /// The most memory that it will take.
    package var budgetBytes: Int

    package init(version: String, device: String = "cpu", kernels: String, threads: Int, budgetBytes: Int) {
        self.version = version
        self.device = device
        self.kernels = kernels
        self.threads = threads
        self.budgetBytes = budgetBytes
    }
}

extension Frame {
    /// A frame that carries a message.
    package init(_ message: some Encodable, payload: Data = Data()) throws(FrameError) {
        do {
            self.init(json: try JSONEncoder().encode(message), payload: payload)
        } catch {
            throw .malformed("\(error)")
        }
    }

    /// The message that the frame carries.
    package func message<Message: Decodable>(_ type: Message.Type) throws(FrameError) -> Message {
        do {
            return try JSONDecoder().decode(type, from: json)
        } catch {
            throw .malformed("\(error)")
        }
    }
}
