import API
import Engine
import Foundation
import JSON
import Kinds
import Pipelines
import Testing
import Vocabulary

/// When checkpoints are made, and which are taken.
@Suite struct CheckpointTests {
    /// A work of `request`, advanced until its parts are about to be loaded: by then it has taken its checkpoint or not.
    private func resumed(_ request: Generate, _ point: Checkpoint, _ workshop: Workshop) throws -> Bool {
        var work = try #require(JobKinds.named(Generate.kind)).begin(request.json, [:], point)
        for _ in 0..<2 { try work.advance(Desk(workshop)) }
        #expect(work.next?.stage == .load)
        return try work.checkpoint() == point
    }

    /// A checkpoint in the middle of a request.
    private func point(_ request: Generate, _ workshop: Workshop, step: Int = 2) throws -> Checkpoint {
        var work = try #require(JobKinds.named(Generate.kind)).begin(request.json, [:], nil)
        while let slice = work.next, slice.stage != .denoise || slice.step < step { try work.advance(Desk(workshop)) }
        return try #require(try work.checkpoint())
    }

    @Test func `a checkpoint that is cut or changed anywhere begins the job again`() throws {
        let folder = try TemporaryFolder()
        let golden = try TinyModel(TinyModel.sd1)
        try golden.write(to: "\(folder.path)/m")
        let workshop = folder.workshop()
        var request = golden.requests[0]
        request.model = "m"
        let whole = try point(request, workshop)
        #expect(try resumed(request, whole, workshop))
        for length in 0..<whole.tensors.count {
            let cut = Checkpoint(facts: whole.facts, tensors: Array(whole.tensors.prefix(length)))
            #expect(try !resumed(request, cut, workshop), "cut at \(length)")
        }
        for place in whole.tensors.indices {
            var tensors = whole.tensors
            tensors[place] ^= 1
            let changed = Checkpoint(facts: whole.facts, tensors: tensors)
            #expect(try !resumed(request, changed, workshop), "changed at \(place)")
        }
    }

    @Test func `a checkpoint belongs to one model, precision, sampler, seed, size and number of steps`() throws {
        let folder = try TemporaryFolder()
        let golden = try TinyModel(TinyModel.sd1)
        try golden.write(to: "\(folder.path)/m")
        // The same configuration with other weights, and the same content in other files.
        try TinyModel(TinyModel.sd1, seed: 9).write(to: "\(folder.path)/other")
        try golden.write(to: "\(folder.path)/copy")
        let workshop = folder.workshop()
        var request = golden.requests[0]
        (request.model, request.steps, request.sampler) = ("m", 6, "euler")
        let whole = try point(request, workshop)
        #expect(try resumed(request, whole, workshop))
        let changes: [(inout Generate) -> Void] = [
            { $0.model = "other" }, { $0.model = "copy" }, { $0.precision = .bf16 }, { $0.sampler = "heun" },
            { $0.schedule = "karras" }, { $0.steps = 7 }, { $0.seed = 99 }, { $0.width = 64 }, { $0.prompt = "q" },
            { $0.negativePrompt = "n" }, { $0.guidance = 2 }, { $0.count = 2 }, { $0.rng = .philox },
            { $0.format = .webp },
        ]
        for (number, change) in changes.enumerated() {
            var other = request
            change(&other)
            #expect(try !resumed(other, whole, workshop), "change \(number)")
        }
        // The same name with other files.
        for file in ["vae", "unet", "text_encoder"] {
            let name = file == "text_encoder" ? "model" : "diffusion_pytorch_model"
            let path = "\(folder.path)/m/\(file)/\(name).safetensors"
            let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
            try bytes.write(to: URL(fileURLWithPath: path), options: .atomic)
            #expect(try !resumed(request, whole, workshop), "\(file) was replaced")
            let fresh = try point(request, workshop)
            #expect(try resumed(request, fresh, workshop))
        }
    }

    @Test func `a tiny drawing goes on from every checkpoint in every sampler's kind of state`() throws {
        let folder = try TemporaryFolder()
        let golden = try TinyModel(TinyModel.sd1)
        try golden.write(to: "\(folder.path)/m")
        let workshop = folder.workshop()
        let row = try #require(JobKinds.named(Generate.kind))
        for sampler in ["pndm", "ddim", "heun", "lms", "dpmpp_2m_sde", "dpmpp_3m", "uni_pc", "dpm_2_ancestral", "tcd"] {
            var request = golden.requests[2]
            (request.model, request.sampler, request.steps, request.count) = ("m", sampler, 5, 2)
            var files: [[UInt8]] = []
            var points: [(Checkpoint, after: Int)] = []
            var work = try row.begin(request.json, [:], nil)
            while work.next != nil {
                let desk = Desk(workshop)
                try work.advance(desk)
                for case .output(_, let bytes) in desk.leaves { files.append(bytes) }
                if let point = try work.checkpoint() { points.append((point, files.count)) }
            }
            #expect(files.count == 2 && points.count >= 9, "\(sampler)")
            for (point, after) in points {
                var work = try row.begin(request.json, [:], point)
                var made: [[UInt8]] = []
                while work.next != nil {
                    let desk = Desk(workshop)
                    try work.advance(desk)
                    for case .output(_, let bytes) in desk.leaves { made.append(bytes) }
                }
                #expect(Array(files[..<after]) + made == files, "\(sampler) from \(point.facts)")
            }
        }
    }

    // MARK: When

    @Test(arguments: 1...20) func `checkpoints come at most every two seconds of work and take at most 2 % of it`(
        seed: UInt64
    ) {
        var generator = Generator(state: seed)
        let cost = Double.random(in: 0...0.3, using: &generator)
        let slice = Double.random(in: 0.001...3, using: &generator)
        var record = JobRecord()
        var worked = 0.0
        var last = 0.0
        var costs = 0.0
        var count = 0
        for _ in 0..<2000 {
            let seconds = slice * Double.random(in: 0.5...1.5, using: &generator)
            worked += seconds
            record.ran(.denoise, seconds)
            guard record.isCheckpointDue else {
                // One that costs nothing to speak of is never late.
                if cost < 0.001 { #expect(worked - last < 2) }
                continue
            }
            #expect(worked - last >= 2)
            last = worked
            costs += cost
            count += 1
            record.kept(seconds: cost)
            // What the first costs nobody knows before.
            #expect(costs <= max(cost, 0.02 * worked) + 1e-9)
        }
        #expect(count > 0 || worked < 2)
    }
}
