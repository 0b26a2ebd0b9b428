import API
import JSON
import Kinds
import Models
import Tensor
import Vocabulary

/// Where an upscaling was: before a band of a pass.
struct UpscalingCheckpoint: Sendable {
    var picture: BandedUpscaling
    /// Finished lines of the result, red, green and blue.
    var lines: [[UInt8]]

    /// What a checkpoint's numbers came from; with anything else they mean nothing.
    struct Belonging: Sendable, Equatable {
        var version = lazuliVersion
        var kernels: String
        var precision: Precision
        /// SHA-256 of the network's file.
        var model: String
        /// The parameters name the picture by its content.
        var parameters: Upscale

        var members: [String: JSON] {
            [
                "version": .string(version), "kernels": .string(kernels), "precision": .string(precision.rawValue),
                "model": .string(model), "parameters": .string(digest(parameters.json.text())),
            ]
        }
    }
}

extension UpscalingCheckpoint {
    private static let planes = "planes."
    private static let bands = "bands"
    private static let pixels = "pixels"
    /// Beyond this a job begins again instead: a checkpoint passes through one frame.
    private static let mostBytes = 192 << 20

    /// nil where it would be too large.
    func encoded(_ belongs: Belonging) -> Checkpoint? {
        let band = picture.band
        let finished = lines.reduce(0) { $0 + $1.count } / 3
        let numbers = (picture.planes + [band].compactMap(\.self)).reduce(finished) { $0 + $1.count }
        guard 4 * numbers <= Self.mostBytes else { return nil }
        var tensors: [String: Tensor] = [:]
        for (index, plane) in picture.planes.enumerated() {
            tensors[Self.name("\(Self.planes)\(index)", plane.type)] = plane
        }
        if let band { tensors[Self.name(Self.bands, band.type)] = band }
        if finished > 0 { tensors[Self.pixels] = Self.packed(lines, finished) }
        let bytes = tensorFile(tensors)
        var facts = belongs.members
        facts["pass"] = .int(picture.pass)
        facts["line"] = .int(picture.line)
        facts["outputs"] = .int(0)
        facts["seal"] = .string(Self.seal(bytes, picture.pass, picture.line))
        return Checkpoint(facts: .object(facts), tensors: bytes)
    }

    /// The place of a checkpoint; nil where it belongs to anything else or is damaged: the job begins again.
    /// `columns` of the result are kept.
    init?(
        _ checkpoint: Checkpoint, belongs: Belonging, _ network: any Upscaler, width: Int, height: Int, columns: Int
    ) {
        guard let facts = checkpoint.facts.asObject, belongs.members.allSatisfy({ facts[$0.key] == $0.value }),
            let pass = facts["pass"]?.asInt, let line = facts["line"]?.asInt,
            facts["seal"] == .string(Self.seal(checkpoint.tensors, pass, line)),
            let tensors = readTensorFile(checkpoint.tensors)
        else { return nil }
        var planes: [Tensor] = []
        while let plane = Self.tensor(tensors, Self.planes + String(planes.count)) { planes.append(plane) }
        guard
            let picture = BandedUpscaling(
                network, width: width, height: height, pass: pass, line: line, planes: planes,
                bands: Self.tensor(tensors, Self.bands))
        else { return nil }
        self.picture = picture
        lines = []
        let finished = pass + 1 == network.passes.count ? line * network.unit * network.factor : 0
        guard finished > 0 else { return }
        guard let pixels = tensors[Self.pixels]?.floats, pixels.count % columns == 0, !pixels.isEmpty,
            pixels.count / columns <= finished
        else { return nil }
        lines = [Self.unpacked(pixels)]
    }

    /// SHA-256 over the tensors and the place that they belong to.
    private static func seal(_ tensors: [UInt8], _ pass: Int, _ line: Int) -> String {
        digest(tensors + Array("\(pass) \(line)".utf8))
    }

    /// The file holds f32 only, so the name tells what the numbers were.
    private static func name(_ name: String, _ type: DType) -> String { "\(name).\(type == .bf16 ? "bf16" : "f32")" }

    private static func tensor(_ tensors: [String: Tensor], _ name: String) -> Tensor? {
        for type in [DType.f32, .bf16] {
            if let tensor = tensors[Self.name(name, type)] { return tensor.converted(to: type) }
        }
        return nil
    }

    /// Pixels as numbers below 2²⁴, which f32 holds exactly.
    private static func packed(_ lines: [[UInt8]], _ count: Int) -> Tensor {
        var numbers: [Float] = []
        numbers.reserveCapacity(count)
        for samples in lines {
            for at in stride(from: 0, to: samples.count, by: 3) {
                numbers.append(Float(Int(samples[at]) << 16 | Int(samples[at + 1]) << 8 | Int(samples[at + 2])))
            }
        }
        return Tensor(numbers, [count])
    }

    private static func unpacked(_ numbers: [Float]) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: 3 * numbers.count) { buffer, filled in
            filled = 3 * numbers.count
            for (at, number) in numbers.enumerated() {
                let bits = UInt32(min(max(0, number), 0xFFFFFF))
                buffer[3 * at] = UInt8(truncatingIfNeeded: bits >> 16)
                buffer[3 * at + 1] = UInt8(truncatingIfNeeded: bits >> 8)
                buffer[3 * at + 2] = UInt8(truncatingIfNeeded: bits)
            }
        }
    }
}
