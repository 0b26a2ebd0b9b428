import CKernels
import Foundation
import Testing

extension KernelTests {
    /// The pool and the number of its threads.
    @Suite struct ThreadTests {
        @Test(arguments: [1, 2, 5], [(0, 1), (1, 1), (7, 3), (1000, 1), (1000, 64), (10, 0)])
        func `every item is worked on once`(threads: Int, work: (count: Int, grain: Int)) {
            let before = lz_thread_count()
            lz_set_thread_count(threads)
            defer { lz_set_thread_count(before) }
            var visits = [UInt8](repeating: 0, count: work.count + 1)
            visits.withUnsafeMutableBufferPointer { buffer in
                let add: lz_task = { context, begin, end, _ in
                    guard let visits = context?.assumingMemoryBound(to: UInt8.self) else { return }
                    for i in begin..<end { visits[i] += 1 }
                }
                for _ in 0..<200 { lz_parallel(work.count, work.grain, add, buffer.baseAddress) }
            }
            #expect(visits.dropLast().allSatisfy { $0 == 200 })
            #expect(visits.last == 0)
        }

        @Test func `callers on several threads take turns`() async {
            let total = await withTaskGroup(of: Int.self) { group in
                for _ in 0..<4 {
                    group.addTask {
                        var sum = 0
                        for _ in 0..<100 {
                            var parts = [Int](repeating: 0, count: 8)
                            parts.withUnsafeMutableBufferPointer { buffer in
                                let fill: lz_task = { context, begin, end, _ in
                                    guard let parts = context?.assumingMemoryBound(to: Int.self) else { return }
                                    for i in begin..<end { parts[i] = i }
                                }
                                lz_parallel(8, 1, fill, buffer.baseAddress)
                            }
                            sum += parts.reduce(0, +)
                        }
                        return sum
                    }
                }
                return await group.reduce(0, +)
            }
            #expect(total == 4 * 100 * 28)
        }

        @Test func `idle workers sleep`() {
            let before = lz_thread_count()
            lz_set_thread_count(4)
            defer { lz_set_thread_count(before) }
            lz_parallel(100, 1, { _, _, _, _ in }, nil)
            Thread.sleep(forTimeInterval: 0.05)
            let start = clock()
            Thread.sleep(forTimeInterval: 0.3)
            let used = Double(clock() - start) / Double(CLOCKS_PER_SEC)
            #expect(used < 0.03)
        }

        @Test func `scratch memory grows and is aligned`() {
            for bytes in [1, 100, 1 << 20, 64] {
                let memory = lz_scratch(0, bytes)
                #expect(memory != nil)
                #expect(UInt(bitPattern: memory) % 64 == 0)
                memory?.storeBytes(of: 7, toByteOffset: bytes - 1, as: UInt8.self)
            }
            lz_release_scratch()
        }

        /// A hierarchy of control groups in a temporary folder: file path → content, and what /proc/self/cgroup says.
        static let hierarchies: [(files: [String: String], membership: String, cpus: Double)] = [
            (["a/b/cpu.max": "150000 100000\n"], "0::/a/b\n", 1.5),
            (["a/cpu.max": "200000 100000\n", "a/b/cpu.max": "max 100000\n"], "0::/a/b\n", 2),
            (["a/cpu.max": "50000 100000\n", "a/b/cpu.max": "400000 100000\n"], "0::/a/b\n", 0.5),
            (["cpu.max": "300000 100000\n"], "0::/not/visible/here\n", 3),
            (["a/cpu.max": "max 100000\n"], "0::/a\n", .infinity),
            (
                ["cpu,cpuacct/x/cpu.cfs_quota_us": "250000\n", "cpu,cpuacct/x/cpu.cfs_period_us": "100000\n"],
                "5:memory:/x\n4:cpu,cpuacct:/x\n0::/\n", 2.5
            ),
            (["cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"], "4:cpu:/\n", .infinity),
            ([:], "nonsense", .infinity),
        ]

        @Test(arguments: hierarchies.indices)
        func `the least quota of a process and its parents counts`(index: Int) throws {
            let hierarchy = Self.hierarchies[index]
            let folder = FileManager.default.temporaryDirectory.appendingPathComponent("lazuli-\(UUID().uuidString)")
            defer { try? FileManager.default.removeItem(at: folder) }
            for (path, text) in hierarchy.files {
                let file = folder.appendingPathComponent(path)
                try FileManager.default.createDirectory(
                    at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
                try text.write(to: file, atomically: true, encoding: .utf8)
            }
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            let membership = folder.appendingPathComponent("membership")
            try hierarchy.membership.write(to: membership, atomically: true, encoding: .utf8)
            #expect(lz_cpu_quota(membership.path, folder.path) == hierarchy.cpus)
        }

        @Test func `the peak is a plausible speed`() {
            #expect(lz_measure_peak(LZ_F32, 1) > 0.1)
            #expect(lz_measure_peak(LZ_BF16, 2) > 0.1)
        }

        @Test func `an unknown table is refused and nothing changes`() {
            let name = String(cString: lz_kernels_name())
            #expect(!lz_select_kernels("sse9"))
            #expect(String(cString: lz_kernels_name()) == name)
        }
    }
}
