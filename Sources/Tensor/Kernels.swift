import CKernels

/// The kernels in use on this machine, for status and benchmarks.
package enum Kernels {
    /// "reference", "avx2", "avx512" or "neon".
    package static var name: String { unsafe String(cString: lz_kernels_name()) }
    /// Threads that work is split over.
    package static var threads: Int {
        get { lz_thread_count() }
        set { lz_set_thread_count(newValue) }
    }
    /// Whether bf16 products run as such; otherwise bf16 weights are widened in registers.
    package static var hasBF16: Bool { lz_has_bf16() }
    /// Peak of a register-only multiply-add loop in GFLOP/s; takes about 0.2 s.
    package static func measuredPeak(_ type: DType, threads: Int) -> Double { lz_measure_peak(type.kernel, threads) }
    /// Returns the memory that kernels keep between calls.
    package static func releaseScratch() { lz_release_scratch() }
}
