package import API
package import FoundationEssentials

/// What the daemon tells its worker.
package enum Order: Codable, Sendable, Equatable {
    case run(job: String, attempt: Int, request: GenerateRequest)
    /// Stop at the next step; an order for another job than the running one is void.
    case cancel(job: String)
    /// Answered by a `Report.models` with the same number, also during a job.
    case listModels(number: Int)
    case quit
}

/// What the worker tells the daemon.
package enum Report: Codable, Sendable, Equatable {
    /// The first message of every worker.
    case ready(WorkerInfo)
    case models(number: Int, models: [ModelInfo])
    case modelsFailed(number: Int, error: ErrorBody)
    case progress(job: String, JobProgress)
    case warning(job: String, message: String)
    /// The frame's payload is the encoded file.
    case image(job: String, EncodedImage)
    case finished(job: String, GenerateResult)
    case failed(job: String, ErrorBody)
    case cancelled(job: String)
}

/// What a worker is.
package struct WorkerInfo: Codable, Sendable, Equatable {
    package var version: String
    package var device: String
    /// The kernel table, such as `avx512`.
    package var kernels: String
    package var threads: Int

    package init(version: String, device: String = "cpu", kernels: String, threads: Int) {
        self.version = version
        self.device = device
        self.kernels = kernels
        self.threads = threads
    }
}

/// What belongs to the bytes of an image.
package struct EncodedImage: Codable, Sendable, Equatable {
    package var index: Int
    package var format: ImageFormat
    package var width: Int
    package var height: Int
    package var seed: UInt64

    package init(index: Int, format: ImageFormat, width: Int, height: Int, seed: UInt64) {
        self.index = index
        self.format = format
        self.width = width
        self.height = height
        self.seed = seed
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
