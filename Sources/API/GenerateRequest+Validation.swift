extension GenerateRequest {
    /// Bounds that hold for every model, checked before anything is stored.
    package enum Limit {
        package static let promptBytes = 32_768
        package static let nameBytes = 256
        package static let side = 1...4096
        package static let steps = 1...1000
        package static let count = 1...16
        package static let quality = 1...100
        package static let guidance = 0.0...100.0
        package static let shift = 0.01...100.0
    }

    /// The request itself when every value is in range.
    package func validated() throws(RequestError) -> GenerateRequest {
        try check("prompt", prompt, bytes: Limit.promptBytes)
        try check("negative_prompt", negativePrompt, bytes: Limit.promptBytes)
        try check("model", model, bytes: Limit.nameBytes)
        try check("sampler", sampler, bytes: Limit.nameBytes)
        try check("schedule", schedule, bytes: Limit.nameBytes)
        try check("width", width, in: Limit.side)
        try check("height", height, in: Limit.side)
        try check("steps", steps, in: Limit.steps)
        try check("count", count, in: Limit.count)
        try check("quality", quality, in: Limit.quality)
        try check("guidance", guidance, in: Limit.guidance)
        try check("shift", shift, in: Limit.shift)
        if let seed, seed.addingReportingOverflow(UInt64(count - 1)).overflow {
            throw .outOfRange(
                param: "seed", value: "\(seed)", allowed: "up to \(UInt64.max - UInt64(count - 1)) for \(count) images")
        }
        return self
    }

    private func check(_ param: String, _ text: String?, bytes limit: Int) throws(RequestError) {
        guard let text else { return }
        guard text.utf8.count <= limit else { throw .tooLong(param: param, bytes: text.utf8.count, limit: limit) }
    }

    private func check<Number: Comparable>(
        _ param: String, _ value: Number?, in range: ClosedRange<Number>
    ) throws(RequestError) {
        guard let value, !range.contains(value) else { return }
        throw .outOfRange(param: param, value: "\(value)", allowed: "\(range.lowerBound) to \(range.upperBound)")
    }
}
