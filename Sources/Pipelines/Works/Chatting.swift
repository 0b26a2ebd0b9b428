// The answer to a conversation: read it piece by piece, then write token by token.

import API
package import JSON
import Kinds
import Models
import Tensor
import Tokenizers
import Vocabulary

package struct Chatting: KindWork {
    private enum Phase: Sendable {
        case open
        /// Part of that number.
        case load(Int)
        /// The conversation's token of that number.
        case read(Int)
        case write
        case done
    }

    /// Tokens that are read in one slice, and written in one.
    static let piece = 256
    private static let stretch = 8

    private let asked: Chat
    private let resume: Checkpoint?
    private var phase = Phase.open
    private var model: LanguageModel?
    private var prompt: [Int] = []
    private var known: Set<Int> = []
    private var ends: Set<Int> = []
    private var cache: KeyValueCache?
    private var written: [Int] = []
    private var random: UniformNumbers
    private var answer = AnswerText()
    private var reason: Chat.FinishReason?
    private var times = StageTimes()
    private var outcome: Chat.Result?
    package private(set) var need: Need

    init(_ parameters: Chat, inputs: [Blob: String], resume: Checkpoint?) {
        asked = parameters
        self.resume = resume
        random = UniformNumbers(seed: parameters.seed ?? 0)
        need = Need(model: parameters.model ?? Registry.defaultLanguageModel)
    }

    package var next: Slice? {
        switch phase {
        case .open, .load: Slice(.load)
        case .read(let index): Slice(.encode, step: index, of: prompt.count)
        case .write: Slice(.generate, step: written.count, of: asked.maxTokens)
        case .done: nil
        }
    }

    package mutating func advance(_ desk: Desk) throws {
        let start = ContinuousClock.now
        let stage = next?.stage ?? .generate
        desk.workshop.residents.reserve(need.activations)
        switch phase {
        case .open: try open(desk)
        case .load(let index): try load(index, desk)
        case .read(let index): try read(index, desk)
        case .write: try write(desk)
        case .done: preconditionFailure("a work that is done does not advance")
        }
        times.add(stage, ContinuousClock.now - start)
        if case .done = phase { finish(desk) }
    }

    package func result() throws -> JSON {
        guard let outcome else { preconditionFailure("a work that is not done has no result") }
        return try outcome.asJSON()
    }

    static func appraise(_ parameters: Chat, inputs: [Blob: String], _ workshop: Workshop) throws -> JobAppraisal {
        let model = try workshop.registry.languageModel(parameters.model, parameters.precision)
        try check(parameters, model)
        let bytes = try needed(model, tokens: tokens(parameters, model), workshop)
        return JobAppraisal(
            estimate: Estimate(memoryBytes: bytes, budgetBytes: workshop.residents.budgetBytes))
    }
}

// MARK: Before the first token

extension Chatting {
    private static func check(_ parameters: Chat, _ model: LanguageModel) throws(PipelineError) {
        guard model.template == nil, parameters.raw != true else { return }
        throw .request(
            parameter: "model", fact: "\(model.name) brings no chat template that Lazuli knows",
            remedy: "use another model, or raw to go on from a text as it is")
    }

    /// Tokens that a conversation can come to: four bytes a token is little, and the answer.
    private static func tokens(_ parameters: Chat, _ model: LanguageModel) -> Int {
        let bytes = parameters.messages.reduce(0) { $0 + $1.content.utf8.count + 32 }
        return min(model.context, bytes / 2 + parameters.maxTokens)
    }

    private static func needed(_ model: LanguageModel, tokens: Int, _ workshop: Workshop) throws -> Int {
        let parts = try model.parts.reduce(0) { $0 + (try $1.bytes(workshop.residents)) }
        let needed = workshop.ownBytes + parts + model.activationBytes(tokens: tokens)
        let budget = workshop.residents.budgetBytes
        guard needed <= budget else { throw PipelineError.memory(needed: needed, budget: budget) }
        return needed
    }

    private mutating func open(_ desk: Desk) throws {
        let model = try desk.workshop.registry.languageModel(asked.model, asked.precision)
        try Self.check(asked, model)
        need = Need(
            model: model.name, bytes: try Self.needed(model, tokens: Self.tokens(asked, model), desk.workshop),
            parts: try Dictionary(
                model.parts.map { ($0.key, try $0.bytes(desk.workshop.residents)) },
                uniquingKeysWith: { first, _ in first }))
        self.model = model
        phase = .load(0)
    }

    private mutating func load(_ index: Int, _ desk: Desk) throws {
        guard let model else { return }
        try model.parts[index].load(desk.workshop.residents)
        guard index + 1 == model.parts.count else {
            phase = .load(index + 1)
            return
        }
        let tokenizer = try desk.workshop.residents.lease(model.tokenizer).value
        if asked.raw == true {
            prompt = tokenizer.encode(asked.messages.map(\.content).joined())
        } else if let template = model.template {
            prompt = tokenizer.encode(
                asked.messages.map { ChatMessage(ChatMessage.Role($0.role), $0.content) }, template)
        }
        guard !prompt.isEmpty else {
            throw PipelineError.request(
                parameter: "messages", fact: "they come to no token", remedy: "write something")
        }
        guard prompt.count < model.context else {
            throw PipelineError.truncated(tokens: prompt.count, limit: model.context - 1)
        }
        known = Set(prompt)
        ends = asked.ignoreEOS == true ? [] : model.ends(tokenizer)
        cache = try desk.workshop.residents.lease(model.decoder).value.emptyCache()
        restore(tokenizer, desk)
        phase = .read(0)
    }

    /// Takes up what was written before, which the same numbers wrote.
    private mutating func restore(_ tokenizer: Tokenizer, _ desk: Desk) {
        guard let facts = resume?.facts.asObject, facts["belongs"] == belongs(desk.workshop.kernels),
            let tokens = facts["tokens"]?.asArray?.compactMap(\.asInt), tokens.count < asked.maxTokens
        else { return }
        for token in tokens {
            if asked.temperature > 0 { _ = random.next() }
            written.append(token)
            desk.write(answer.append(token, tokenizer, asked.stop))
        }
    }
}

// MARK: Tokens

extension Chatting {
    private mutating func read(_ index: Int, _ desk: Desk) throws {
        guard let model, var cache else { return }
        let decoder = try desk.workshop.residents.lease(model.decoder).value
        // The last token is read when the first one is chosen.
        let all = prompt + written
        let end = min(index + Self.piece, all.count - 1)
        if end > index { decoder.read(Array(all[index..<end]), &cache) }
        self.cache = cache
        phase = end == all.count - 1 ? .write : .read(end)
    }

    private mutating func write(_ desk: Desk) throws {
        guard let model, var cache else { return }
        let decoder = try desk.workshop.residents.lease(model.decoder).value
        let tokenizer = try desk.workshop.residents.lease(model.tokenizer).value
        let sampling = TokenSampling(asked)
        for _ in 0..<Self.stretch where reason == nil {
            guard KernelWork.goesOn() else { throw PipelineError.abandoned }
            let last = written.last ?? prompt[prompt.count - 1]
            let scores = decoder.logits([last], &cache)
            guard scores.firstNonFinite == nil else {
                throw PipelineError.nonFinite(stage: .generate, step: written.count + 1)
            }
            var numbers = random
            let token = sampling.choose(scores.floats, prompt: known, written: written) { numbers.next() }
            random = numbers
            if ends.contains(token) {
                reason = .stop
                break
            }
            written.append(token)
            desk.write(answer.append(token, tokenizer, asked.stop))
            if answer.isStopped {
                reason = .stop
            } else if written.count == asked.maxTokens || prompt.count + written.count == model.context {
                reason = .length
            } else if asked.ignoreEOS != true && Self.repeats(written) {
                reason = .repetition
            }
        }
        self.cache = cache
        guard reason != nil else { return }
        desk.write(answer.finish())
        phase = .done
    }

    /// Whether the end of an answer is the same few tokens, many times over.
    package static func repeats(_ tokens: [Int]) -> Bool {
        (1...32).contains { period in
            let span = max(64, 6 * period)
            guard tokens.count >= span else { return false }
            let end = tokens.suffix(span)
            return zip(end, end.dropFirst(period)).allSatisfy(==)
        }
    }

    private mutating func finish(_ desk: Desk) {
        guard let model, let reason else { return }
        var parameters = asked
        (parameters.model, parameters.precision) = (model.name, model.precision)
        outcome = Chat.Result(
            text: answer.text, model: model.name, finishReason: reason, promptTokenIDs: prompt, tokenIDs: written,
            kernels: desk.workshop.kernels, threads: desk.workshop.threads, seconds: times.seconds,
            peakMemoryBytes: residentPeakBytes(), parameters: parameters)
    }

    package func checkpoint() throws -> Checkpoint? {
        guard case .write = phase, !written.isEmpty, let kernels = model.map({ _ in Kernels.name }) else {
            return resume
        }
        return Checkpoint(
            facts: .object(["belongs": belongs(kernels), "tokens": .array(written.map(JSON.int)), "outputs": .int(0)]),
            tensors: tensorFile([:]))
    }

    /// What the tokens of a checkpoint came from.
    private func belongs(_ kernels: String) -> JSON {
        guard let model else { return .null }
        let text =
            "\(lazuliVersion) \(kernels) \(model.precision.rawValue) \(model.ledger) \(digest(asked.json.text()))"
        return .string(digest(Array(text.utf8)))
    }
}

extension TokenSampling {
    init(_ asked: Chat) {
        self.init()
        temperature = asked.temperature
        (topK, topP, minP, typicalP) = (asked.topK, asked.topP, asked.minP, asked.typicalP)
        repetitionPenalty = asked.repetitionPenalty ?? 1
        presencePenalty = asked.presencePenalty ?? 0
        frequencyPenalty = asked.frequencyPenalty ?? 0
    }
}

extension ChatMessage.Role {
    fileprivate init(_ role: Chat.Message.Role) {
        self =
            switch role {
            case .system: .system
            case .user: .user
            case .assistant: .assistant
            case .tool: .tool
            }
    }
}

/// The text of an answer, of which nothing is shown that may turn out to be the beginning of a text that ends it.
struct AnswerText: Sendable {
    private(set) var text = ""
    private(set) var isStopped = false
    private var held = ""
    private var decoder: StreamingDecoder?

    /// What can be shown after another token.
    mutating func append(_ token: Int, _ tokenizer: Tokenizer, _ stops: [String]) -> String {
        var stream = decoder ?? StreamingDecoder(tokenizer)
        held += stream.append(token)
        decoder = stream
        let bytes = Array(held.utf8)
        let found = stops.compactMap { stop in bytes.firstPlace(of: Array(stop.utf8)) }.min()
        if let found {
            isStopped = true
            return show(bytes[..<found], keeping: bytes[bytes.count...])
        }
        // The longest end that a text to stop at begins with.
        let longest =
            stops.map { stop in
                let stop = Array(stop.utf8)
                return (1..<max(1, stop.count)).last { $0 <= bytes.count && bytes.suffix($0) == stop.prefix($0) } ?? 0
            }.max() ?? 0
        return show(bytes[..<(bytes.count - longest)], keeping: bytes[(bytes.count - longest)...])
    }

    /// What is left when no token follows.
    mutating func finish() -> String {
        guard !isStopped else { return "" }
        held += decoder?.finish() ?? ""
        return show(Array(held.utf8)[...], keeping: [])
    }

    private mutating func show(_ shown: ArraySlice<UInt8>, keeping rest: ArraySlice<UInt8>) -> String {
        let piece = String(decoding: shown, as: UTF8.self)
        held = String(decoding: rest, as: UTF8.self)
        text += piece
        return piece
    }
}

extension [UInt8] {
    fileprivate func firstPlace(of part: [UInt8]) -> Int? {
        guard count >= part.count else { return nil }
        return (0...count - part.count).first { self[$0..<$0 + part.count].elementsEqual(part) }
    }
}
