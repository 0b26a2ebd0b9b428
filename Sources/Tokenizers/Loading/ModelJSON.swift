// Reads the `model` of `tokenizer.json`, and `vocab.json` with `merges.txt`.

import JSON

extension Tokenizer.Model {
    /// The model; a byte-level one is spelled in the byte alphabet.
    init(json model: JSONPlace.Object, spelling isByteLevel: Bool) throws(TokenizerError) {
        let isUnigram = model["unk_id"] != nil || model["vocab"]?.kind == .array
        let type = try model.string("type") ?? (isUnigram ? "Unigram" : "BPE")
        switch type {
        case "BPE": self = .bytePairs(try BytePairEncoding(json: model, spelling: isByteLevel))
        case "Unigram": self = .unigram(try Unigram(json: model))
        default: throw .unsupported(stage: "model", name: type)
        }
    }
}

extension Vocabulary {
    /// An object of tokens and their ids; the cursor ends behind it.
    init(_ cursor: inout JSONCursor) throws(TokenizerError) {
        // A token and its merge take some 64 bytes of a file.
        var vocabulary = Vocabulary(capacity: min(max(cursor.scanner.document.count / 64, 64), 1 << 18))
        try cursor.members { (token, cursor) throws(TokenizerError) in
            guard try vocabulary.add(token, id: cursor.integer()) else {
                throw cursor.failure(.repeatedKey(String(decoding: token, as: UTF8.self)))
            }
        }
        self = vocabulary
    }

    /// The content of `vocab.json`.
    init(document: [UInt8]) throws(TokenizerError) {
        var cursor = try JSONCursor(document: document)
        try self.init(&cursor)
        try cursor.end()
    }

    func required(_ token: String) throws(TokenizerError) -> Int {
        guard let id = id(of: token) else { throw .unknownToken(token) }
        return id
    }
}

extension MergeTable {
    /// The result of joining two tokens is the token with the joined bytes.
    struct Builder {
        private let vocabulary: Vocabulary
        private var joined: [UInt8] = []
        private(set) var table: MergeTable
        private(set) var count = 0

        init(_ vocabulary: Vocabulary) {
            self.vocabulary = vocabulary
            table = MergeTable(capacity: vocabulary.count * 2)
        }

        /// Adds a pair; pairs rank in the order they are added.
        mutating func add(_ left: some Collection<UInt8>, _ right: some Collection<UInt8>) throws(TokenizerError) {
            joined.removeAll(keepingCapacity: true)
            joined.append(contentsOf: left)
            let middle = joined.count
            joined.append(contentsOf: right)
            let result = try id(0..<joined.count)
            table.add(
                Int32(truncatingIfNeeded: try id(0..<middle)), Int32(truncatingIfNeeded: try id(middle..<joined.count)),
                rank: count, result: result)
            count += 1
        }

        /// Adds a pair written with one space between its tokens.
        mutating func add(line: some BidirectionalCollection<UInt8>) throws(TokenizerError) {
            let space = UInt8(ascii: " ")
            guard let gap = line.firstIndex(of: space), line.lastIndex(of: space) == gap, gap != line.startIndex,
                line.index(after: gap) != line.endIndex
            else {
                throw .malformedMerge(index: count, text: String(decoding: line, as: UTF8.self))
            }
            try add(line[..<gap], line[line.index(after: gap)...])
        }

        private func id(_ range: Range<Int>) throws(TokenizerError) -> Int {
            guard let id = vocabulary.id(of: joined, range) else {
                throw .mergeOutsideVocabulary(index: count, token: String(decoding: joined[range], as: UTF8.self))
            }
            return id
        }
    }

    /// An array of merges, each `"a b"` or `["a", "b"]`.
    init(json: JSONPlace, _ vocabulary: Vocabulary) throws(TokenizerError) {
        var builder = Builder(vocabulary)
        var cursor = json.cursor
        var left: [UInt8] = []
        var right: [UInt8] = []
        try cursor.elements { (cursor) throws(TokenizerError) in
            guard try cursor.kind() == .array else {
                try cursor.string(into: &left)
                try builder.add(line: left)
                return
            }
            try cursor.pair { (cursor) throws(TokenizerError) in
                try cursor.string(into: &left)
            } _: { (cursor) throws(TokenizerError) in
                try cursor.string(into: &right)
            }
            try builder.add(left, right)
        }
        self = builder.table
    }

    /// The lines of `merges.txt`; lines that begin with `#version` say nothing.
    init(text: [UInt8], _ vocabulary: Vocabulary) throws(TokenizerError) {
        var builder = Builder(vocabulary)
        for var line in text.split(separator: 0x0A) {
            if line.last == 0x0D { line.removeLast() }
            if line.isEmpty || line.starts(with: "#version".utf8) { continue }
            try builder.add(line: line)
        }
        guard builder.count > 0 else { throw .missingMerges }
        self = builder.table
    }
}

extension BytePairEncoding {
    init(json model: JSONPlace.Object, spelling isByteLevel: Bool) throws(TokenizerError) {
        if let prefix = try model.string("continuing_subword_prefix"), !prefix.isEmpty {
            throw .unsupported(stage: "continuing_subword_prefix", name: prefix)
        }
        var cursor = try model.required("vocab").cursor
        let vocabulary = try Vocabulary(&cursor)
        guard let merges = model["merges"] else { throw .missingMerges }
        let unknown = try model.string("unk_token").map { name throws(TokenizerError) in try vocabulary.required(name) }
        let suffix = try model["end_of_word_suffix"]?.bytes() ?? []
        let symbols: Symbols
        if isByteLevel {
            symbols = Symbols(bytesOf: vocabulary, suffix: suffix, unknown: unknown)
        } else {
            let hasFallback = try model.bool("byte_fallback", default: false)
            symbols = .scalars(
                suffix: suffix, fallback: hasFallback ? ByteFallback(vocabulary) : nil,
                unknown: unknown.map { Int32(truncatingIfNeeded: $0) },
                fusesUnknown: try model.bool("fuse_unk", default: false))
        }
        self.init(
            vocabulary: vocabulary, merges: try MergeTable(json: merges, vocabulary), symbols: symbols,
            takesWholeWords: try model.bool("ignore_merges", default: false))
    }
}

extension BytePairEncoding.Symbols {
    /// One symbol a byte, from the tokens that spell a single byte, alone and with the suffix that ends a word.
    init(bytesOf vocabulary: Vocabulary, suffix: [UInt8], unknown: Int?) {
        func ids(_ suffix: [UInt8]) -> [Int32] {
            (UInt8(0)...255).map { byte in
                vocabulary.id(of: ByteAlphabet.spelling(of: byte) + suffix).map { Int32(truncatingIfNeeded: $0) } ?? -1
            }
        }
        self = .bytes(
            inner: ids([]), final: ids(suffix), unknown: unknown.map { Int32(truncatingIfNeeded: $0) })
    }
}

extension Unigram {
    init(json model: JSONPlace.Object) throws(TokenizerError) {
        let list = try model.required("vocab")
        guard list.kind == .array else { throw .malformed(field: list.path, expected: "an array of tokens and scores") }
        var vocabulary = Vocabulary(capacity: 1 << 15)
        var scores: [Double] = []
        var cursor = list.cursor
        var token: [UInt8] = []
        try cursor.elements { (cursor) throws(TokenizerError) in
            try cursor.pair { (cursor) throws(TokenizerError) in
                try cursor.string(into: &token)
                try vocabulary.add(token, id: scores.count)
            } _: { (cursor) throws(TokenizerError) in
                scores.append(try cursor.double())
            }
        }
        let unknown = try model.integer("unk_id")
        if let unknown, !scores.indices.contains(unknown) { throw .invalidID(token: "unk", id: unknown) }
        self.init(
            vocabulary, scores: scores, matching: scores.indices, unknown: unknown,
            fallback: try model.bool("byte_fallback", default: false) ? ByteFallback(vocabulary) : nil,
            precision: .double)
    }
}
