import API
import JSON
import Logging
import Vocabulary
import Wire

/// Questions that wait for the worker's answers.
struct Questions {
    struct Pending {
        var question: Question
        var isSent = false
        var reader: CheckedContinuation<Answer?, Never>
    }

    var pending: [Int: Pending] = [:]
    /// Numbers of questions that nobody waits for any more, although the worker may still answer.
    var expired: Set<Int> = []
    var next = 0

    /// Questions that the worker may have at once.
    static let limit = 16

    var isEmpty: Bool { pending.isEmpty }
}

extension Dispatcher {
    /// What the worker answers, nil when it does not in time or there is none.
    func ask(_ question: Question, within time: Duration) async -> Answer? {
        _ = readyWorker()
        guard slot.process != nil, !isDraining else { return nil }
        let number = questions.next
        questions.next += 1
        let deadline = Task {
            guard (try? await Task.sleep(for: time)) != nil else { return }
            expire(number)
        }
        let answer = await withCheckedContinuation { reader in
            questions.pending[number] = Questions.Pending(question: question, reader: reader)
            flushQuestions()
        }
        deadline.cancel()
        rest()
        return answer
    }

    /// Sends the oldest questions as far as the worker may have them.
    func flushQuestions() {
        guard slot.ready != nil, condemned == nil else { return }
        let sent = questions.pending.values.count { $0.isSent } + questions.expired.count
        let waiting = questions.pending.filter { !$0.value.isSent }.keys.sorted()
        for number in waiting.prefix(max(Questions.limit - sent, 0)) {
            guard let question = questions.pending[number]?.question else { continue }
            questions.pending[number]?.isSent = true
            send(.ask(number: number, question))
        }
    }

    private func expire(_ number: Int) {
        guard let late = questions.pending.removeValue(forKey: number) else { return }
        if late.isSent { questions.expired.insert(number) }
        late.reader.resume(returning: nil)
    }

    /// Takes an answer; returns how it breaks the protocol, if it does.
    func take(_ answer: Answer, to number: Int) -> String? {
        if questions.expired.remove(number) != nil {
            flushQuestions()
            return nil
        }
        guard let asked = questions.pending[number], asked.isSent else { return "it answered what nobody asked" }
        if let fault = fault(in: answer, to: asked.question) { return fault }
        questions.pending[number] = nil
        asked.reader.resume(returning: answer)
        flushQuestions()
        return nil
    }

    private func fault(in answer: Answer, to question: Question) -> String? {
        switch (question, answer) {
        case (_, .refusal): return nil
        case (.models(let from), .models(let models, let next)):
            if let next, next <= from || next > from + Judge.modelLimit {
                return "a list that goes on at \(next) after \(from)"
            }
            return models.lazy.compactMap(Judge.fault(in:)).first
        case (.appraise, .appraisal(let appraisal)): return Judge.fault(in: appraisal.estimate)
        default: return "an answer to another question"
        }
    }

    /// The worker is gone, and with it the answers.
    func answerAll() {
        let waiting = questions.pending.values
        questions.pending = [:]
        questions.expired = []
        for question in waiting { question.reader.resume(returning: nil) }
    }

    // MARK: What is asked

    /// What the job would cost; nil when the worker cannot say in time.
    func appraise(_ submission: JobSubmission, uid: UInt32) async throws(ErrorBody) -> Appraisal? {
        let inputs = submission.inputs.map { InputFile(blob: $0, path: blobs.path($0, uid: uid)) }
        let question = Question.appraise(kind: submission.kind, parameters: submission.parameters, inputs: inputs)
        switch await ask(question, within: settings.appraisalTime) {
        case .appraisal(var appraisal)?:
            var warnings: [String] = []
            for warning in appraisal.warnings { warnings.warn(warning) }
            appraisal.warnings = warnings
            return appraisal
        case .refusal(let error)?: throw Judge.trimmed(error)
        case .models?, nil: return nil
        }
    }

    /// The models; who asks while they are being listed gets the same list.
    func models() async throws(ErrorBody) -> [ModelInfo] {
        let task = listing ?? Task { await readModels() }
        listing = task
        return try await task.value.get()
    }

    private func readModels() async -> Result<[ModelInfo], ErrorBody> {
        defer { listing = nil }
        let deadline = now + settings.listingTime
        var models: [ModelInfo] = []
        var from: Int? = 0
        while let start = from, models.count < Judge.modelLimit {
            switch await ask(.models(from: start), within: max(deadline - now, .zero)) {
            case .models(let page, let next)?:
                models += page
                from = next
            case .refusal(let error)?: return .failure(Judge.trimmed(error))
            case .appraisal?, nil: return .failure(unanswered)
            }
        }
        return .success(Array(models.prefix(Judge.modelLimit)))
    }

    private var unanswered: ErrorBody {
        if isDraining { return .draining }
        let why = slot.complaint(at: now) ?? "The worker did not answer in time."
        return ErrorBody(.unavailable, code: "worker_unavailable", message: "\(why) Try again in a moment.")
    }
}
