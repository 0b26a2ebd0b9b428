import API
import Checkpoints
import Engine
import Foundation
import Images
import Kinds
import Pipelines
import Synchronization
import Tensor
import Testing
import Vocabulary

/// Whole models on the way from files to pictures, without released weights.
@Suite struct PipelineTests {
    @Test(arguments: [TinyModel.sd1, TinyModel.sdxl, TinyModel.overrides])
    func `a model draws what diffusers draws`(golden: String) throws {
        let folder = try TemporaryFolder()
        let model = try TinyModel(golden)
        try model.write(to: "\(folder.path)/m")
        let workshop = folder.workshop()
        #expect(model.requests.count >= 3)
        for (number, request) in model.requests.enumerated() {
            var request = request
            request.model = "m"
            let picture = try Image.decode(try #require(try workshop.draw(request).reports.files.first))
            let found = picture.samples.map { Float($0) }
            for (other, wanted) in model.pictures.enumerated() {
                let distance = zip(found, wanted.floats).map { abs($0 - $1) }.max() ?? 255
                // The pictures differ by more than what is allowed, so that one is not taken for another.
                #expect((distance <= 2) == (other == number), "request \(number), picture \(other): \(distance)")
            }
        }
    }

    @Test func `layers of CLIP that are not there cannot be skipped`() throws {
        let folder = try TemporaryFolder()
        let row = try #require(JobKinds.named(Generate.kind))
        // Three layers; of XL's two encoders the lesser has three, of which the last is never read.
        for (golden, most) in [(TinyModel.sd1, 3), (TinyModel.sdxl, 2)] {
            let model = try TinyModel(golden)
            try model.write(to: "\(folder.path)/\(golden)")
            let workshop = folder.workshop()
            var request = model.requests[0]
            request.model = golden
            for skipped in 1...most {
                request.clipSkip = skipped
                _ = try row.appraise(request.json, [:], workshop)
            }
            request.clipSkip = most + 1
            let error = #expect(throws: PipelineError.self) { try row.appraise(request.json, [:], workshop) }
            guard case .request("clip_skip", _, _) = error else {
                Issue.record("\(String(describing: error))")
                continue
            }
            #expect(try workshop.failure(request).param == "clip_skip")
        }
    }

    @Test func `models that name the same files hold them once`() throws {
        let folder = try TemporaryFolder()
        let model = try TinyModel(TinyModel.sd1)
        try model.write(to: "\(folder.path)/a")
        try TinyModel(TinyModel.sd1, seed: 5).write(to: "\(folder.path)/b")
        // Hugging Face's cache is made of such links.
        for part in ["vae", "text_encoder"] {
            try FileManager.default.removeItem(atPath: "\(folder.path)/b/\(part)")
            try FileManager.default.createSymbolicLink(
                atPath: "\(folder.path)/b/\(part)", withDestinationPath: "../a/\(part)")
        }
        let workshop = folder.workshop()
        var request = model.requests[0]
        var pictures: Set<[UInt8]> = []
        var counts: [Int] = []
        for name in ["a", "b", "a", "b"] {
            request.model = name
            request.metadata = .none
            pictures.insert(try workshop.draw(request).reports.files[0])
            counts.append(workshop.residents.count)
        }
        // Tokenizer, text encoder, denoiser, autoencoder; then another tokenizer and another denoiser.
        #expect(counts == [4, 6, 6, 6])
        #expect(pictures.count == 2)
    }

    @Test func `the part that was not used for longest goes first, and one in use stays`() throws {
        let residents = Residents(budgetBytes: 100)
        func part(_ role: Role, _ bytes: Int = 40) -> Part<Role> {
            Part(role, files: [], Precision.f32, ownBytes: bytes) { role }
        }
        let builds = { () throws -> Set<Role> in
            // What is not in memory any more would have to be pushed in again.
            Set(
                [Role.denoiser, .autoencoder, .text(0), .text(1)].filter { role in
                    !residents.evicts(Need(bytes: 1000, parts: [part(role).key: 40]))
                })
        }
        _ = try residents.lease(part(.denoiser))
        _ = try residents.lease(part(.autoencoder))
        #expect(try builds() == [.denoiser, .autoencoder])
        _ = try residents.lease(part(.denoiser))
        _ = try residents.lease(part(.text(0)))
        #expect(try builds() == [.denoiser, .text(0)])
        let lease = try residents.lease(part(.denoiser))
        _ = try residents.lease(part(.text(1)))
        _ = try residents.lease(part(.autoencoder))
        #expect(try builds() == [.denoiser, .autoencoder])
        // What activations want beside the parts is room that parts do not have.
        residents.reserve(30)
        #expect(try builds() == [.denoiser])
        residents.reserve(90)
        #expect(try builds() == [.denoiser] && residents.bytes == 40)
        withExtendedLifetime(lease) {}
    }

    @Test func `parts that were given up are loaded again, and the picture is the same`() throws {
        let folder = try TemporaryFolder()
        let model = try TinyModel(TinyModel.sd1)
        try model.write(to: "\(folder.path)/m")
        let workshop = folder.workshop()
        var request = model.requests[0]
        request.model = "m"
        let first = try workshop.draw(request).reports.files
        workshop.residents.clear()
        #expect(workshop.residents.count == 0)
        #expect(try workshop.draw(request).reports.files == first && workshop.residents.count == 4)
    }

    @Test(arguments: [TinyModel.sd1, TinyModel.sdxl])
    func `a job that can never fit is refused with both numbers, before and in the work`(golden: String) throws {
        let folder = try TemporaryFolder()
        let model = try TinyModel(golden)
        try model.write(to: "\(folder.path)/m")
        var request = model.requests[0]
        request.model = "m"
        let row = try #require(JobKinds.named(Generate.kind))
        let needed = try row.appraise(request.json, [:], folder.workshop()).estimate.memoryBytes
        let budget = needed / 2
        let small = folder.workshop(budgetBytes: budget)
        let error = #expect(throws: PipelineError.self) { try row.appraise(request.json, [:], small) }
        guard case .memory(let wanted, budget) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(wanted > budget)
        #expect(try small.failure(request).code == "too_large")
    }

    @Test func `an estimate grows with the picture and with guidance`() throws {
        let folder = try TemporaryFolder()
        let model = try TinyModel(TinyModel.sd1)
        try model.write(to: "\(folder.path)/m")
        let row = try #require(JobKinds.named(Generate.kind))
        let workshop = folder.workshop()
        var request = model.requests[0]
        request.model = "m"
        func bytes() throws -> Int { try row.appraise(request.json, [:], workshop).estimate.memoryBytes }
        var last = 0
        for side in [64, 128, 256, 512, 1024, 2048] {
            (request.width, request.height, request.guidance) = (side, side, 1)
            let plain = try bytes()
            #expect(plain > last, "\(side)")
            last = plain
            request.guidance = 5
            #expect(try bytes() >= plain, "\(side)")
        }
    }

    @Test func `eight threads that want a part build it once`() throws {
        let residents = Residents(budgetBytes: 1 << 30)
        let builds = Atomic<Int>(0)
        let folder = try TemporaryFolder()
        let file = "\(folder.path)/weights"
        try Data([1]).write(to: URL(fileURLWithPath: file))
        let identity = try #require(FileIdentity(file))
        let part = Part<[Int]>(.denoiser, files: [identity], Precision.f32, ownBytes: 8) {
            builds.add(1, ordering: .relaxed)
            usleep(20_000)
            return [7]
        }
        DispatchQueue.concurrentPerform(iterations: 8) { _ in
            let lease = try? residents.lease(part)
            #expect(lease?.value == [7])
        }
        #expect(builds.load(ordering: .relaxed) == 1)
        #expect(residents.count == 1 && residents.bytes == 8)
        // A leased part stays; a given back one goes.
        let lease = try residents.lease(part)
        residents.clear()
        #expect(residents.count == 1)
        withExtendedLifetime(lease) {}
    }

    @Test func `a part that could not be built is built by the next who asks`() throws {
        struct Refusal: Error {}
        let residents = Residents(budgetBytes: 1 << 30)
        let tries = Atomic<Int>(0)
        let part = Part<Int>(.autoencoder, files: [], Precision.f32, ownBytes: 8) {
            guard tries.add(1, ordering: .relaxed).newValue > 2 else { throw Refusal() }
            return 3
        }
        for _ in 0..<2 { #expect(throws: Refusal.self) { try residents.lease(part) } }
        #expect(residents.count == 0)
        #expect(try residents.lease(part).value == 3)
        #expect(try residents.lease(part).value == 3)
        #expect(tries.load(ordering: .relaxed) == 3)
    }
}
