// Names of upscalers' tensors through the years, and BasicSR's names for the same ones.

package import Checkpoints

extension CheckpointStore {
    /// Outputs and inputs of a 3×3 convolution.
    func convolutionShape(_ name: String) throws(WeightError) -> (out: Int, width: Int) {
        guard let shape = shape(name) else { throw .missing(name) }
        guard shape.count == 4, shape[0] > 0, shape[1] > 0 else {
            throw .shape(name, expected: [0, 0, 3, 3], found: shape)
        }
        return (shape[0], shape[1])
    }

    /// One more than the largest number that follows `prefix` in the names, 0 without any.
    func count(of prefix: String) -> Int {
        let numbers = names.filter { $0.hasPrefix(prefix) }.compactMap { name in
            Int(name.dropFirst(prefix.count).prefix { $0 != "." })
        }.filter { $0 >= 0 }
        // More layers than tensors: the numbers have gaps, and loading names the first missing one.
        return Swift.min((numbers.max() ?? -1), count) + 1
    }
}

package enum UpscalerNames {
    /// The tensors under BasicSR's names.
    ///
    /// Training scripts wrap them into `params` or `params_ema`. ESRGAN's first release wrote `RRDB_trunk.0.RDB1.conv1`,
    /// others number the parts of a chain: `model.0`, `model.1.sub.0.RDB1.conv1.0`, `model.3` …
    package static func modern(_ store: CheckpointStore) throws(CheckpointError) -> CheckpointStore {
        var store = store
        for wrapper in ["params_ema.", "params."] where store.names.contains(where: { $0.hasPrefix(wrapper) }) {
            store = store.dropping(prefix: wrapper)
            break
        }
        let names = Array(store.names)
        if store.contains("model.0.weight") { return try store.renamed(chain(names)) }
        guard names.contains(where: { $0.hasPrefix("RRDB_trunk.") }) else { return store }
        return try store.renamed(
            Dictionary(names.map { (trunk($0), TensorSource($0)) }, uniquingKeysWith: { first, _ in first }))
    }

    private static func trunk(_ name: String) -> String {
        let renamed = [
            ("RRDB_trunk.", "body."), ("trunk_conv.", "conv_body."), ("upconv", "conv_up"), ("HRconv.", "conv_hr."),
        ]
        for (old, new) in renamed where name.hasPrefix(old) {
            return new + name.dropFirst(old.count).replacing("RDB", with: "rdb")
        }
        return name
    }

    /// Numbers above 1 are the enlargements, then the detail, then the output, with activations between them.
    private static func chain(_ names: [String]) -> [String: TensorSource] {
        let numbers = Set(names.compactMap { Int($0.dropFirst("model.".count).prefix { $0 != "." }) })
        let late = numbers.filter { $0 > 1 }.sorted()
        let blocks = names.compactMap { name in
            name.hasPrefix("model.1.sub.") ? Int(name.dropFirst("model.1.sub.".count).prefix { $0 != "." }) : nil
        }
        let trunk = blocks.max() ?? 0
        var table: [String: TensorSource] = [:]
        for name in names {
            let parts = name.split(separator: ".").map(String.init)
            guard parts.count >= 3, parts[0] == "model", let number = Int(parts[1]), let kind = parts.last else {
                table[name] = TensorSource(name)
                continue
            }
            let modern: String
            if number == 0 {
                modern = "conv_first.\(kind)"
            } else if number == 1, parts.count >= 5, parts[2] == "sub", let block = Int(parts[3]) {
                modern =
                    block == trunk
                    ? "conv_body.\(kind)"
                    : "body.\(block)." + parts[4..<min(6, parts.count - 1)].joined(separator: ".").lowercased()
                        + ".\(kind)"
            } else if let place = late.firstIndex(of: number) {
                switch late.count - place {
                case 1: modern = "conv_last.\(kind)"
                case 2: modern = "conv_hr.\(kind)"
                default: modern = "conv_up\(place + 1).\(kind)"
                }
            } else {
                modern = name
            }
            table[modern] = TensorSource(name)
        }
        return table
    }
}
