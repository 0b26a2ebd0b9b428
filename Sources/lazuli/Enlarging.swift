import API
import Client
import Digests
import Kinds
import Vocabulary

/// `--upscale`: every picture of a drawing goes through a job of its own before it is delivered.
extension DrawingOptions {
    /// What is wrong with the options, nil when nothing is.
    func enlargingFault(_ submission: SubmissionOptions) -> String? {
        guard let upscale else { return upscaler == nil ? nil : "--upscaler needs --upscale." }
        guard (1...8).contains(upscale) else { return "--upscale is 1 to 8." }
        return submission.detach ? "--upscale waits for the pictures; leave --detach out." : nil
    }

    /// Refuses an upscaler that is not there before anything is drawn.
    func checkUpscaler(_ client: DaemonClient) throws {
        guard upscale != nil, upscaler != Kinds.Upscale.lanczos else { return }
        let known = try client.models().filter { $0.kinds.contains(Kinds.Upscale.kind) }.map(\.id)
        guard upscaler.map(known.contains) ?? !known.isEmpty else {
            throw Failure(
                Exit.badInput,
                "There is no upscaler\(upscaler.map { " named \($0)" } ?? ""). `make upscaler` fetches some; "
                    + "--upscaler lanczos needs none.")
        }
    }

    /// The job with larger pictures in place of its own.
    func enlarged(
        _ job: JobStatus, _ submission: SubmissionOptions, _ client: DaemonClient
    ) throws -> JobStatus {
        guard let upscale else { return job }
        var job = job
        for place in job.outputs.indices {
            let bytes = try client.output(job.outputs[place])
            var larger = Kinds.Upscale(image: Blob(sha256: SHA256.hexadecimal(of: bytes)))
            (larger.model, larger.scale) = (upscaler, upscale)
            (larger.format, larger.quality) = (try fileFormat(), quality)
            _ = try client.upload(bytes)
            guard let done = try submission.run(try submission.body(larger), on: client),
                var output = done.outputs.first
            else { throw Failure(Exit.internalFailure, "A picture of the job \(job.id) was enlarged into nothing.") }
            (output.index, output.seed) = (job.outputs[place].index, job.outputs[place].seed)
            job.outputs[place] = output
        }
        return job
    }
}
