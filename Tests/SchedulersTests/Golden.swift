import Foundation
import Schedulers
import Testing

/// Goldens/<sampler>.json, see make_goldens.py, and Goldens/comfyui-<sampler>.json, see make_comfyui_goldens.py.
struct Golden: Decodable {
    struct Case: Decodable, CustomTestStringConvertible {
        let config, steps: Int
        let seed: UInt64
        let schedule: String?
        let strength, eta, guidance: Double?
        let tokens: Int?
        let range, aligned: String?
        let own, smooth: Bool?
        let timesteps, final: [Float]
        /// The first variate of the draw after the run's last.
        let after: Float

        var testDescription: String {
            "config \(config), \(steps) steps, \(schedule ?? "own schedule")"
                + (strength.map { ", strength \($0)" } ?? "") + (eta.map { ", eta \($0)" } ?? "")
        }
    }

    /// Canonical name of the sampler.
    let sampler: String
    /// Whose runs these are.
    let reference: String
    let configs: [SchedulerConfiguration]
    let cases: [Case]

    /// Names of all files of runs.
    static let names: [String] = {
        let folder = Bundle.module.resourceURL?.appendingPathComponent("Goldens").path ?? ""
        return ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [])
            .filter { $0.hasSuffix(".json") && $0 != "corrections.json" }.map { String($0.dropLast(5)) }.sorted()
    }()

    static func data(_ name: String) throws -> Data {
        let folder = try #require(Bundle.module.resourceURL).appendingPathComponent("Goldens")
        return try Data(contentsOf: folder.appendingPathComponent("\(name).json"))
    }

    static func load(_ name: String) throws -> Golden {
        try JSONDecoder().decode(Golden.self, from: data(name))
    }
}

extension SchedulerConfiguration: Decodable {
    public init(from decoder: any Decoder) throws {
        var values = try decoder.singleValueContainer().decode([String: Value].self)
        var name: String?
        if case .text(let text)? = values.removeValue(forKey: "_class_name") { name = text }
        self.init(className: name, values: values)
    }
}

extension SchedulerConfiguration.Value: Decodable {
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let flag = try? container.decode(Bool.self) {
            self = .flag(flag)
        } else if let number = try? container.decode(Double.self) {
            self = .number(number)
        } else if let text = try? container.decode(String.self) {
            self = .text(text)
        } else {
            self = .numbers(try container.decode([Double].self))
        }
    }
}
