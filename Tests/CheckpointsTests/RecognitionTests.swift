import Checkpoints
import Testing

@Suite struct RecognitionTests {
    @Test(arguments: [
        ("empty", [UInt8](), "download it again"),
        ("pointer", Array("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n".utf8), "git lfs pull"),
        ("zip pickle", Array("PK\u{3}\u{4}".utf8) + [20, 0, 0, 0, 0, 0, 1], "convert it to safetensors"),
        ("bare pickle", [0x80, 0x02, 0x7D, 0x71, 0, 0, 0, 0, 0, 0], "convert it to safetensors"),
        ("page", Array("\n<!DOCTYPE html><html>".utf8), "web page"),
        ("page", Array("<html lang=en>".utf8), "web page"),
        ("ancient pickle", Array("(dp0\nS'weight'\n".utf8), "convert it to safetensors"),
        ("noise", [9, 8, 7, 6, 5, 4, 3, 2, 1, 0], "neither safetensors nor GGUF"),
    ]) func `what is no checkpoint is refused with its remedy`(kind: String, bytes: [UInt8], remedy: String) throws {
        let error = try openingError(bytes, name: kind == "ancient pickle" ? "model.ckpt" : "model")
        #expect(error?.description.contains(remedy) == true, "\(kind): \(String(describing: error))")
    }

    @Test func `a header of 640 bytes is not mistaken for a pickle`() throws {
        #expect(try openingError(safetensors("{}" + String(repeating: " ", count: 638), data: 0)) == nil)
    }

    @Test func `a folder is searched for its weights`() throws {
        try withFolder { folder in
            #expect(throws: CheckpointError.noWeights(folder: folder)) { try CheckpointStore(path: folder) }
            try write([1], "\(folder)/pytorch_model.bin")
            #expect(throws: CheckpointError.pickle(file: "\(folder)/pytorch_model.bin")) {
                try CheckpointStore(path: folder)
            }
            try write(safetensors([("half", [1])]), "\(folder)/model.fp16.safetensors")
            #expect(try CheckpointStore(path: folder).contains("half"))
            try write(safetensors([("full", [1])]), "\(folder)/model.safetensors")
            #expect(try CheckpointStore(path: folder).contains("full"))
        }
    }

    @Test func `folders, pipes and absent files are typed errors`() throws {
        #expect(throws: CheckpointError.notAFile(file: "/dev/null")) { try MappedFile(path: "/dev/null") }
        #expect(throws: CheckpointError.notAFile(file: "/tmp")) { try MappedFile(path: "/tmp") }
        try withFolder { folder in
            let path = "\(folder)/absent"
            #expect(throws: CheckpointError.unreadable(file: path, errno: 2)) { try CheckpointStore(path: path) }
        }
    }

    @Test func `shards are joined by their index`() throws {
        try withFolder { folder in
            try write(safetensors([("a", [2]), ("b", [3])]), "\(folder)/model-1.safetensors")
            try write(safetensors([("c", [4])]), "\(folder)/model-2.safetensors")
            let index = "\(folder)/model.safetensors.index.json"
            let map = #""a":"model-1.safetensors","b":"model-1.safetensors","c":"model-2.safetensors""#
            try write(Array(#"{"metadata":{"total_size":36},"weight_map":{\#(map)}}"#.utf8), index)
            let store = try CheckpointStore(path: folder)
            #expect(store.names.sorted() == ["a", "b", "c"])
            #expect(floats(try store.entry("c")) == [0, 1, 2, 3])
            #expect(store.byteCount == 36)

            try write(Array(#"{"weight_map":{"z":"model-2.safetensors"}}"#.utf8), index)
            #expect(
                throws: CheckpointError.malformed(file: index, .shardLacks(tensor: "z", shard: "model-2.safetensors"))
            ) {
                try CheckpointStore(path: index)
            }
            for name in ["../model-1.safetensors", "/etc/passwd", "sub/model.safetensors", "model-1.bin"] {
                try write(Array(#"{"weight_map":{"a":"\#(name)"}}"#.utf8), index)
                #expect(throws: CheckpointError.malformed(file: index, .shardName(name))) {
                    try CheckpointStore(path: index)
                }
            }
            try write(Array(#"{"weight_map":{\#(map)}}"#.utf8), "\(folder)/model.safetensors.index.fp16.json")
            let variant = try CheckpointStore(path: "\(folder)/model.safetensors.index.fp16.json")
            #expect(variant.count == 3)
            for text in ["", "{}", "[1]", #"{"weight_map":{"a":1}}"#, #"{"weight_map":[]}"#, "{\"weight_map\":{"] {
                try write(Array(text.utf8), index)
                #expect(throws: CheckpointError.self) { try CheckpointStore(path: index) }
            }
        }
    }
}
