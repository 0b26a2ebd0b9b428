package import API
package import JSON
package import Vocabulary

/// A job under way: a value that advances slice by slice. A copy is a place to come back to.
package protocol Work: Sendable {
    /// The slice that comes next; nil: done.
    var next: Slice? { get }
    /// The model whose parts the next slices read, and the memory that they take beside other models'.
    var need: Need { get }
    /// Carries exactly the next slice out. Never asks about cancelling: what an abandoned slice did is thrown away.
    mutating func advance(_ desk: Desk) throws
    /// From where the work can go on, nil where starting over is as cheap.
    func checkpoint() throws -> Checkpoint?
    /// What the kind tells when it is done, beside its files.
    func result() throws -> JSON
}

/// A piece of work that is carried out without a look at anything else.
package struct Slice: Sendable, Equatable {
    package var stage: Stage
    /// Steps done of `of` over the whole job; both 0 in stages without steps.
    package var step, of: Int

    package init(_ stage: Stage, step: Int = 0, of: Int = 0) {
        self.stage = stage
        self.step = step
        self.of = of
    }
}

/// What a work wants in memory.
package struct Need: Sendable, Equatable {
    /// Jobs that name the same model share its parts; nil: none.
    package var model: String?
    /// Bytes of the whole process while the work runs alone; 0 while unknown.
    package var bytes: Int
    /// The model's parts and their bytes.
    package var parts: [PartKey: Int]
    /// The bytes that are not in parts.
    package var activations: Int { max(0, bytes - parts.values.reduce(0, +)) }

    package init(model: String? = nil, bytes: Int = 0, parts: [PartKey: Int] = [:]) {
        self.model = model
        self.bytes = bytes
        self.parts = parts
    }
}

/// Where a work can go on from.
package struct Checkpoint: Sendable, Equatable {
    /// What belongs to the tensors: the files, the program and the numbers that made them.
    package var facts: JSON
    /// A safetensors file.
    package var tensors: [UInt8]

    package init(facts: JSON, tensors: [UInt8]) {
        self.facts = facts
        self.tensors = tensors
    }
}

/// Where a slice leaves what it made. It is looked at when the slice is over, and only then.
package final class Desk {
    /// What a slice made.
    package enum Leaf: Sendable {
        case warning(String)
        case text(String)
        case preview(Preview)
        /// A finished file.
        case output(Output, [UInt8])
        /// Seconds of a slice, for estimates of later jobs.
        case pace(PaceKey, seconds: Double)
    }

    package let workshop: Workshop
    package private(set) var leaves: [Leaf] = []

    package init(_ workshop: Workshop) {
        self.workshop = workshop
    }

    package func warn(_ message: String) { leaves.append(.warning(message)) }
    package func write(_ text: String) { leaves.append(.text(text)) }
    package func show(_ preview: Preview) { leaves.append(.preview(preview)) }
    package func deliver(_ output: Output, _ bytes: [UInt8]) { leaves.append(.output(output, bytes)) }
    package func note(_ key: PaceKey, _ duration: Duration) { leaves.append(.pace(key, seconds: duration.inSeconds)) }
}
