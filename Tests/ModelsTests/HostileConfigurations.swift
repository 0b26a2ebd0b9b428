import Checkpoints
import Foundation
import JSON

/// Configurations that somebody wrote to do harm: each a golden's with values no model was trained with.
struct HostileConfigurations {
    private let whole: JSON
    /// Places of values, as keys from the top.
    let places: [[String]]

    /// Keys that readers know and a golden's file may lack.
    private static let unwritten = [
        "scaling_factor", "shift_factor", "norm_num_groups", "time_embedding_dim", "time_cond_proj_dim",
        "addition_time_embed_dim", "projection_class_embeddings_input_dim", "encoder_hid_dim", "num_mid_layers",
        "reverse_transformer_layers_per_block", "num_kv_heads", "ff_mult", "head_dim", "rope_scaling", "rope_theta",
        "rope_parameters", "text_config", "latents_mean", "upsampling_scaling_factor",
    ]

    init(_ golden: String) throws {
        let text = try [UInt8](Data(contentsOf: URL(filePath: "\(Golden.folder)/\(golden).json")))
        whole = try JSON(text, .python)["config"] ?? .null
        var places = Self.places(in: whole, [])
        for key in Self.unwritten where whole[key] == nil { places.append([key]) }
        self.places = places
    }

    /// The golden's own value.
    func value(_ key: String) -> JSON? { whole[key] }

    private static func places(in value: JSON, _ path: [String]) -> [[String]] {
        let members = (value.asObject ?? [:]).sorted { $0.key < $1.key }
        return members.flatMap { key, value in [path + [key]] + places(in: value, path + [key]) }
    }

    /// Every kind of value, at the edges of every kind.
    static let values: [JSON] = {
        let numbers: [JSON] = [0, 1, 2, 3, 7, -1, 33, 1 << 16, 1 << 31, 1 << 62, .max, .min].map { .int($0) }
        let doubles: [JSON] = [0.5, 1e-300, 1e300, -1e300].map { .double($0) }
        let lists: [[JSON]] = [
            [], [.int(0)], [.int(.max)], [.string("x")], [.null], [JSON](repeating: .int(1), count: 4),
            [JSON](repeating: .int(16), count: 58), [JSON](repeating: .int(16), count: 65),
            [JSON](repeating: .int(16), count: 5000), [.array([.int(1), .int(1 << 40)])],
            [JSON](repeating: .string("DownEncoderBlock2D"), count: 65),
        ]
        return numbers + doubles + lists.map { .array($0) } + [
            .unsigned(.max), notANumber, .bool(true), .bool(false), .null, .string(""),
            .string(String(repeating: "x", count: 1 << 14)), .object([:]),
            .object(["type": .string("linear"), "factor": .int(0)]),
            .object(["rope_type": .string("llama3"), "factor": .double(1e-300), "rope_theta": .int(-1)]),
        ]
    }()

    /// Becomes NaN in the text.
    private static let notANumber = JSON.string("not a number")

    /// The golden's configuration with other values at some places.
    func configuration(_ changes: [(place: [String], value: JSON)]) throws -> ConfigObject {
        let changed = changes.reduce(whole) { Self.replacing($1.place[...], in: $0, with: $1.value) }
        let text = String(decoding: changed.text(), as: UTF8.self).replacing("\"not a number\"", with: "NaN")
        return try ConfigObject(Array(text.utf8), file: "config.json")
    }

    private static func replacing(_ place: ArraySlice<String>, in value: JSON, with other: JSON) -> JSON {
        guard let key = place.first else { return other }
        var members = value.asObject ?? [:]
        members[key] = replacing(place.dropFirst(), in: members[key] ?? .null, with: other)
        return .object(members)
    }
}
