// Opening a store by path: one file, a sharded index, or a folder of a diffusers or transformers model.

import Glibc
import JSON

extension CheckpointStore {
    /// Opens a safetensors file, a GGUF, a `*.safetensors.index.json`, or a folder holding one of them.
    package init(path: String) throws(CheckpointError) {
        var status = stat()
        guard stat(path, &status) == 0 else { throw .unreadable(file: path, errno: errno) }
        if status.st_mode & S_IFMT == S_IFDIR {
            try self.init(path: try Self.weightsFile(in: path))
        } else if path.hasSuffix(".json") {
            try self.init(index: path)
        } else {
            let file = try MappedFile(path: path)
            switch try CheckpointFormat(of: file) {
            case .safetensors: self.init(try Safetensors(file))
            case .gguf: self.init(try GGUF(file))
            }
        }
    }

    /// The file of a model folder that holds its weights: full precision before fp16, safetensors before GGUF.
    private static func weightsFile(in folder: String) throws(CheckpointError) -> String {
        let names = try fileNames(in: folder)
        let stems = ["diffusion_pytorch_model", "model", "pytorch_model"]
        let endings = [".safetensors", ".safetensors.index.json", ".fp16.safetensors", ".safetensors.index.fp16.json"]
        for ending in endings {
            for stem in stems where names.contains(stem + ending) { return "\(folder)/\(stem + ending)" }
        }
        if let only = onlyName(names, ".safetensors") ?? onlyName(names, ".gguf") { return "\(folder)/\(only)" }
        let pickles = CheckpointFormat.pickleEndings
        if let pickle = names.first(where: { name in pickles.contains { name.hasSuffix($0) } }) {
            throw .pickle(file: "\(folder)/\(pickle)")
        }
        throw .noWeights(folder: folder)
    }

    private static func onlyName(_ names: [String], _ ending: String) -> String? {
        let found = names.filter { $0.hasSuffix(ending) }
        return found.count == 1 ? found.first : nil
    }

    private static let longestIndex = 64 << 20

    /// Opens the shards that a `*.safetensors.index.json` names, all in its own folder.
    private init(index path: String) throws(CheckpointError) {
        let folder = path.utf8.lastIndex(of: UInt8(ascii: "/")).map { String(path[...$0]) } ?? ""
        let text = try readSmallFile(path, limit: Self.longestIndex)
        guard !text.isEmpty else { throw .empty(file: path) }
        var shards: [String: CheckpointStore] = [:]
        var records: [String: TensorRecord] = [:]
        for (tensor, name) in try Self.weightMap(text, path) {
            if shards[name] == nil {
                guard name.hasSuffix(".safetensors"), isFileName(name) else {
                    throw .malformed(file: path, .shardName(name))
                }
                let file = try MappedFile(path: folder + name)
                guard case .safetensors = try CheckpointFormat(of: file) else {
                    throw .malformed(file: path, .shardName(name))
                }
                shards[name] = CheckpointStore(try Safetensors(file))
            }
            guard let record = shards[name]?.records[tensor] else {
                throw .malformed(file: path, .shardLacks(tensor: tensor, shard: name))
            }
            records[tensor] = record
        }
        self.init(source: path, records: records)
    }

    private static func weightMap(_ text: [UInt8], _ path: String) throws(CheckpointError) -> [String: String] {
        if text.starts(with: "version https://git-lfs".utf8) { throw .pointer(file: path) }
        do throws(JSONFault) {
            let rules = JSON.Rules(size: longestIndex, allowsNonFinite: true, skipsByteOrderMark: true)
            guard let entries = try JSON(text, rules)["weight_map"]?.asObject else {
                throw JSONFault(offset: 0, reason: .expected("an object with \"weight_map\""))
            }
            var map: [String: String] = [:]
            for (tensor, value) in entries {
                guard let name = value.asString else {
                    throw JSONFault(offset: 0, reason: .expected("a file name for \"\(excerpt(tensor))\""))
                }
                map[tensor] = name
            }
            return map
        } catch {
            throw .malformed(file: path, .json(error))
        }
    }
}
