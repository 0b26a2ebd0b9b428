// A picture with more pixels: read it, load the network, carry the picture through it band by band, bring the result to
// the size that was asked for, write it.
//
// Colours go through the network, alpha is resampled; grey stays grey.

import Images
package import JSON
import Kinds
import Models
import Tensor
import Vocabulary

package struct Upscaling: KindWork {
    private enum Phase: Sendable {
        case read, open, fingerprint, load, enlarge, resample, write, done
    }

    private let asked: Upscale
    private let path: String?
    private let resume: Checkpoint?
    private var phase = Phase.read
    /// The picture as it was sent, and the size of the result.
    private var source: Image?
    private var target: PixelSize?
    private var model: UpscalerModel?
    private var fingerprint: String?
    private var belongs: UpscalingCheckpoint.Belonging?
    private var picture: BandedUpscaling?
    /// Lines of the network's result, red, green and blue.
    private var lines: [[UInt8]] = []
    private var image: Image?
    private var times = StageTimes()
    private var outcome: Upscale.Result?
    package private(set) var need: Need

    private var isResampling: Bool { asked.model == Upscale.lanczos }

    init(_ parameters: Upscale, inputs: [Blob: String], resume: Checkpoint?) {
        asked = parameters
        path = inputs[parameters.image]
        self.resume = resume
        need = Need(
            model: parameters.model == Upscale.lanczos ? nil : parameters.model ?? Registry.defaultUpscaler)
    }

    package var next: Slice? {
        switch phase {
        case .read, .open, .fingerprint, .load: return Slice(.load)
        case .enlarge: return Slice(.upscale, step: picture?.step ?? 0, of: picture?.steps ?? 0)
        case .resample: return Slice(.upscale, step: picture?.steps ?? 0, of: picture?.steps ?? 0)
        case .write: return Slice(.write)
        case .done: return nil
        }
    }

    package mutating func advance(_ desk: Desk) throws {
        let start = ContinuousClock.now
        let stage = next?.stage ?? .write
        desk.workshop.residents.reserve(need.activations)
        switch phase {
        case .read: try read(desk)
        case .open: try open(desk)
        case .fingerprint: try identify(desk)
        case .load: try load(desk)
        case .enlarge: try enlarge(desk)
        case .resample: try resample()
        case .write: try write(desk)
        case .done: preconditionFailure("a work that is done does not advance")
        }
        times.add(stage, ContinuousClock.now - start)
        if case .done = phase { finish(desk) }
    }

    package func result() throws -> JSON {
        guard let outcome else { preconditionFailure("a work that is not done has no result") }
        return try outcome.asJSON()
    }

    /// Before the picture is there, what is told is for one of 512 × 512 pixels.
    static func appraise(
        _ parameters: Upscale, inputs: [Blob: String], _ workshop: Workshop
    ) throws -> JobAppraisal {
        let budget = workshop.residents.budgetBytes
        var size = PixelSize(width: 512, height: 512)
        if inputs[parameters.image] != nil { size = try InputPicture("image", parameters.image, inputs).size() }
        var bytes = workshop.ownBytes
        if parameters.model != Upscale.lanczos {
            let model = try workshop.registry.upscaler(
                parameters.model, Precision(wanted: parameters.precision))
            bytes += try model.peakBytes(width: size.width, height: size.height)
        }
        return JobAppraisal(estimate: Estimate(memoryBytes: bytes, budgetBytes: budget))
    }
}

// MARK: Before the first band

extension Upscaling {
    private mutating func read(_ desk: Desk) throws {
        guard let path, let bytes = readFile(path), digest(bytes) == asked.image.sha256 else {
            throw PipelineError.request(
                parameter: "image", fact: "the file \(asked.image.sha256) is not there or has other content",
                remedy: "upload it again")
        }
        let image = try Image.decode(bytes)
        source = image
        guard isResampling else {
            phase = .open
            return
        }
        let size = try UpscalingSize(asked, image, factor: 2).target
        target = size
        // The picture, its colours beside it, and the result with its intermediate rows.
        try claim(8 * image.samples.count + 12 * size.width * size.height, desk)
        phase = .resample
    }

    private mutating func open(_ desk: Desk) throws {
        guard let source else { return }
        let model = try desk.workshop.registry.upscaler(asked.model, Precision(wanted: asked.precision))
        let size = try UpscalingSize(asked, source, factor: model.factor)
        target = size.target
        self.model = model
        // Beside the network: the picture, the network's lines before and after they are one image, and the result.
        let pixels = size.network.width * size.network.height
        let walked = try model.peakBytes(width: source.width, height: source.height)
        try claim(walked + 16 * source.samples.count + 6 * pixels + 8 * size.target.width * size.target.height, desk)
        need.parts = [model.part.key: try model.part.bytes(desk.workshop.residents)]
        phase = .fingerprint
    }

    private mutating func claim(_ bytes: Int, _ desk: Desk) throws {
        let (peak, budget) = (desk.workshop.ownBytes + bytes, desk.workshop.residents.budgetBytes)
        guard peak <= budget else { throw PipelineError.memory(needed: peak, budget: budget) }
        need.bytes = peak
    }

    private mutating func identify(_ desk: Desk) throws {
        guard let model, let identity = model.ledger.note(model.path) else { return }
        let fingerprint = try desk.workshop.fingerprints.hexadecimal(of: [(model.path, identity)])
        self.fingerprint = fingerprint
        belongs = UpscalingCheckpoint.Belonging(
            kernels: desk.workshop.kernels, precision: model.precision, model: fingerprint, parameters: asked)
        phase = .load
    }

    private mutating func load(_ desk: Desk) throws {
        guard let source, let model, let belongs else { return }
        let network = try desk.workshop.residents.lease(model.part).value.network
        let whole = UpscalingSize.padded(source, unit: model.unit)
        if let point = resume.flatMap({
            UpscalingCheckpoint(
                $0, belongs: belongs, network, width: whole.width, height: whole.height,
                columns: source.width * model.factor)
        }) {
            picture = point.picture
            lines = point.lines
        } else {
            picture = BandedUpscaling(
                network, Tensor(whole.floats(.unit), [1, whole.height, whole.width, 3]))
        }
        phase = .enlarge
    }
}

// MARK: Bands

extension Upscaling {
    private mutating func enlarge(_ desk: Desk) throws {
        guard let source, let model else { return }
        let lease = try desk.workshop.residents.lease(model.part)
        let band = picture?.advance(lease.value.network)
        if let band {
            guard band.firstNonFinite == nil else {
                throw PipelineError.nonFinite(stage: .upscale, step: picture?.step)
            }
            // Lines and columns that only filled the sides up are dropped.
            let columns = source.width * model.factor
            let count = min(
                band.shape[1], source.height * model.factor - lines.reduce(0) { $0 + $1.count / (3 * columns) })
            if count > 0 {
                let kept =
                    band.shape[1] == count && band.shape[2] == columns ? band : band.cropped(0..<count, 0..<columns)
                lines.append(
                    Image(width: columns, height: count, channels: 3, kept.floats, .unit).samples)
            }
        }
        if let picture, picture.isDone { phase = .resample }
    }

    private mutating func resample() throws {
        guard let source, let target else { return }
        var enlarged: Image
        if let model {
            let (width, height) = (source.width * model.factor, source.height * model.factor)
            enlarged = Image(width: width, height: height, channels: 3, samples: Array(lines.joined()))
            lines = []
            if source.channels == 1 { enlarged = enlarged.grey() }
        } else {
            enlarged = source.colours()
        }
        // The network overshoots nothing that Lanczos could show: what it made is in 0 ... 255 already.
        enlarged = try enlarged.resized(width: target.width, height: target.height)
        if let alpha = source.alpha {
            enlarged = enlarged.with(alpha: try alpha.resized(width: target.width, height: target.height))
        }
        image = enlarged
        phase = .write
    }

    private mutating func write(_ desk: Desk) throws {
        guard let image else { return }
        if let model, let file = model.ledger.firstChange {
            throw PipelineError.changed(model: model.name, file: file)
        }
        if asked.format == .jpeg, image.channels == 4 {
            desk.warn("a JPEG has no transparency: the picture was laid on white")
        }
        let metadata = Metadata(source: model == nil ? nil : .edited)
        let bytes =
            switch asked.format {
            case .png: try image.png(metadata: metadata)
            case .jpeg: try image.jpeg(quality: asked.quality, metadata: metadata)
            case .webp: try image.webp(quality: asked.quality, metadata: metadata)
            }
        desk.deliver(
            Output(
                index: 0, format: asked.format, width: image.width, height: image.height, bytes: bytes.count,
                sha256: digest(bytes)), bytes)
        phase = .done
    }

    private mutating func finish(_ desk: Desk) {
        guard let source else { return }
        outcome = Upscale.Result(
            model: model?.name ?? Upscale.lanczos, modelSHA256: fingerprint, kernels: desk.workshop.kernels,
            threads: desk.workshop.threads, sourceWidth: source.width, sourceHeight: source.height,
            seconds: times.seconds, peakMemoryBytes: residentPeakBytes())
    }

    package func checkpoint() throws -> Checkpoint? {
        guard let picture else { return resume }
        guard let belongs, !picture.isDone, picture.step > 0 else { return nil }
        return UpscalingCheckpoint(picture: picture, lines: lines).encoded(belongs)
    }
}

/// The sizes of one upscaling.
struct UpscalingSize {
    /// Of the network's result, and of the file.
    let network, target: PixelSize

    /// Bounds of the pictures that Lazuli reads hold for those that it makes here.
    private static let limits = ImageLimits()

    init(_ asked: Upscale, _ source: Image, factor: Int) throws(PipelineError) {
        network = PixelSize(width: source.width * factor, height: source.height * factor)
        let scale = Double(asked.scale ?? factor)
        // One side that is given says the other.
        let ratio =
            (asked.width.map { Double($0) / Double(source.width) }
                ?? asked.height.map { Double($0) / Double(source.height) } ?? scale)
        target = PixelSize(
            width: asked.width ?? max(1, Int((Double(source.width) * ratio).rounded())),
            height: asked.height ?? max(1, Int((Double(source.height) * ratio).rounded())))
        try Self.check(target, "the result", asked.width ?? asked.height == nil ? "scale" : "width")
        if asked.model != Upscale.lanczos { try Self.check(network, "what the network makes", "image") }
    }

    private static func check(_ size: PixelSize, _ what: String, _ parameter: String) throws(PipelineError) {
        guard max(size.width, size.height) > limits.side || size.width * size.height > limits.pixels else { return }
        throw .request(
            parameter: parameter, fact: "\(what) would have \(size.width)x\(size.height) pixels",
            remedy: "stay within \(limits.side) along a side and \(limits.pixels / 1_000_000) million in all")
    }

    /// The colours, their sides filled up to multiples of `unit` with a mirror image.
    static func padded(_ image: Image, unit: Int) -> Image {
        let (width, height) = ((image.width + unit - 1) / unit * unit, (image.height + unit - 1) / unit * unit)
        return image.colours().rgb().mirrored(toWidth: width, height: height)
    }
}
