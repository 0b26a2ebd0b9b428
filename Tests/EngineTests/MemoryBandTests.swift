import API
import Foundation
import Images
import Kinds
import Pipelines
import Testing
import Vocabulary

/// Pictures whose autoencoder does not fit the memory whole.
@Suite struct MemoryBandTests {
    private func large(_ model: TinyModel, _ change: (inout Generate) -> Void = { _ in }) -> Generate {
        var request = model.requests[0]
        (request.model, request.width, request.height, request.steps, request.sampler) = ("m", 256, 512, 1, "euler")
        change(&request)
        return request
    }

    private func peak(_ request: Generate, _ workshop: Workshop) throws -> Int {
        try #require(JobKinds.named(Generate.kind)).appraise(request.json, [:], workshop).estimate.memoryBytes
    }

    @Test func `a picture that does not fit whole is decoded in bands, and says so`() throws {
        let folder = try TemporaryFolder()
        let model = try TinyModel("pipeline-wide-vae")
        try model.write(to: "\(folder.path)/m")
        let plenty = folder.workshop()
        let (whole, banded) = (try peak(large(model), plenty), try peak(large(model) { $0.band = 64 }, plenty))
        #expect(banded < whole)
        // Made before anything is drawn: what the process takes when a workshop begins is the program's own.
        let tight = folder.workshop(budgetBytes: (whole + 3 * banded) / 4)
        let none = folder.workshop(budgetBytes: banded / 2)
        let (wanted, drawn) = try plenty.draw(large(model))
        #expect(wanted.parameters.band == nil)
        let picture = try Image.decode(try #require(drawn.files.first)).samples
        let (result, reports) = try tight.draw(large(model))
        let band = try #require(result.parameters.band)
        #expect(reports.warnings.contains { $0.contains("bands of \(band) lines") })
        let file = try #require(reports.files.first)
        let near = try Image.decode(file).samples
        #expect(zip(picture, near).allSatisfy { abs(Int($0) - Int($1)) <= 1 })
        // Drawn again from its recipe it is the same, whatever the memory.
        #expect(try plenty.draw(result.parameters).reports.files.first == file)
        // What fits in no way is refused with both numbers.
        #expect(try none.failure(large(model)).code == "too_large")
    }
}
