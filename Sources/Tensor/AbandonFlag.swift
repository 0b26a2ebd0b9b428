import CKernels

/// A flag by which one thread tells another that what it computes is no longer wanted: kernels then return at once, and
/// what they should have written is undefined.
///
/// `@unchecked Sendable` proof: the handle is a constant and the flag behind it is atomic.
@safe package final class AbandonFlag: @unchecked Sendable {
    private let handle: OpaquePointer

    package init() {
        guard let handle = unsafe lz_flag_create() else { preconditionFailure("out of memory: 1 byte for a flag") }
        unsafe self.handle = unsafe handle
    }

    deinit { unsafe lz_flag_free(handle) }

    package func set(_ value: Bool) { unsafe lz_flag_set(handle, value) }

    package var isSet: Bool { unsafe lz_flag_is_set(handle) }

    /// Runs `body` so that setting the flag stops the kernels that this thread calls.
    package func watched<Result>(_ body: () throws -> Result) rethrows -> Result {
        let before = unsafe lz_watch(handle)
        defer { unsafe lz_watch(before) }
        return try body()
    }
}

/// The work of the kernels of this process.
package enum KernelWork {
    /// Pieces done so far.
    package static var pieces: UInt64 { lz_pieces_done() }
    /// Counts a piece of a long loop that is no kernel, and tells whether the thread's work is still wanted.
    package static func goesOn() -> Bool { lz_goes_on() }
    /// Whether the calling thread's work is no longer wanted.
    package static var isAbandoned: Bool { lz_abandoned() }
}
