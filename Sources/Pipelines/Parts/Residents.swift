import Synchronization
package import Tensor
import Vocabulary

/// What a part of a model does in it.
package enum Role: Hashable, Sendable {
    case denoiser, autoencoder, scheduler, upscaler
    /// Text encoders and their tokenizers, counted from 0.
    case text(Int)
    case tokenizer(Int)
}

/// What makes two parts the same part: equal weights, built in the same way.
package struct PartKey: Hashable, Sendable {
    var files: [FileIdentity]
    /// The configuration that shapes the part, as text.
    var settings: String
    var role: Role
    var precision: Precision
    var type: ObjectIdentifier
}

/// A part of a model, loaded or not.
package struct Part<Value: Sendable>: Sendable {
    package let key: PartKey
    /// Bytes of files that are read where they lie.
    let mappedBytes: Int
    /// Bytes of a part without tensors; nil: a walk of its shapes tells.
    let ownBytes: Int?
    let build: @Sendable () throws -> Value

    package init(
        _ role: Role, files: [FileIdentity], settings: String = "", _ precision: Precision, mappedBytes: Int = 0,
        ownBytes: Int? = nil, build: @escaping @Sendable () throws -> Value
    ) {
        key = PartKey(
            files: files, settings: settings, role: role, precision: precision, type: ObjectIdentifier(Value.self))
        self.mappedBytes = mappedBytes
        self.ownBytes = ownBytes
        self.build = build
    }
}

/// A part of any type.
package protocol ModelPart: Sendable {
    var key: PartKey { get }
    /// Has the part in memory from here on, as long as there is room.
    func load(_ lender: some PartLender) throws
    /// Bytes that it takes in memory.
    func bytes(_ residents: Residents) throws -> Int
}

extension Part: ModelPart {
    package func load(_ lender: some PartLender) throws { _ = try lender.lease(self) }
    package func bytes(_ residents: Residents) throws -> Int { try residents.size(of: self) }
}

/// Where parts come from.
package protocol PartLender: Sendable {
    func lease<Value: Sendable>(_ part: Part<Value>) throws -> Lease<Value>
}

/// A part in use; it stays in memory as long as this does.
package final class Lease<Value: Sendable>: Sendable {
    package let value: Value
    private let giveBack: @Sendable () -> Void

    init(_ value: Value, giveBack: @escaping @Sendable () -> Void = {}) {
        self.value = value
        self.giveBack = giveBack
    }

    deinit { giveBack() }
}

/// The parts in memory, the least recently used given up first when a budget is reached.
package final class Residents: PartLender {
    private struct Resident {
        var value: any Sendable
        var bytes: Int
        var lastUse: Int
        var leases: Int
    }

    private struct State {
        var parts: [PartKey: Resident] = [:]
        var sizes: [PartKey: Int] = [:]
        var gates: [PartKey: Gate] = [:]
        var uses = 0
        /// Bytes that activations of the work under way want beside the parts.
        var reserved = 0
    }

    /// Where those wait who want a part that somebody builds.
    private final class Gate: Sendable {
        let turn = Mutex(())
    }

    package let budgetBytes: Int
    private let state = Mutex(State())

    package init(budgetBytes: Int) {
        self.budgetBytes = budgetBytes
    }

    /// Bytes of all parts in memory.
    package var bytes: Int { state.withLock { $0.parts.values.reduce(0) { $0 + $1.bytes } } }
    /// Number of parts in memory.
    package var count: Int { state.withLock { $0.parts.count } }

    package func lease<Value: Sendable>(_ part: Part<Value>) throws -> Lease<Value> {
        if let value = take(part.key) as? Value { return lease(value, part.key) }
        let gate = state.withLock { state in
            let gate = state.gates[part.key] ?? Gate()
            state.gates[part.key] = gate
            return gate
        }
        return try gate.turn.withLock { _ in
            if let value = take(part.key) as? Value { return lease(value, part.key) }
            return try load(part)
        }
    }

    /// Builds a part; only one thread at a time does so with the same.
    private func load<Value: Sendable>(_ part: Part<Value>) throws -> Lease<Value> {
        let bytes = try size(of: part)
        makeRoom(bytes)
        let value = try part.build()
        // Kernels of an abandoned slice packed nothing.
        guard !KernelWork.isAbandoned else { throw PipelineError.abandoned }
        state.withLock { state in
            state.uses += 1
            state.parts[part.key] = Resident(value: value, bytes: bytes, lastUse: state.uses, leases: 1)
            state.gates[part.key] = nil
        }
        return lease(value, part.key)
    }

    /// Gives parts up until what is left, the bytes beside it and what the kernels keep stay within the budget.
    package func reserve(_ bytes: Int) {
        state.withLock { $0.reserved = bytes }
        makeRoom(0)
    }

    /// Gives up every part that is not in use.
    package func clear() {
        state.withLock { state in state.parts = state.parts.filter { $0.value.leases > 0 } }
        Arena.trim()
    }

    /// Gives up some parts as soon as nobody uses them.
    func drop(_ keys: [PartKey]) {
        let dropped = state.withLock { state in keys.compactMap { state.parts.removeValue(forKey: $0) } }
        if !dropped.isEmpty { Arena.trim() }
    }

    /// Whether parts would have to go for a work.
    package func evicts(_ need: Need) -> Bool {
        state.withLock { state in
            let missing = need.parts.filter { state.parts[$0.key] == nil }.values.reduce(0, +)
            guard missing > 0 else { return false }
            return state.parts.values.reduce(missing + need.activations) { $0 + $1.bytes } > budgetBytes
        }
    }

    func has(_ key: PartKey) -> Bool { state.withLock { $0.parts[key] != nil } }

    /// Bytes that a part takes in memory, from a walk of its shapes.
    func size<Value: Sendable>(of part: Part<Value>) throws -> Int {
        if let known = part.ownBytes ?? state.withLock({ $0.sizes[part.key] }) { return known }
        let walk = ShapeWalk()
        let bytes = try walk {
            let value = try part.build()
            return withExtendedLifetime(value) { walk.taken + part.mappedBytes }
        }
        state.withLock { $0.sizes[part.key] = bytes }
        return bytes
    }

    private func take(_ key: PartKey) -> (any Sendable)? {
        state.withLock { state in
            guard state.parts[key] != nil else { return nil }
            state.uses += 1
            state.parts[key]?.lastUse = state.uses
            state.parts[key]?.leases += 1
            return state.parts[key]?.value
        }
    }

    private func lease<Value: Sendable>(_ value: Value, _ key: PartKey) -> Lease<Value> {
        Lease(value) { [weak self] in self?.state.withLock { $0.parts[key]?.leases -= 1 } }
    }

    private func makeRoom(_ bytes: Int) {
        var given = false
        // Values leave their lock first: freeing gigabytes takes time.
        var dropped: [Resident] = []
        state.withLock { state in
            while state.parts.values.reduce(bytes + state.reserved, { $0 + $1.bytes }) > budgetBytes {
                let free = state.parts.filter { $0.value.leases == 0 }
                guard let oldest = free.min(by: { $0.value.lastUse < $1.value.lastUse }) else { return }
                state.parts[oldest.key] = nil
                dropped.append(oldest.value)
                given = true
            }
        }
        dropped = []
        if given { Arena.trim() }
    }
}

/// Parts of a walk of shapes: built at their first use and kept until its end.
final class SketchedParts: PartLender {
    private let walk: ShapeWalk
    private let parts = Mutex<[PartKey: any Sendable]>([:])

    init(_ walk: ShapeWalk) {
        self.walk = walk
    }

    func lease<Value: Sendable>(_ part: Part<Value>) throws -> Lease<Value> {
        if let known = parts.withLock({ $0[part.key] }) as? Value { return Lease(known) }
        let value = try part.build()
        parts.withLock { $0[part.key] = value }
        return Lease(value)
    }
}
