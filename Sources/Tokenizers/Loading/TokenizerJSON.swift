// Reads `tokenizer.json` of Hugging Face's `tokenizers`.

import JSON

extension Tokenizer {
    /// Builds the tokenizer that the content of a `tokenizer.json` describes; `config`, the content of
    /// `tokenizer_config.json`, names the start, end and padding tokens. Throws what is malformed or has no code here.
    package init(json: [UInt8], config: [UInt8]? = nil) throws(TokenizerError) {
        let root = try JSONPlace.root(json)
        var normalizer = try root["normalizer"].map(Normalizer.init(json:))
        let preTokenizer = try PreTokenizerJSON(root["pre_tokenizer"])
        if case .sequence(let stages)? = normalizer, stages.isEmpty { normalizer = nil }
        let model = try Model(json: root.required("model").object(), spelling: preTokenizer.isByteLevel)
        let added = try root["added_tokens"]?.array().map(AddedToken.init(json:)) ?? []
        let frame = try Frame(root["post_processor"])
        let addedTokens = AddedTokens(added, normalizer: normalizer)
        let size = max(model.vocabulary.count, (added.map(\.id).max() ?? -1) + 1)
        for id in frame.prefix + frame.suffix where !(0..<size).contains(id) {
            throw .invalidID(token: "post_processor", id: id)
        }
        var roles = Roles()
        if let config { roles = try Roles(JSONPlace.root(config), addedTokens, model.vocabulary) }
        self.init(
            model: model, normalizer: normalizer, preTokenizer: preTokenizer.stage,
            decoder: try root["decoder"].map(Decoder.init(json:)) ?? Decoder(),
            addedTokens: addedTokens, prefix: frame.prefix, suffix: frame.suffix, roles: roles)
    }
}

extension Tokenizer.Roles {
    /// The tokens that `tokenizer_config.json` names.
    init(
        _ config: JSONPlace.Object, _ addedTokens: AddedTokens, _ vocabulary: Vocabulary
    ) throws(TokenizerError) {
        func id(_ field: String) throws(TokenizerError) -> Int? {
            guard let value = config[field] else { return nil }
            // A token is written as a string or as an object with its content.
            let name = try value.kind == .object ? value.object().required("content").string() : value.string()
            return addedTokens.id(of: name) ?? vocabulary.id(of: name)
        }
        try self.init(start: id("bos_token"), end: id("eos_token"), padding: id("pad_token"), unknown: id("unk_token"))
    }
}

extension AddedToken {
    init(json: JSONPlace) throws(TokenizerError) {
        let token = try json.object()
        try self.init(id: token.required("id").integer(), token)
    }

    init(id: Int, _ token: JSONPlace.Object) throws(TokenizerError) {
        let content = try token.required("content").string()
        guard (0...Vocabulary.maximumID).contains(id) else { throw .invalidID(token: content, id: id) }
        let isSpecial = try token.bool("special", default: false)
        self.init(
            id: id, content: content, isSpecial: isSpecial,
            isNormalized: try token.bool("normalized", default: !isSpecial),
            stripsLeft: try token.bool("lstrip", default: false),
            stripsRight: try token.bool("rstrip", default: false),
            isSingleWord: try token.bool("single_word", default: false))
    }
}

// MARK: - Stages

extension Normalizer {
    init(json: JSONPlace) throws(TokenizerError) {
        let stage = try json.object()
        let type = try stage.required("type").string()
        switch type {
        case "NFC": self = .canonical(.composed)
        case "NFD": self = .canonical(.decomposed)
        case "Lowercase": self = .lowercase
        case "Strip":
            self = .strip(
                left: try stage.bool("strip_left", default: true), right: try stage.bool("strip_right", default: true))
        case "Replace":
            let pattern = try TextPattern(json: stage.required("pattern"))
            self = .replace(pattern, with: try stage.required("content").bytes())
        case "Prepend": self = .prepend(try stage.required("prepend").bytes())
        case "Precompiled":
            let text = try stage.required("precompiled_charsmap")
            guard let blob = Base64.decode(try text.bytes()) else {
                throw .malformed(field: text.path, expected: "base64")
            }
            self = blob.isEmpty ? .sequence([]) : .charsmap(try PrecompiledCharsmap(blob), byCluster: true)
        case "Sequence": self = .sequence(try stage.required("normalizers").array().map(Normalizer.init(json:)))
        default: throw .unsupported(stage: "normalizer", name: type)
        }
    }
}

extension TextPattern {
    /// `{"String": …}` or `{"Regex": …}`.
    init(json: JSONPlace) throws(TokenizerError) {
        let pattern = try json.object()
        if let literal = pattern["String"] {
            self = .literal(try literal.bytes())
            return
        }
        let source = try pattern.required("Regex").string()
        guard let known = TextPattern(regularExpression: source) else {
            throw .unsupported(stage: "regular expression", name: source)
        }
        self = known
    }
}

/// The `pre_tokenizer`, with what a `ByteLevel` stage in it means for the model.
private struct PreTokenizerJSON {
    private(set) var stage: PreTokenizer?
    private(set) var isByteLevel = false

    init(_ json: JSONPlace?) throws(TokenizerError) {
        var stages: [PreTokenizer] = []
        if let json { try add(json, to: &stages) }
        stage = stages.count == 1 ? stages[0] : stages.isEmpty ? nil : .sequence(stages)
    }

    private mutating func add(_ json: JSONPlace, to stages: inout [PreTokenizer]) throws(TokenizerError) {
        let object = try json.object()
        let type = try object.required("type").string()
        // After it the text is spelled in the byte alphabet, which is left to the model here.
        guard !isByteLevel else { throw .unsupported(stage: "pre-tokeniser after ByteLevel", name: type) }
        switch type {
        case "Sequence":
            for stage in try object.required("pretokenizers").array() { try add(stage, to: &stages) }
        case "ByteLevel":
            isByteLevel = true
            if try object.bool("add_prefix_space", default: true) { stages.append(.prefixSpace) }
            if try object.bool("use_regex", default: true) {
                stages.append(.split(.words(.gpt2), .isolated, inverted: false))
            }
        case "Split":
            let name = try object.required("behavior").string()
            guard let behavior = SplitBehavior(rawValue: name) else { throw .unsupported(stage: "split", name: name) }
            let pattern = try TextPattern(json: object.required("pattern"))
            stages.append(.split(pattern, behavior, inverted: try object.bool("invert", default: false)))
        case "Digits":
            let isIndividual = try object.bool("individual_digits", default: false)
            stages.append(
                .split(.numbers(atMost: isIndividual ? 1 : .max), .isolated, inverted: false))
        case "Metaspace": stages.append(try Self.metaspace(object))
        case "WhitespaceSplit": stages.append(.splitWhitespace)
        default: throw .unsupported(stage: "pre-tokeniser", name: type)
        }
    }

    private static func metaspace(_ object: JSONPlace.Object) throws(TokenizerError) -> PreTokenizer {
        .metaspace(
            replacement: try object["replacement"]?.bytes() ?? Array("\u{2581}".utf8),
            prefix: try MetaspacePrefix(object), splits: try object.bool("split", default: true))
    }
}

extension MetaspacePrefix {
    /// `prepend_scheme`, or in older files `add_prefix_space`.
    init(_ object: JSONPlace.Object) throws(TokenizerError) {
        guard let name = try object.string("prepend_scheme") else {
            self = try object.bool("add_prefix_space", default: true) ? .always : .never
            return
        }
        guard let prefix = MetaspacePrefix(rawValue: name) else {
            throw .unsupported(stage: "Metaspace prepend_scheme", name: name)
        }
        self = prefix
    }
}

/// Special tokens that a `post_processor` puts around a single text.
private struct Frame {
    private(set) var prefix: [Int] = []
    private(set) var suffix: [Int] = []

    init(_ json: JSONPlace?) throws(TokenizerError) {
        guard let json else { return }
        let stage = try json.object()
        let type = try stage.required("type").string()
        switch type {
        case "ByteLevel": break
        case "RobertaProcessing", "BertProcessing":
            prefix = [try Self.pair(stage.required("cls"))]
            suffix = [try Self.pair(stage.required("sep"))]
        case "TemplateProcessing": try readTemplate(stage)
        case "Sequence":
            for json in try stage.required("processors").array() {
                let inner = try Frame(json)
                prefix = inner.prefix + prefix
                suffix += inner.suffix
            }
        default: throw .unsupported(stage: "post-processor", name: type)
        }
    }

    /// `["<s>", 1]`
    private static func pair(_ json: JSONPlace) throws(TokenizerError) -> Int {
        let elements = try json.array()
        guard elements.count == 2 else { throw .malformed(field: json.path, expected: "a token and its id") }
        return try elements[1].integer()
    }

    private mutating func readTemplate(_ stage: JSONPlace.Object) throws(TokenizerError) {
        let tokens = try stage["special_tokens"]?.object()
        var isAfterText = false
        for json in try stage.required("single").array() {
            let item = try json.object()
            guard let token = item["SpecialToken"] else {
                isAfterText = true
                continue
            }
            let name = try token.object().required("id").string()
            guard let entry = try tokens?[name]?.object() else { throw .unknownToken(name) }
            let ids = try entry.required("ids").array().map { json throws(TokenizerError) in try json.integer() }
            if isAfterText { suffix += ids } else { prefix += ids }
        }
    }
}

extension Decoder {
    init(json: JSONPlace) throws(TokenizerError) {
        self.init()
        try add(json)
    }

    private mutating func add(_ json: JSONPlace) throws(TokenizerError) {
        let stage = try json.object()
        let type = try stage.required("type").string()
        switch type {
        case "Sequence":
            for json in try stage.required("decoders").array() { try add(json) }
        case "ByteLevel": isByteLevel = true
        case "ByteFallback": hasByteFallback = true
        case "Fuse": break
        case "Replace":
            guard case .literal(let pattern) = try TextPattern(json: stage.required("pattern")) else {
                throw .unsupported(stage: "decoder", name: "Replace with a regular expression")
            }
            replacements.append((pattern, try stage.required("content").bytes()))
        case "Strip":
            guard try stage.string("content") ?? " " == " ", try stage.integer("stop") ?? 0 == 0 else {
                throw .unsupported(stage: "decoder", name: "Strip of anything but leading spaces")
            }
            leadingSpaces += max(0, try stage.integer("start") ?? 0)
        case "Metaspace":
            let marker = try stage["replacement"]?.bytes() ?? Array("\u{2581}".utf8)
            if try MetaspacePrefix(stage) != .never { firstMarker = marker }
            replacements.append((marker, [UInt8(ascii: " ")]))
        default: throw .unsupported(stage: "decoder", name: type)
        }
    }
}
