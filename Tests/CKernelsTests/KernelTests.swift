import CKernels
import Testing

/// All tests of the kernels. The table in use and the number of threads belong to the process, so they run one at a
/// time.
@Suite(.serialized) enum KernelTests {
    /// The instruction sets of this machine.
    static let tables = ["reference", "avx2", "avx512", "neon"].filter { (name: String) in lz_select_kernels(name) }
}
