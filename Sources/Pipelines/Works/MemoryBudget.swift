#if canImport(Glibc)
    import Glibc
#else
    import Musl
#endif

/// How much memory a worker may take.
package enum MemoryBudget {
    /// The part of the machine's or the control group's memory that is taken at most; the rest is the system's, its page
    /// cache's and the other programs'.
    static let fraction = 0.8
    /// Scratch memory that kernels keep for each thread.
    static let scratchBytes = 4 << 20
    /// Vocabularies of the text encoders of one model.
    static let tokenizerBytes = 24 << 20

    /// `fraction` of the least of the machine's memory and the limits of the control groups that the process is in.
    package static var standard: Int {
        let limits = [machineBytes()].compactMap(\.self) + groupLimits()
        return Int(Double(limits.min() ?? 4 << 30) * fraction)
    }

    private static func machineBytes() -> Int? {
        let pages = sysconf(Int32(_SC_PHYS_PAGES))
        return pages > 0 ? pages * sysconf(Int32(_SC_PAGESIZE)) : nil
    }

    /// `memory.max` (v2) and `memory.limit_in_bytes` (v1) from the process's own group up to the root.
    private static func groupLimits() -> [Int] {
        guard let membership = pseudoFile("/proc/self/cgroup") else { return [] }
        var limits: [Int] = []
        for line in String(decoding: membership, as: UTF8.self).split(separator: "\n") {
            let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard fields.count == 3 else { continue }
            let isSecond = fields[1].isEmpty
            guard isSecond || fields[1].split(separator: ",").contains("memory") else { continue }
            let root = isSecond ? "/sys/fs/cgroup" : "/sys/fs/cgroup/memory"
            let file = isSecond ? "memory.max" : "memory.limit_in_bytes"
            var group = fields[2]
            while true {
                if let text = pseudoFile("\(root)\(group)/\(file)"),
                    let limit = Int(String(decoding: text, as: UTF8.self).prefix { $0.isNumber }), limit > 0
                {
                    limits.append(limit)
                }
                guard let slash = group.lastIndex(of: "/"), group.count > 1 else { break }
                group = group[..<slash]
            }
        }
        return limits
    }
}

/// Resident memory of this process now.
func residentBytes() -> Int {
    guard let text = pseudoFile("/proc/self/statm") else { return 0 }
    let fields = String(decoding: text, as: UTF8.self).split(separator: " ")
    return fields.count > 1 ? (Int(fields[1]) ?? 0) * sysconf(Int32(_SC_PAGESIZE)) : 0
}

/// The beginning of a file of the kernel's, which has no size of its own.
private func pseudoFile(_ path: String) -> [UInt8]? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var content = [UInt8](repeating: 0, count: 16384)
    let count = read(descriptor, &content, content.count)
    guard count >= 0 else { return nil }
    return Array(content.prefix(count))
}
