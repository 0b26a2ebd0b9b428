import Checkpoints
import Testing
import Vocabulary

@Suite struct SafetensorsTests {
    @Test func `a file written by the safetensors library reads back`() throws {
        let file = try MappedFile(path: golden("small.safetensors"))
        let header = try Safetensors(file)
        #expect(header.metadata == ["format": "pt", "title": "Größe \"1\""])
        let store = CheckpointStore(header)
        #expect(store.names.sorted() == ["bf16", "f16", "f32", "f64", "f8", "flag", "i64", "none", "scalar", "u8"])
        let ramp = try store.entry("f32")
        #expect(ramp.type == .f32 && ramp.shape == [2, 3] && ramp.isAligned && !ramp.isTransposed)
        #expect(floats(ramp) == [-2.5, -1.5, -0.5, 0.5, 1.5, 2.5])
        #expect(try store.entry("f16").bytes.count == 12)
        #expect(try store.entry("bf16").type == .bf16)
        #expect(try store.entry("i64").bytes.loadUnaligned(fromByteOffset: 8, as: Int64.self) == 1 << 40)
        #expect(Array(try store.entry("u8").bytes) == [1, 2, 255])
        #expect(try store.entry("scalar").shape == [] && floats(try store.entry("scalar")) == [3.25])
        #expect(try store.entry("none").shape == [0, 4] && store.entry("none").bytes.isEmpty)
    }

    @Test func `an absent tensor is a typed error`() throws {
        let store = try CheckpointStore(path: golden("small.safetensors"))
        #expect(throws: CheckpointError.missing(file: golden("small.safetensors"), tensor: "absent")) {
            try store.entry("absent")
        }
    }

    static let lies: [(String, String, Int, CheckpointError.Fault)] = {
        func entry(_ name: String, _ shape: String, _ offsets: String, type: String = "F32") -> String {
            #""\#(name)":{"dtype":"\#(type)","shape":\#(shape),"data_offsets":\#(offsets)}"#
        }
        let pair = "{\(entry("a", "[2]", "[0,8]")),"
        return [
            ("overlap", pair + entry("b", "[2]", "[4,12]") + "}", 12, .overlap("a", "b")),
            ("hole", pair + entry("b", "[1]", "[12,16]") + "}", 16, .hole(begin: 8, end: 12)),
            ("trailing data", "{\(entry("a", "[2]", "[0,8]"))}", 9, .hole(begin: 8, end: 9)),
            ("data nobody owns", "{}", 4, .hole(begin: 0, end: 4)),
            ("late start", "{\(entry("a", "[1]", "[4,8]"))}", 8, .hole(begin: 0, end: 4)),
            ("past the end", "{\(entry("a", "[2]", "[0,8]"))}", 4, .range(tensor: "a", begin: 0, end: 8, size: 4)),
            ("reversed", "{\(entry("a", "[2]", "[8,0]"))}", 8, .range(tensor: "a", begin: 8, end: 0, size: 8)),
            ("wrong length", "{\(entry("a", "[3]", "[0,8]"))}", 8, .length(tensor: "a", expected: 12, found: 8)),
            (
                "overflow", "{\(entry("a", "[4294967296,4294967296,4]", "[0,8]"))}", 8,
                .overflow(tensor: "a", shape: [4294967296, 4294967296, 4])
            ),
            ("repeated name", pair + entry("a", "[2]", "[8,16]") + "}", 16, .repeated("a")),
            ("no type", #"{"a":{"shape":[2],"data_offsets":[0,8]}}"#, 8, .incomplete(entry: "a", lacks: "dtype")),
            ("no shape", #"{"a":{"dtype":"F32","data_offsets":[0,8]}}"#, 8, .incomplete(entry: "a", lacks: "shape")),
            ("one offset", "{\(entry("a", "[2]", "[0]"))}", 8, .incomplete(entry: "a", lacks: "data_offsets")),
        ]
    }()

    @Test(arguments: lies) func `a lying header is a typed error`(
        name: String, header: String, data: Int, fault: CheckpointError.Fault
    ) throws {
        let error = try openingError(safetensors(header, data: data))
        guard case .malformed(_, let found)? = error else {
            Issue.record("\(name): \(String(describing: error))")
            return
        }
        #expect(found == fault)
        #expect(error?.description.contains("download it again") == true)
    }

    @Test(arguments: [
        "[]", "{", "{}}", "null", #"{"a":1}"#, #"{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}"#,
        #"{"a":{"dtype":"F32","shape":[1.5],"data_offsets":[0,4]}}"#,
        #"{"a":{"dtype":"F32","shape":[99999999999999999999],"data_offsets":[0,4]}}"#,
        #"{"a":{"dtype":"F32","shape":[1,1,1,1,1,1,1,1,1],"data_offsets":[0,4]}}"#,
        #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"more":0}}"#,
        #"{"a":{"dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#,
        #"{"__metadata__":{"a":1}}"#, #"{"__metadata__":[]}"#, "{\"\u{1}\":0}", #"{"\ud800x":0}"#, #"{"a\q":0}"#,
        "{\"a\":" + String(repeating: "[", count: 5000) + "}",
    ]) func `a header that is not the expected JSON is a typed error`(_ header: String) throws {
        guard case .malformed(_, .json)? = try openingError(safetensors(header, data: 4)) else {
            Issue.record("\(header.prefix(40)) was taken")
            return
        }
    }

    @Test func `a header longer than the file or the limit is a typed error`() throws {
        let file = safetensors("{}", data: 0)
        #expect(try openingError(Array(file.dropLast())).map(isTruncated) == true)
        #expect(try openingError(Array(file.prefix(7))).map(isTruncated) == true)
        let huge = [UInt8](repeating: 0xFF, count: 8) + Array("{}".utf8)
        guard case .malformed(_, .headerLength(.max, _))? = try openingError(huge) else {
            Issue.record("taken")
            return
        }
    }

    private func isTruncated(_ error: CheckpointError) -> Bool {
        if case .malformed(_, .truncated) = error { true } else { false }
    }

    @Test func `an odd header length leaves tensors readable and says that they are unaligned`() throws {
        try withFolder { folder in
            let header = #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#
            try write(safetensors(header, data: 4), "\(folder)/even.safetensors")
            try write(safetensors(header + " ", data: 4), "\(folder)/odd.safetensors")
            let lengths = try ["even", "odd"].map {
                try CheckpointStore(path: "\(folder)/\($0).safetensors").entry("a")
            }
            #expect(lengths.filter(\.isAligned).count <= 1)
            #expect(lengths.allSatisfy { floats($0) == [0] })
        }
    }
}
