import Checkpoints
import Testing
import Vocabulary

@Suite struct GGUFTests {
    @Test func `every metadata type reads back as the gguf library wrote it`() throws {
        let gguf = try GGUF(MappedFile(path: golden("small.gguf")))
        let config = gguf.config
        #expect(gguf.version == 3 && gguf.alignment == 32)
        #expect(try config.string("general.architecture") == "llama")
        #expect(try config.int("t.u8") == 250)
        #expect(try config.int("t.i8", in: -9...0) == -5)
        #expect(try config.int("t.u16") == 65000)
        #expect(try config.int("t.i16", in: -40000...0) == -30000)
        #expect(try config.int("t.u32", in: 0...Int.max) == 4_000_000_000)
        #expect(try config.int("t.i32", in: Int.min...0) == -2_000_000_000)
        #expect(try config.double("t.f32") == 0.5)
        #expect(try config.bool("t.bool"))
        #expect(try config.string("t.string") == "naïve ☃ 🦊")
        #expect(try config.double("t.u64") == 0x1p63)
        #expect(try config.int("t.i64", in: Int.min...0) == -(1 << 62))
        #expect(try config.double("t.f64") == 1e-300)
        #expect(try gguf.strings("t.strings") == ["a", "", "Ġdog", "日本"])
        #expect(try gguf.ints("t.ints") == [1, -2, 3])
        #expect(try gguf.ints("t.bools") == [1, 0])
        #expect(try gguf.floats("t.floats") == [0.25, -1.5])
        #expect(try gguf.strings("absent") == nil)
        #expect(throws: ConfigError.self) { try gguf.strings("t.ints") }
        guard case .list(let nested)? = gguf.metadata["t.nested"] else {
            Issue.record("no nested list")
            return
        }
        #expect(nested.lists()?.map { $0.ints() } == [[1, 2], [3], [4, 5, 6]])
    }

    @Test func `tensors have their axes outermost first and their blocks counted`() throws {
        let store = try CheckpointStore(path: golden("small.gguf"))
        let plain = try store.entry("plain")
        #expect(plain.type == .f32 && plain.shape == [3, 4] && floats(plain) == (0..<12).map(Float.init))
        #expect(try store.entry("half").type == .f16)
        #expect(try store.entry("q4_0").shape == [2, 512] && store.entry("q4_0").bytes.count == 1024 / 32 * 18)
        #expect(try store.entry("q8_0").bytes.count == 1024 / 32 * 34)
        #expect(try store.entry("q4_1").bytes.count == 1024 / 32 * 20)
        #expect(try store.entry("q6_k").shape == [2, 512] && store.entry("q6_k").type == .q6_K)
        #expect(
            throws: CheckpointError.unsupportedType(file: golden("small.gguf"), tensor: "future", type: "ggml type 40")
        ) {
            try store.entry("future")
        }
    }

    private func fault(_ gguf: GGUFBytes) throws -> CheckpointError.Fault? {
        switch try openingError(gguf.bytes, name: "m.gguf") {
        case .malformed(_, let fault)?: fault
        default: nil
        }
    }

    @Test func `version 2 is taken, others and big-endian files are refused`() throws {
        #expect(try openingError(GGUFBytes(version: 2).bytes, name: "m.gguf") == nil)
        #expect(try fault(GGUFBytes(version: 1)) == .version(1))
        #expect(try fault(GGUFBytes(version: 4)) == .version(4))
        #expect(try fault(GGUFBytes(version: UInt32(3).byteSwapped)) == .bigEndian)
    }

    @Test func `lying counts and lengths are typed errors`() throws {
        #expect(try fault(GGUFBytes(tensors: .max)) == .count(of: "tensors", .max))
        #expect(try fault(GGUFBytes(metadata: 1 << 40)) == .count(of: "metadata entries", 1 << 40))
        var key = GGUFBytes(metadata: 1)
        key.add(UInt64.max)
        key.pad(data: 64)
        #expect(try fault(key) == .truncated(needed: .max, size: 96))
        var list = GGUFBytes(metadata: 1)
        list.add("k")
        for value in [9, 4] as [UInt32] { list.add(value) }
        list.add(UInt64(1) << 62)
        #expect(try fault(list) == .count(of: "values of k", 1 << 62))
        var unknown = GGUFBytes(metadata: 1)
        unknown.add("k")
        unknown.add(UInt32(13))
        unknown.pad(data: 64)
        #expect(try fault(unknown) == .valueType(key: "k", 13))
        var deep = GGUFBytes(metadata: 1)
        deep.add("k")
        for _ in 0..<2000 {
            deep.add(UInt32(9))
            deep.add(UInt32(9))
            deep.bytes.removeLast(4)
            deep.bytes += [9, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0]
        }
        #expect(try fault(deep) != nil)
        var twice = GGUFBytes(metadata: 2)
        for _ in 0..<2 {
            twice.add("k")
            twice.add(UInt32(7))
            twice.bytes.append(1)
        }
        #expect(try fault(twice) == .repeated("k"))
    }

    private func tensors(_ count: UInt64, data: Int, _ add: (inout GGUFBytes) -> Void) throws -> CheckpointError.Fault?
    {
        var gguf = GGUFBytes(tensors: count)
        add(&gguf)
        gguf.pad(data: data)
        return try fault(gguf)
    }

    @Test func `lying tensor descriptions are typed errors`() throws {
        #expect(
            try tensors(1, data: 32) { $0.addTensor("a", [16]) } == .range(tensor: "a", begin: 0, end: 64, size: 32))
        #expect(
            try tensors(1, data: 64) { $0.addTensor("a", [1], offset: 4) }
                == .misaligned(tensor: "a", offset: 4, alignment: 32))
        #expect(
            try tensors(1, data: 64) { $0.addTensor("a", [1], offset: .max - 31) }
                == .range(tensor: "a", begin: .max - 31, end: .max - 27, size: 64))
        #expect(
            try tensors(1, data: 64) { $0.addTensor("a", [1 << 40, 1 << 40]) }
                == .overflow(tensor: "a", shape: [1 << 40, 1 << 40]))
        #expect(
            try tensors(1, data: 64) { $0.addTensor("a", [33], type: 2) }
                == .partialBlock(tensor: "a", length: 33, block: 32))
        #expect(try tensors(1, data: 64) { $0.addTensor("a", [1, 1, 1, 1, 1]) } == .rank(tensor: "a", 5, limit: 4))
        #expect(
            try tensors(2, data: 64) {
                $0.addTensor("a", [16])
                $0.addTensor("b", [1], offset: 32)
            } == .overlap("a", "b"))
        #expect(
            try tensors(2, data: 64) {
                $0.addTensor("a", [1])
                $0.addTensor("a", [1], offset: 32)
            } == .repeated("a"))
    }

    @Test(arguments: [0, 3, 24, 1 << 21] as [UInt32]) func `an alignment that is no sane power of two is refused`(
        _ alignment: UInt32
    ) throws {
        var gguf = GGUFBytes(metadata: 1)
        gguf.add("general.alignment")
        gguf.add(UInt32(4))
        gguf.add(alignment)
        #expect(try fault(gguf) == .alignment(UInt64(alignment)))
    }

    @Test func `a vocabulary of 262144 strings decodes in little time`() throws {
        var gguf = GGUFBytes(metadata: 1)
        gguf.add("tokenizer.ggml.tokens")
        for value in [9, 8] as [UInt32] { gguf.add(value) }
        gguf.add(UInt64(262_144))
        for index in 0..<262_144 { gguf.add("token\(index)") }
        try withFolder { folder in
            try write(gguf.bytes, "\(folder)/v.gguf")
            let clock = ContinuousClock()
            let start = clock.now
            let read = try GGUF(MappedFile(path: "\(folder)/v.gguf"))
            let opened = clock.now
            let tokens = try #require(try read.strings("tokenizer.ggml.tokens"))
            print("262144 strings: opened in \(opened - start), decoded in \(clock.now - opened)")
            #expect(tokens.count == 262_144 && tokens[262_143] == "token262143")
            #expect(clock.now - start < .seconds(2))
        }
    }
}
