// `POST /v1/chat/completions`: what OpenAI's clients send, as a job of ours, and our answers in their words.
//
// Reference   openai-openapi, CreateChatCompletionRequest, CreateChatCompletionResponse and its stream

import API
import Foundation
import JSON
import Kinds
import Vocabulary

/// A request in the dialect.
struct ChatCompletionRequest {
    let chat: Chat
    let streams: Bool
    /// Whether a stream ends with a chunk that counts tokens.
    let includesUsage: Bool
    /// The model as it was asked for, which the reply repeats.
    let model: String

    var submission: JobSubmission {
        var chat = chat
        chat.settle()
        return JobSubmission(chat)
    }

    init(_ body: JSON) throws(RequestError) {
        guard let members = body.asObject else { throw .notJSON }
        guard case .array(let entries)? = members["messages"] else { throw .missing(param: "messages") }
        var chat = Chat()
        for entry in entries { chat.messages.append(try Self.message(entry)) }
        chat.model = OpenAIDialect.model(members["model"])
        try Self.refuse(members)
        // As the dialect has it; the native kind takes the best token instead.
        chat.temperature = try members.number("temperature", 0...5) ?? 1
        chat.topP = try members.number("top_p", 0...1)
        chat.topK = try members.integer("top_k", -1...1_000_000).flatMap { $0 > 0 ? $0 : nil }
        chat.minP = try members.number("min_p", 0...1)
        chat.typicalP = try members.number("typical_p", 0...1)
        chat.repetitionPenalty = try members.number("repeat_penalty", 0.01...100)
        chat.presencePenalty = try members.number("presence_penalty", -2...2)
        chat.frequencyPenalty = try members.number("frequency_penalty", -2...2)
        chat.seed = try members.integer("seed", -1...Int.max).flatMap { $0 < 0 ? nil : UInt64($0) }
        for name in ["max_completion_tokens", "max_tokens"].reversed() {
            if let most = try members.integer(name, -1...Int.max), most > 0 { chat.maxTokens = min(most, 32_768) }
        }
        switch members["stop"] {
        case nil, .null?: break
        case .string(let text)?: chat.stop = [text]
        case .array(let texts)?: chat.stop = texts.compactMap(\.asString)
        default: throw .wrongType(param: "stop", expected: "a string or a list of strings")
        }
        self.chat = try chat.validated()
        streams = try members.flag("stream") ?? false
        model = members["model"]?.asString ?? "default"
        includesUsage = try members["stream_options"]?.asObject?.flag("include_usage") ?? false
    }

    /// What is asked for and cannot be had is refused; what changes nothing is not.
    private static func refuse(_ members: [String: JSON]) throws(RequestError) {
        if let count = try members.integer("n", 1...Int.max), count > 1 {
            throw .outOfRange(param: "n", value: "\(count)", allowed: "1")
        }
        if case .array(let tools)? = members["tools"], !tools.isEmpty, members["tool_choice"]?.asString != "none" {
            throw .outOfRange(param: "tools", value: "a list of \(tools.count)", allowed: "none in this version")
        }
        if try members.flag("logprobs") == true {
            throw .outOfRange(param: "logprobs", value: "true", allowed: "false in this version")
        }
        let format = members["response_format"]?["type"]?.asString ?? "text"
        guard format == "text" else {
            throw .unknownName(param: "response_format", value: format, allowed: ["text"])
        }
    }

    private static func message(_ entry: JSON) throws(RequestError) -> Chat.Message {
        guard let members = entry.asObject, let name = members["role"]?.asString else {
            throw .wrongType(param: "messages", expected: "objects with role and content")
        }
        guard let role = name == "developer" ? .system : Chat.Message.Role(rawValue: name) else {
            throw .unknownName(
                param: "messages", value: name,
                allowed: Chat.Message.Role.allCases.map(\.rawValue) + ["developer"])
        }
        switch members["content"] {
        case .string(let text)?: return Chat.Message(role, text)
        case nil, .null?: return Chat.Message(role, "")
        case .array(let parts)?:
            var texts: [String] = []
            for part in parts {
                let kind = part["type"]?.asString ?? "text"
                guard kind == "text" || kind == "input_text", let text = part["text"]?.asString else {
                    throw .outOfRange(
                        param: "messages", value: "a part of type \"\(kind)\"",
                        allowed: "text: this version reads no pictures")
                }
                texts.append(text)
            }
            return Chat.Message(role, texts.joined(separator: "\n"))
        default: throw .wrongType(param: "messages", expected: "content that is text or a list of parts")
        }
    }
}

/// An answer in the dialect, whole or in pieces.
struct ChatCompletionReply {
    let id: JobID
    let created: Int
    let model: String

    private func frame(_ object: String, _ choices: [JSON], _ more: [String: JSON] = [:]) -> JSON {
        .object(
            [
                "id": .string("chatcmpl-\(id)"), "object": .string(object), "created": .int(created),
                "model": .string(model), "system_fingerprint": .string("lazuli-\(lazuliVersion)"),
                "choices": .array(choices),
            ].merging(more) { $1 })
    }

    func whole(_ result: JSON) -> JSON {
        frame(
            "chat.completion",
            [
                .object([
                    "index": .int(0), "finish_reason": .string(Self.reason(result)), "logprobs": .null,
                    "message": .object([
                        "role": .string("assistant"), "content": result["text"] ?? .string(""), "refusal": .null,
                    ]),
                ])
            ], ["usage": Self.usage(result)])
    }

    /// A piece of text; the first one says whose it is.
    func chunk(_ text: String, isFirst: Bool) -> JSON {
        var delta: [String: JSON] = ["content": .string(text)]
        if isFirst { delta["role"] = .string("assistant") }
        return frame(
            "chat.completion.chunk",
            [.object(["index": .int(0), "delta": .object(delta), "finish_reason": .null, "logprobs": .null])])
    }

    func last(_ result: JSON) -> JSON {
        frame(
            "chat.completion.chunk",
            [
                .object([
                    "index": .int(0), "delta": .object([:]), "finish_reason": .string(Self.reason(result)),
                    "logprobs": .null,
                ])
            ])
    }

    func usage(_ result: JSON) -> JSON {
        frame("chat.completion.chunk", [], ["usage": Self.usage(result)])
    }

    private static func reason(_ result: JSON) -> String {
        result["finish_reason"]?.asString == Chat.FinishReason.length.rawValue ? "length" : "stop"
    }

    private static func usage(_ result: JSON) -> JSON {
        let (prompt, completion) = (result["prompt_tokens"]?.asInt ?? 0, result["completion_tokens"]?.asInt ?? 0)
        return .object([
            "prompt_tokens": .int(prompt), "completion_tokens": .int(completion),
            "total_tokens": .int(prompt + completion),
            "prompt_tokens_details": .object(["cached_tokens": .int(0)]),
        ])
    }
}

/// Habits of the dialect that its requests share.
enum OpenAIDialect {
    /// The model of a request; OpenAI's own names mean the default one, since clients send them whatever there is.
    static func model(_ value: JSON?) -> String? {
        guard let name = value?.asString, !name.isEmpty else { return nil }
        let own = ["gpt-", "chatgpt-", "dall-e-", "o1", "o3", "o4"]
        return own.contains { name.hasPrefix($0) } ? nil : name
    }

    /// Our errors under the codes that its clients compare.
    static func translated(_ error: ErrorBody) -> ErrorBody {
        var error = error
        switch error.code {
        case "unknown_model": error.code = "model_not_found"
        case "prompt_too_long": error.code = "context_length_exceeded"
        default: break
        }
        error.stage = nil
        error.step = nil
        return error
    }
}

extension [String: JSON] {
    func number(_ name: String, _ range: ClosedRange<Double>) throws(RequestError) -> Double? {
        guard let value = self[name], value != .null else { return nil }
        guard let number = value.asDouble ?? value.asString.flatMap(Double.init) else {
            throw .wrongType(param: name, expected: "a number")
        }
        guard range.contains(number) else {
            throw .outOfRange(
                param: name, value: "\(number)", allowed: "\(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    /// Forms carry numbers as text.
    func integer(_ name: String, _ range: ClosedRange<Int>) throws(RequestError) -> Int? {
        guard let value = self[name], value != .null else { return nil }
        guard let number = value.asInt ?? value.asString.flatMap({ Int($0) }) else {
            throw .wrongType(param: name, expected: "an integer")
        }
        guard range.contains(number) else {
            throw .outOfRange(
                param: name, value: "\(number)", allowed: "\(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    func flag(_ name: String) throws(RequestError) -> Bool? {
        switch self[name] {
        case nil, .null?: return nil
        case .bool(let flag)?: return flag
        case .string("true")?: return true
        case .string("false")?: return false
        default: throw .wrongType(param: name, expected: "true or false")
        }
    }
}
