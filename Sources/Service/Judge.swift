import API
import JSON
import Vocabulary
import Wire

/// What the daemon believes of its worker's words. A worker is a program that reads strangers' files: what it says is
/// judged before anything is done with it.
enum Judge {
    static let textLimit = 1024
    static let warningLimit = 32
    static let outputLimit = 256
    static let jobTextLimit = 1 << 20
    static let previewLimit = 1 << 20
    static let stepLimit = 1_000_000
    static let factsLimit = 256 << 10
    static let resultLimit = 1 << 20
    static let modelLimit = 10_000

    // Each returns what is wrong, nil when nothing is.

    static func fault(in info: WorkerInfo) -> String? {
        for text in [info.version, info.device, info.kernels] where text.isEmpty || text.utf8.count > 128 {
            return "a version, device or kernel table that is no name"
        }
        guard (1...4096).contains(info.threads) else { return "\(info.threads) threads" }
        guard info.budgetBytes > 0 else { return "a budget of \(info.budgetBytes) bytes" }
        return nil
    }

    static func fault(in progress: JobProgress) -> String? {
        guard (0...stepLimit).contains(progress.steps), (0...progress.steps).contains(progress.step) else {
            return "step \(progress.step) of \(progress.steps)"
        }
        if let eta = progress.etaSeconds, !(0...1e9).contains(eta) { return "\(eta) seconds to go" }
        return nil
    }

    static func fault(in preview: Preview) -> String? {
        if let fault = fault(in: JobProgress(.denoise, step: preview.step, of: preview.steps)) { return fault }
        guard (0..<outputLimit).contains(preview.picture) else { return "a preview of number \(preview.picture)" }
        for side in [preview.width, preview.height] where !(1...4096).contains(side) {
            return "a preview with a side of \(side) pixels"
        }
        guard preview.png.count <= previewLimit, format(of: preview.png) == .png else {
            return "a preview of \(preview.png.count) bytes that is no PNG, or too large"
        }
        return nil
    }

    static func fault(in output: Output, bytes: Int, sha256: String, format: ImageFormat?) -> String? {
        guard (0..<outputLimit).contains(output.index) else { return "a file of number \(output.index)" }
        guard bytes > 0, output.bytes == bytes else { return "a file of \(output.bytes) bytes that has \(bytes)" }
        guard output.sha256 == sha256 else { return "a file whose SHA-256 is another" }
        for side in [output.width, output.height] {
            if let side, !(1...1 << 20).contains(side) { return "a picture with a side of \(side) pixels" }
        }
        guard (output.width == nil) == (output.height == nil) else { return "a picture with one side" }
        guard format == nil || format == output.format else { return "a file that is not \(output.format.rawValue)" }
        guard output.url == nil else { return "a file with an address" }
        return nil
    }

    static func fault(in estimate: Estimate) -> String? {
        guard estimate.memoryBytes >= 0, estimate.budgetBytes > 0 else {
            return "an estimate of \(estimate.memoryBytes) of \(estimate.budgetBytes) bytes"
        }
        if let seconds = estimate.seconds, !(0...1e9).contains(seconds) { return "an estimate of \(seconds) seconds" }
        return nil
    }

    static func fault(in model: ModelInfo) -> String? {
        let texts = [
            model.id, model.object, model.ownedBy, model.family, model.path ?? "-", model.sha256 ?? "-",
            model.unavailable ?? "-", model.defaults?.sampler ?? "-", model.defaults?.schedule ?? "-",
        ]
        guard !model.id.isEmpty, texts.allSatisfy({ $0.utf8.count <= 4096 }), model.kinds.count <= 64 else {
            return "a model whose names are too long"
        }
        guard model.bytes >= 0 else { return "a model of \(model.bytes) bytes" }
        guard model.created >= 0 else { return "a model of a time before times" }
        return nil
    }

    /// An error as it may stand in the journal and before clients.
    static func trimmed(_ error: ErrorBody) -> ErrorBody {
        var error = error
        error.code = error.code.isEmpty ? "failed" : error.code.cut(to: 64)
        error.message = error.message.cut(to: textLimit)
        error.param = error.param?.cut(to: 64)
        if let step = error.step, !(0...stepLimit).contains(step) { error.step = nil }
        return error
    }

    /// The bytes of a file's beginning tell its format; nil where they tell none that is known.
    static func format(of bytes: some Collection<UInt8>) -> ImageFormat? {
        let head = Array(bytes.prefix(12))
        if head.starts(with: [0x89, 0x50, 0x4e, 0x47]) { return .png }
        if head.starts(with: [0xff, 0xd8, 0xff]) { return .jpeg }
        if head.starts(with: Array("RIFF".utf8)), head.dropFirst(8).starts(with: Array("WEBP".utf8)) { return .webp }
        return nil
    }
}

extension String {
    /// The beginning that fits into so many bytes of UTF-8, with a mark where something is missing.
    func cut(to bytes: Int) -> String {
        guard utf8.count > bytes else { return self }
        var head = Array(utf8.prefix(max(bytes - 3, 0) + 1))
        // Back to the last byte that begins a character.
        while let last = head.popLast(), last & 0xc0 == 0x80 {}
        return String(decoding: head, as: UTF8.self) + "…"
    }
}

extension [String] {
    /// Adds a warning, cut and counted.
    mutating func warn(_ message: String) {
        guard count < Judge.warningLimit else { return }
        append(count == Judge.warningLimit - 1 ? "More warnings were left out." : message.cut(to: Judge.textLimit))
    }
}
