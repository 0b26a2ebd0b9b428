#if canImport(Glibc)
    import Glibc
#else
    import Musl
#endif

/// Largest resident memory that this process has had, in bytes.
package func residentPeakBytes() -> Int {
    var usage = rusage()
    guard unsafe getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage) == 0 else { return 0 }
    return usage.ru_maxrss * 1024
}
