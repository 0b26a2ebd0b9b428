import CKernels
import Synchronization

#if canImport(Glibc)
    import Glibc
#else
    import Musl
#endif

/// A block of memory that tensors share.
///
/// `@unchecked Sendable` proof: a storage is written only by the function that created it, before any other reference
/// exists; afterwards every access is a read. The pool it returns to is guarded by a lock.
@safe package final class Storage: @unchecked Sendable {
    let pointer: UnsafeMutableRawPointer
    let capacity: Int
    /// Keeps a mapped file alive; nil when the pool owns the memory.
    private let owner: (any AnyObject & Sendable)?
    /// Set where the tensor was made on a walk of shapes and holds nothing.
    let walk: ShapeWalk?

    /// At least `bytes` bytes from the pool, 64-byte aligned, contents undefined.
    init(bytes: Int) {
        walk = ShapeWalk.current
        let block = unsafe walk?.take(bytes) ?? Arena.take(bytes)
        unsafe pointer = unsafe block.pointer
        capacity = unsafe block.capacity
        owner = nil
    }

    /// Memory that `owner` keeps alive and nobody writes, such as a mapped file.
    package init(mapped bytes: UnsafeRawBufferPointer, owner: any AnyObject & Sendable) {
        guard let start = bytes.baseAddress else { preconditionFailure("a mapped storage has an address") }
        unsafe pointer = unsafe UnsafeMutableRawPointer(mutating: start)
        capacity = bytes.count
        self.owner = owner
        walk = nil
    }

    deinit {
        if let walk {
            unsafe walk.give(.init(pointer: pointer, capacity: capacity))
        } else if owner == nil { unsafe Arena.give(.init(pointer: pointer, capacity: capacity)) }
    }
}

/// Memory of activations: blocks are kept for the next tensor of about the same size, so that a step of a job
/// faults no pages that the step before it has faulted. `Arena.trim()` returns everything to the system.
package enum Arena {
    @unsafe struct Block: @unchecked Sendable {
        let pointer: UnsafeMutableRawPointer
        let capacity: Int
    }

    @safe struct State: ~Copyable {
        var free: [Int: [Block]] = unsafe [:]
        var used = 0
        var idle = 0
        var peak = 0

        /// A free block of `size`. Images of many pixels make do with one of up to twice their size, since a new block
        /// would stand beside it.
        mutating func popFree(_ size: Int) -> Block? {
            if let block = unsafe free[size]?.popLast() { return unsafe block }
            guard size >= Arena.largeSize else { return nil }
            let sizes = size...2 * size
            let fitting = unsafe free.filter { unsafe sizes.contains($0.key) && !$0.value.isEmpty }
            guard let larger = unsafe fitting.keys.min() else { return nil }
            return unsafe free[larger]?.popLast()
        }
    }

    private static let state = Mutex(State())

    private static let hugePage = 2 << 20
    static let largeSize = 32 << 20

    /// Bytes in use by live tensors now.
    package static var used: Int { state.withLock { $0.used } }
    /// Bytes kept for the next tensors.
    package static var idle: Int { state.withLock { $0.idle } }
    /// Largest `used` since the last `resetPeak()`.
    package static var peak: Int { state.withLock { $0.peak } }
    /// Starts a new measurement of `peak`.
    package static func resetPeak() { state.withLock { $0.peak = $0.used } }

    /// Sizes grow in eighths of a power of two, so that nearby requests share a block at ≤ 12.5 % waste.
    static func roundedSize(_ bytes: Int) -> Int {
        guard bytes > 4096 else { return 4096 }
        let power = Int.bitWidth - bytes.leadingZeroBitCount - 1
        let step = max(4096, 1 << (power - 3))
        return (bytes + step - 1) / step * step
    }

    /// Puts a free block for a tensor of `bytes` into the pool, where the next tensor of that size finds it; false when
    /// there is no memory. For sizes that a file decides: any other tensor is made without asking.
    package static func reserve(_ bytes: Int) -> Bool {
        guard bytes <= largestTensor else { return false }
        let size = roundedSize(bytes)
        let isThere = state.withLock { state in unsafe state.free[size]?.isEmpty == false }
        if isThere { return true }
        guard let block = unsafe allocate(size) else { return false }
        state.withLock { state in
            state.idle += size
            unsafe state.free[size, default: []].append(block)
        }
        return true
    }

    /// The machine's memory: the system promises more, and ends the process when it is used.
    private static let largestTensor = sysconf(Int32(_SC_PHYS_PAGES)) * sysconf(Int32(_SC_PAGESIZE))

    private static func allocate(_ size: Int) -> Block? {
        let huge = size >= 2 * hugePage
        guard
            let pointer = unsafe aligned_alloc(
                huge ? hugePage : 4096, huge ? (size + hugePage - 1) / hugePage * hugePage : size)
        else { return nil }
        if huge { unsafe madvise(pointer, size, MADV_HUGEPAGE) }
        return unsafe Block(pointer: pointer, capacity: size)
    }

    static func take(_ bytes: Int) -> Block {
        let size = roundedSize(bytes)
        let reused = unsafe state.withLock { (state) -> Block? in
            let block = unsafe state.popFree(size)
            let taken = unsafe block?.capacity ?? size
            state.used += taken
            state.peak = max(state.peak, state.used)
            if unsafe block != nil { state.idle -= taken }
            return unsafe block
        }
        if let block = unsafe reused { return unsafe block }
        guard let block = unsafe allocate(size) else {
            preconditionFailure("out of memory: \(size) bytes for a tensor")
        }
        return unsafe block
    }

    static func give(_ block: Block) {
        state.withLock { state in
            state.used -= unsafe block.capacity
            state.idle += unsafe block.capacity
            unsafe state.free[block.capacity, default: []].append(block)
        }
    }

    /// Frees all memory that no tensor uses and hands it back to the system.
    package static func trim() {
        if let walk = ShapeWalk.current { return walk.trim() }
        let blocks = unsafe state.withLock { state in
            let blocks = unsafe state.free.values.flatMap { unsafe $0 }
            unsafe state.free = [:]
            state.idle = 0
            return unsafe blocks
        }
        unsafe blocks.forEach { unsafe free($0.pointer) }
        lz_return_free_memory()
    }
}
