/// Text on its way through the stages: UTF-8 bytes and, where the caller asked for it, where each byte came from.
struct AlignedText: Sendable {
    private(set) var bytes: [UInt8]
    /// For every byte its offset in the text as given; empty when nobody asked.
    private(set) var origins: [Int]
    /// Whether the text begins where the caller's text begins.
    let isFirst: Bool

    /// Bytes that begin at an offset of the caller's text.
    init(_ bytes: [UInt8], offset: Int, isTracked: Bool) {
        self.bytes = bytes
        self.origins = isTracked ? Array(offset..<offset + bytes.count) : []
        self.isFirst = offset == 0
    }

    private init(editing text: AlignedText, isFirst: Bool) {
        bytes = []
        origins = []
        self.isFirst = isFirst
        bytes.reserveCapacity(text.bytes.count + text.bytes.count / 8 + 8)
    }

    /// A copy made by walking the text and keeping or replacing its parts in order.
    func edited(_ edit: (inout Editor) -> Void) -> AlignedText {
        var editor = Editor(source: self, result: AlignedText(editing: self, isFirst: isFirst))
        edit(&editor)
        return editor.result
    }

    /// A stretch of the text by itself.
    func part(_ range: Range<Int>) -> AlignedText {
        var part = AlignedText(editing: self, isFirst: isFirst && range.lowerBound == 0)
        part.bytes.append(contentsOf: bytes[range])
        if !origins.isEmpty { part.origins.append(contentsOf: origins[range]) }
        return part
    }

    /// Offset in the caller's text that a byte of this one came from; nil when not tracked.
    func origin(of offset: Int) -> Int? {
        offset < origins.count ? origins[offset] : nil
    }

    struct Editor {
        let source: AlignedText
        fileprivate(set) var result: AlignedText

        mutating func keep(_ range: Range<Int>) {
            result.bytes.append(contentsOf: source.bytes[range])
            guard !source.origins.isEmpty else { return }
            result.origins.append(contentsOf: source.origins[range])
        }

        /// Puts `replacement` where `range` was; every byte of it comes from the range's start.
        mutating func replace(_ range: Range<Int>, with replacement: some Collection<UInt8>) {
            result.bytes.append(contentsOf: replacement)
            guard let last = source.origins.last else { return }
            let origin = source.origin(of: range.lowerBound) ?? last
            result.origins.append(contentsOf: repeatElement(origin, count: replacement.count))
        }
    }
}
