/// One message of a conversation.
package struct ChatMessage: Sendable, Equatable {
    package enum Role: String, Sendable, CaseIterable {
        case system, user, assistant, tool
    }

    package var role: Role
    package var content: String

    package init(_ role: Role, _ content: String) {
        self.role = role
        self.content = content
    }
}

/// A conversation as the text a model continues.
package struct ChatPrompt: Sendable, Equatable {
    package var text: String
    /// The parts of the text's UTF-8 that people wrote; special tokens written out in them stay text.
    package var contentRanges: [Range<Int>]
}

/// How a model wants a conversation written: text around every message, by role.
///
/// The templates of checkpoints are Jinja programs. These are the common ones as data; tool definitions, pictures and
/// thinking blocks are not among them, nor the dates that Llama 3.1 puts into its system message.
package struct ChatTemplate: Sendable, Equatable {
    /// Text around one message.
    package struct Turn: Sendable, Equatable {
        package var before, after: String

        package init(before: String, after: String) {
            self.before = before
            self.after = after
        }
    }

    /// Text before the first message.
    package var opening = ""
    package var system, user, assistant, tool: Turn
    /// System message of conversations that begin without one.
    package var defaultSystem: String?
    /// White space at the ends of messages goes.
    package var trimsContent = false
    /// The model's own start token goes before the text.
    package var addsStartToken = false

    package init(system: Turn, user: Turn, assistant: Turn, tool: Turn) {
        self.system = system
        self.user = user
        self.assistant = assistant
        self.tool = tool
    }

    subscript(role: ChatMessage.Role) -> Turn {
        switch role {
        case .system: system
        case .user: user
        case .assistant: assistant
        case .tool: tool
        }
    }

    /// The conversation's text, ending with what comes before the model's answer if `startingReply`.
    package func render(_ messages: [ChatMessage], startingReply: Bool = true) -> ChatPrompt {
        var prompt = ChatPrompt(text: opening, contentRanges: [])
        if let defaultSystem, messages.first?.role != .system {
            prompt.text += system.before + defaultSystem + system.after
        }
        for message in messages {
            let turn = self[message.role]
            prompt.text += turn.before
            let start = prompt.text.utf8.count
            prompt.text += trimsContent ? message.content.trimmedWhitespace : message.content
            prompt.contentRanges.append(start..<prompt.text.utf8.count)
            prompt.text += turn.after
        }
        if startingReply { prompt.text += assistant.before }
        return prompt
    }
}

extension ChatTemplate {
    /// ChatML, as SmolLM2 and Qwen have it.
    package static func chatML(defaultSystem: String? = nil) -> Self {
        func turn(_ role: String) -> Turn { Turn(before: "<|im_start|>\(role)\n", after: "<|im_end|>\n") }
        var template = Self(
            system: turn("system"), user: turn("user"), assistant: turn("assistant"), tool: turn("tool"))
        template.defaultSystem = defaultSystem
        return template
    }

    /// Llama 3.
    package static var llama3: Self {
        func turn(_ role: String) -> Turn {
            Turn(before: "<|start_header_id|>\(role)<|end_header_id|>\n\n", after: "<|eot_id|>")
        }
        var template = Self(
            system: turn("system"), user: turn("user"), assistant: turn("assistant"), tool: turn("ipython"))
        template.opening = "<|begin_of_text|>"
        template.trimsContent = true
        return template
    }

    /// BlueLM.
    package static var blueLM: Self {
        func turn(_ role: String, after: String = "") -> Turn { Turn(before: "[|\(role)|]:", after: after) }
        var template = Self(
            system: turn("SYSTEM"), user: turn("Human"), assistant: turn("AI", after: "</s>"), tool: turn("Function"))
        template.addsStartToken = true
        return template
    }

    /// The template that a Jinja source amounts to, told by its markers; nil if it is none of those above.
    package static func recognized(inJinja source: String) -> Self? {
        let bytes = Array(source.utf8)
        func contains(_ marker: String) -> Bool { bytes.firstOccurrence(of: Array(marker.utf8)) != nil }
        if contains("<|start_header_id|>") { return .llama3 }
        if contains("[|Human|]:") { return .blueLM }
        return contains("<|im_start|>") ? .chatML(defaultSystem: defaultSystem(inJinja: bytes)) : nil
    }

    /// A system message written out in a ChatML template, between its markers in one string literal.
    private static func defaultSystem(inJinja source: [UInt8]) -> String? {
        let marker = Array("<|im_start|>system".utf8)
        let end = Array("<|im_end|>".utf8)
        var offset = 0
        while let start = source.firstOccurrence(of: marker, from: offset)?.upperBound {
            offset = start
            // A line break, or its escape.
            let breaks = [[0x0A], Array("\\n".utf8)].filter { source.matches($0, at: start, before: source.count) }
            guard let lineBreak = breaks.first, let end = source.firstOccurrence(of: end, from: start) else { continue }
            let text = source[min(start + lineBreak.count, end.lowerBound)..<end.lowerBound]
            guard !text.isEmpty, !text.contains(UInt8(ascii: "'")), !text.contains(UInt8(ascii: "{")) else { continue }
            return String(decoding: text, as: UTF8.self)
        }
        return nil
    }
}

extension Tokenizer {
    /// The ids of a conversation in a template.
    package func encode(
        _ messages: [ChatMessage], _ template: ChatTemplate, startingReply: Bool = true
    ) -> [Int] {
        let prompt = template.render(messages, startingReply: startingReply)
        let ids = encode(
            prompt.text, addingSpecialTokens: false, specialTokens: .literal(in: prompt.contentRanges))
        return template.addsStartToken ? prefix + ids : ids
    }
}

extension String {
    fileprivate var trimmedWhitespace: String {
        guard let first = unicodeScalars.firstIndex(where: { !$0.properties.isWhitespace }),
            let last = unicodeScalars.lastIndex(where: { !$0.properties.isWhitespace })
        else { return "" }
        return String(unicodeScalars[first...last])
    }
}
