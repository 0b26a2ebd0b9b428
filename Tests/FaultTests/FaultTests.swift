// Damaged files of every kind that is read from outside: a typed error each, no trap, no memory for what is not there.

import Checkpoints
import Foundation
import Images
import Testing

@Suite(.serialized) struct FaultTests {
    private static let each = 300

    /// What became of a file.
    private enum Outcome { case read, refused }

    private func open(model bytes: [UInt8], _ path: String) throws -> Outcome {
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        do throws(CheckpointError) {
            let store = try CheckpointStore(path: path)
            for name in store.names { touch(store, name) }
            let file = try MappedFile(path: path)
            if case .gguf = try CheckpointFormat(of: file) { readAll(try GGUF(file)) }
            return .read
        } catch {
            #expect(!error.description.isEmpty)
            return .refused
        }
    }

    /// Reads every byte that an entry claims: one outside the file would be a fault here.
    private func touch(_ store: CheckpointStore, _ name: String) {
        guard let entry = try? store.entry(name) else { return }
        #expect(entry.type.byteCount(entry.shape) == entry.bytes.count)
        let sum = entry.bytes.reduce(0) { $0 &+ Int($1) }
        #expect(sum >= 0)
    }

    private func readAll(_ gguf: GGUF) {
        for value in gguf.metadata.values { if case .list(let list) = value { readAll(list) } }
        #expect(gguf.config.keys.count <= gguf.metadata.count)
    }

    private func readAll(_ list: GGUF.List) {
        _ = list.strings()
        _ = list.ints()
        _ = list.floats()
        for inner in list.lists() ?? [] { readAll(inner) }
    }

    private func open(picture bytes: [UInt8]) -> Outcome {
        _ = try? Metadata(reading: bytes)
        do throws(ImageError) {
            let image = try Image.decode(bytes)
            #expect(image.samples.count == image.width * image.height * image.channels)
            return .read
        } catch {
            #expect(!error.description.isEmpty)
            return .refused
        }
    }

    private func withFile(_ body: (String) throws -> Void) throws {
        // In memory: a disk flushes a file that is written over and over.
        let shared = FileManager.default.isWritableFile(atPath: "/dev/shm")
        let path = (shared ? "/dev/shm/" : NSTemporaryDirectory()) + "lazuli-fault-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: path) }
        try body(path)
    }

    /// Runs `body` and expects that the process never held `mebibytes` more than before.
    private func withinMemory(_ mebibytes: Int, _ body: () throws -> Void) throws {
        let before = peak()
        try body()
        let growth = (peak() - before) / 1024
        #expect(growth <= mebibytes, "the peak grew by \(growth) MiB")
    }

    /// Peak resident memory in KiB.
    private func peak() -> Int {
        let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
        let line = status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
        return line.flatMap { Int($0.filter(\.isNumber)) } ?? 0
    }

    // MARK: Damage that must be found

    @Test func `truncated and lying safetensors files are refused`() throws {
        let honest = safetensors(honestEntries, data: 80)
        try withinMemory(512) {
            try withFile { path throws in
                #expect(try open(model: honest, path) == .read)
                for seed in 0..<Self.each {
                    var random = SeededGenerator(UInt64(seed))
                    #expect(try open(model: truncated(honest, &random), path) == .refused, "truncated, seed \(seed)")
                    #expect(try open(model: lyingSafetensors(&random), path) == .refused, "lying, seed \(seed)")
                }
            }
        }
    }

    @Test func `truncated and lying GGUF files are refused`() throws {
        let honest = gguf()
        try withinMemory(512) {
            try withFile { path throws in
                #expect(try open(model: honest, path) == .read)
                for seed in 0..<Self.each {
                    var random = SeededGenerator(UInt64(seed))
                    #expect(try open(model: truncated(honest, &random), path) == .refused, "truncated, seed \(seed)")
                    #expect(try open(model: lyingGGUF(&random), path) == .refused, "lying, seed \(seed)")
                }
            }
        }
    }

    @Test func `truncated and bit-flipped PNG files are refused`() throws {
        for (kind, honest) in try samplePictures() where kind.hasPrefix("PNG") {
            #expect(open(picture: honest) == .read)
            try withinMemory(512) {
                for seed in 0..<Self.each {
                    var random = SeededGenerator(UInt64(seed))
                    #expect(open(picture: truncated(honest, &random)) == .refused, "\(kind) truncated, seed \(seed)")
                    // Every chunk has a sum, and the signature is fixed.
                    let damaged = flipped(honest, in: 0..<honest.count, &random)
                    #expect(open(picture: damaged) == .refused, "\(kind) flipped, seed \(seed)")
                }
            }
        }
    }

    @Test func `truncated and lying JPEG files are refused`() throws {
        for (kind, honest) in try samplePictures() where kind.hasPrefix("JPEG") {
            #expect(open(picture: honest) == .read)
            try withinMemory(512) {
                for seed in 0..<Self.each {
                    var random = SeededGenerator(UInt64(seed))
                    #expect(open(picture: truncated(honest, &random)) == .refused, "\(kind) truncated, seed \(seed)")
                    let (lie, file) = lyingJPEG(honest, &random)
                    #expect(open(picture: file) == .refused, "\(kind) lie \(lie), seed \(seed)")
                }
            }
        }
    }

    // MARK: Damage of any kind

    @Test func `arbitrary damage to model files gives a typed error or a file that reads`() throws {
        for honest in [safetensors(honestEntries, data: 80), gguf()] {
            try withinMemory(512) {
                try withFile { path throws in
                    var refused = 0
                    for seed in 0..<1000 {
                        var random = SeededGenerator(UInt64(seed))
                        let damaged = corrupted(honest, in: 0..<honest.count, &random)
                        if try open(model: damaged, path) == .refused { refused += 1 }
                    }
                    #expect(refused > 500)
                }
            }
        }
    }

    @Test func `arbitrary damage to pictures gives a typed error or a picture`() throws {
        for (kind, honest) in try samplePictures() {
            try withinMemory(512) {
                var refused = 0
                for seed in 0..<1000 {
                    var random = SeededGenerator(UInt64(seed))
                    if open(picture: corrupted(honest, in: 0..<honest.count, &random)) == .refused { refused += 1 }
                }
                #expect(refused > 300, "\(kind): \(refused)")
            }
        }
    }
}
