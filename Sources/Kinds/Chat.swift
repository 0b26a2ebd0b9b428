package import API
import JSON
package import Vocabulary

/// The answer of a language model to a conversation.
package struct Chat: JobParameters {
    /// One message of the conversation.
    package struct Message: Sendable, Equatable {
        package enum Role: String, Sendable, CaseIterable { case system, user, assistant, tool }

        package var role: Role
        package var content: String

        package init(_ role: Role, _ content: String) {
            self.role = role
            self.content = content
        }
    }

    package var messages: [Message] = []
    package var model: String?
    /// Continues the messages' text as it is, without the model's template.
    package var raw: Bool?
    package var maxTokens = 512
    /// 0: the best token, always.
    package var temperature = 0.0
    package var topK: Int?
    package var topP: Double?
    package var minP: Double?
    package var typicalP: Double?
    package var repetitionPenalty: Double?
    package var presencePenalty: Double?
    package var frequencyPenalty: Double?
    /// Texts at which the answer ends; they are not part of it.
    package var stop: [String] = []
    package var ignoreEOS: Bool?
    package var seed: UInt64?
    package var precision: Precision?

    package init() {}

    package init(_ messages: [Message]) {
        self.messages = messages
    }

    package static let kind = JobKind("chat")
    package static let summary = "Answers a conversation."
    package static let table: [Parameter<Chat>] = [
        .messages(
            "messages", \.messages, bytes: 1 << 20,
            "The conversation: objects with a `role` (system, user, assistant, tool) and a `content`."),
        .text("model", \.model, bytes: 256, "Name of a language model; the default one when left out."),
        .flag("raw", \.raw, "Goes on from the messages' text as it is, without the model's template."),
        .integer("max_tokens", \.maxTokens, 1...32_768, "Most tokens of the answer."),
        .number("temperature", \.temperature, 0...5, "How evenly tokens are chosen; 0 always takes the best one."),
        .integer("top_k", \.topK, 1...1_000_000, "Chooses among so many of the best tokens."),
        .number("top_p", \.topP, 0...1, "Chooses among the fewest best tokens whose probabilities reach this."),
        .number("min_p", \.minP, 0...1, "Chooses among tokens with at least this share of the best one's probability."),
        .number(
            "typical_p", \.typicalP, 0...1,
            "Chooses among the fewest tokens of the most expected surprise whose probabilities reach this."),
        .number(
            "repetition_penalty", \.repetitionPenalty, 0.01...100,
            "Divides the scores of tokens that were read or written; 1 when left out."),
        .number(
            "presence_penalty", \.presencePenalty, -2...2,
            "Taken from the scores of tokens that were written; 0 when left out."
        ),
        .number(
            "frequency_penalty", \.frequencyPenalty, -2...2,
            "Taken from a token's score for each time that it was written; 0 when left out."),
        .texts("stop", \.stop, count: 16, bytes: 1024, "Texts at which the answer ends, which are not part of it."),
        .flag("ignore_eos", \.ignoreEOS, "Goes on after the model has ended its answer, and through repetitions."),
        .seed("seed", \.seed, "Seed of the choices. Chosen at random when left out or -1."),
        .choice(
            "precision", \.precision,
            "Arithmetic; when left out f32 for small models, whose words suffer from rounding, else the fastest."),
    ]

    package var title: String {
        let last = messages.last { $0.role == .user } ?? messages.last
        return String((last?.content ?? "").prefix(80).map { $0.isNewline ? " " : $0 })
    }

    package func check() throws(RequestError) {
        guard !messages.isEmpty else { throw .missing(param: "messages") }
        guard !stop.contains("") else { throw .wrongType(param: "stop", expected: "texts that are not empty") }
    }

    package mutating func settle() {
        seed = seed ?? UInt64(UInt32.random(in: .min ... .max))
    }

    /// Why an answer ends.
    package enum FinishReason: String, Codable, Sendable, CaseIterable {
        /// The model ended it, or a text of `stop` came.
        case stop
        /// `max_tokens`, or the end of what the model can hold.
        case length
        /// The same few tokens came again and again.
        case repetition
    }

    package struct Result: Codable, Sendable, Equatable {
        package var text: String
        package var model: String
        package var finishReason: FinishReason
        package var promptTokens, completionTokens: Int
        package var promptTokenIDs, tokenIDs: [Int]
        /// The kernel table, such as `avx512`.
        package var kernels: String
        package var threads: Int
        /// Seconds by stage, under the names of `Stage`.
        package var seconds: [String: Double]
        package var peakMemoryBytes: Int
        package var parameters: Chat

        package init(
            text: String, model: String, finishReason: FinishReason, promptTokenIDs: [Int], tokenIDs: [Int],
            kernels: String, threads: Int, seconds: [Stage: Double], peakMemoryBytes: Int, parameters: Chat
        ) {
            self.text = text
            self.model = model
            self.finishReason = finishReason
            promptTokens = promptTokenIDs.count
            completionTokens = tokenIDs.count
            self.promptTokenIDs = promptTokenIDs
            self.tokenIDs = tokenIDs
            self.kernels = kernels
            self.threads = threads
            self.seconds = Dictionary(uniqueKeysWithValues: seconds.map { ($0.key.rawValue, $0.value) })
            self.peakMemoryBytes = peakMemoryBytes
            self.parameters = parameters
        }

        private enum CodingKeys: String, CodingKey {
            case text, model, kernels, threads, seconds, parameters
            case finishReason = "finish_reason"
            case promptTokens = "prompt_tokens"
            case completionTokens = "completion_tokens"
            case promptTokenIDs = "prompt_token_ids"
            case tokenIDs = "token_ids"
            case peakMemoryBytes = "peak_memory_bytes"
        }
    }
}

extension Parameter {
    /// A conversation of at most so many bytes of text; it must be there.
    static func messages(
        _ name: String, _ path: any WritableKeyPath<Owner, [Chat.Message]> & Sendable, bytes: Int, _ help: String
    ) -> Parameter {
        Parameter(name: name, help: help, values: .messages(bytes: bytes), isRequired: true) {
            (value, owner) throws(RequestError) in
            owner[keyPath: path] = try value.messages(name, bytes: bytes)
        } write: {
            .array(
                $0[keyPath: path].map {
                    .object(["role": .string($0.role.rawValue), "content": .string($0.content)])
                })
        }
    }
}

extension JSON {
    fileprivate func messages(_ param: String, bytes limit: Int) throws(RequestError) -> [Chat.Message] {
        guard case .array(let entries) = self else {
            throw .wrongType(param: param, expected: "a list of objects with role and content")
        }
        var messages: [Chat.Message] = []
        var bytes = 0
        for entry in entries {
            guard let members = entry.asObject, case .string(let name)? = members["role"],
                case .string(let content)? = members["content"]
            else { throw .wrongType(param: param, expected: "a list of objects with role and content, both texts") }
            guard let role = Chat.Message.Role(rawValue: name) else {
                throw .unknownName(param: param, value: name, allowed: Chat.Message.Role.allCases.map(\.rawValue))
            }
            bytes += content.utf8.count
            guard bytes <= limit else { throw .tooLong(param: param, bytes: bytes, limit: limit) }
            messages.append(Chat.Message(role, content))
        }
        guard !messages.isEmpty else { throw .wrongType(param: param, expected: "at least one message") }
        return messages
    }
}
