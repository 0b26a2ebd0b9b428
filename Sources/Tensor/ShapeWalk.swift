import CKernels
import Synchronization

#if canImport(Glibc)
    import Glibc
#else
    import Musl
#endif

/// A walk through a model by shapes alone: on the thread that walks, tensors hold nothing, kernels return at once, and
/// what the arena and the packed weights would have taken is counted. The code of the model itself says so how much
/// memory it will need, without reading a weight.
package final class ShapeWalk: Sendable {
    @TaskLocal static var current: ShapeWalk?

    fileprivate struct Account {
        var free: [Int: Int] = [:]
        var used = 0
        var idle = 0
        /// Packed weights, touched parts of mapped files, buffers outside of the arena.
        var other = 0
        var peak = 0
        /// Mapped weights that a product has read, by address.
        var read: Set<UInt> = []

        mutating func note() { peak = max(peak, used + idle + other) }
    }

    private let account = Mutex(Account())

    package init() {}

    /// Carries `body` out by shapes alone.
    package func callAsFunction<Result>(_ body: () throws -> Result) rethrows -> Result {
        let flag = AbandonFlag()
        flag.set(true)
        return try flag.watched { try Self.$current.withValue(self) { try body() } }
    }

    /// The most bytes that were taken at a time.
    package var peak: Int { account.withLock { $0.peak } }
    /// Bytes that are taken now, the arena's spare blocks included.
    package var taken: Int { account.withLock { $0.used + $0.idle + $0.other } }

    /// Counts bytes outside of the arena that stay.
    package func keep(_ bytes: Int) {
        account.withLock {
            $0.other += bytes
            $0.note()
        }
    }

    /// Counts bytes outside of the arena that are given back at once.
    package func pass(_ bytes: Int) {
        account.withLock {
            $0.other += bytes
            $0.note()
            $0.other -= bytes
        }
    }

    /// Counts mapped bytes the first time that they are read.
    func read(_ address: UnsafeRawPointer, _ bytes: Int) {
        account.withLock {
            guard $0.read.insert(UInt(bitPattern: address)).inserted else { return }
            $0.other += bytes
            $0.note()
        }
    }

    /// What `Arena.take` would do. The address is valid, so that code which touches elements only costs the pages that it
    /// touches.
    func take(_ bytes: Int) -> Arena.Block {
        let wanted = Arena.roundedSize(bytes)
        let size = account.withLock { account in
            let size = account.reuse(wanted)
            account.used += size ?? wanted
            account.idle -= size ?? 0
            account.note()
            return size ?? wanted
        }
        let address = unsafe mmap(
            nil, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
        guard let address = unsafe address, unsafe address != MAP_FAILED else {
            preconditionFailure("no addresses for \(size) bytes")
        }
        return unsafe Arena.Block(pointer: address, capacity: size)
    }

    func give(_ block: Arena.Block) {
        unsafe munmap(block.pointer, block.capacity)
        account.withLock { account in
            account.used -= unsafe block.capacity
            account.idle += unsafe block.capacity
            account.free[unsafe block.capacity, default: 0] += 1
        }
    }

    func trim() {
        account.withLock {
            $0.free = [:]
            $0.idle = 0
        }
    }
}

extension ShapeWalk.Account {
    /// The size of a spare block that serves for `size`, taken out; the rule of `Arena.State.popFree`.
    fileprivate mutating func reuse(_ size: Int) -> Int? {
        if free[size, default: 0] > 0 {
            free[size, default: 0] -= 1
            return size
        }
        guard size >= Arena.largeSize else { return nil }
        let sizes = size...2 * size
        guard let larger = free.filter({ sizes.contains($0.key) && $0.value > 0 }).keys.min() else { return nil }
        free[larger, default: 0] -= 1
        return larger
    }
}
