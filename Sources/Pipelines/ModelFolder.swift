package import Checkpoints
package import Tensor

#if canImport(Glibc)
    import Glibc
#else
    import Musl
#endif

/// A model saved as diffusers saves one: `model_index.json` and a folder for each part.
package struct ModelFolder: Sendable {
    package let path: String
    /// `model_index.json`.
    package let index: ConfigObject

    package init(_ path: String) throws {
        self.path = path
        index = try ConfigObject(path: path + "/model_index.json")
    }

    /// The class that saved it, such as "StableDiffusionPipeline".
    package var className: String {
        get throws { try index.string("_class_name") }
    }

    /// `config.json` of a part.
    package func config(_ part: String) throws -> ConfigObject { try ConfigObject(path: "\(path)/\(part)/config.json") }

    /// Weights of a part, computing in `precision`.
    package func weights(_ part: String, _ precision: Precision) throws -> Weights {
        Weights(try CheckpointStore(path: "\(path)/\(part)"), precision)
    }

    /// Contents of a file of a part; nil when there is none.
    package func file(_ part: String, _ name: String) throws -> [UInt8]? {
        let path = "\(path)/\(part)/\(name)"
        guard access(path, F_OK) == 0 else { return nil }
        return Array(try MappedFile(path: path).bytes)
    }

    /// Contents of a file of a part that must exist.
    package func require(_ part: String, _ name: String) throws -> [UInt8] {
        guard let bytes = try file(part, name) else {
            throw PipelineError.part(
                path: "\(path)/\(part)/\(name)", fact: "is missing", remedy: "download the whole model again")
        }
        return bytes
    }

    /// The class of a part as the index names it, such as "EulerDiscreteScheduler"; nil when the part is absent.
    package func className(of part: String) throws -> String? {
        guard let pair = try? index.optionalStrings(part), pair.count == 2 else { return nil }
        return pair[1]
    }
}
