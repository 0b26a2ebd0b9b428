import API
import Foundation
import Testing
import Vocabulary
import Wire

@Suite struct FrameTests {
    private func sockets() throws -> (FrameSocket, FrameSocket) {
        let (a, b) = try FrameSocket.pair()
        return (FrameSocket(descriptor: a), FrameSocket(descriptor: b))
    }

    @Test(arguments: [0, 1, 7, 8, 9, 100_000])
    func `a frame arrives as it was sent`(payload: Int) throws {
        let (a, b) = try sockets()
        let frame = Frame(json: Data("{}".utf8), payload: Data(repeating: 7, count: payload))
        try a.send(frame)
        try a.send(frame)
        #expect(try b.receive() == frame)
        #expect(try b.receive() == frame)
    }

    @Test func `a closed peer is an end between frames and an error within one`() throws {
        var (a, b): (FrameSocket?, FrameSocket) = try sockets()
        try a?.send(Frame(json: Data("{}".utf8)))
        a = nil
        #expect(try b.receive() != nil)
        #expect(try b.receive() == nil)

        let (raw, end) = try FrameSocket.pair()
        let reader = FrameSocket(descriptor: end)
        let bytes = try Frame(json: Data("{}".utf8)).encoded()
        #expect(write(raw, Array(bytes), 9) == 9)
        close(raw)
        #expect(throws: FrameError.truncated) { try reader.receive() }
    }

    @Test func `a header that promises too much is refused before it is read`() throws {
        let (raw, end) = try FrameSocket.pair()
        defer { close(raw) }
        let reader = FrameSocket(descriptor: end)
        #expect(write(raw, [UInt8](repeating: 0xff, count: 8), 8) == 8)
        #expect(throws: FrameError.tooLong(bytes: 0xffff_ffff, limit: Frame.Limit.json)) { try reader.receive() }
    }

    @Test func `an offer to a peer that does not read is dropped, not waited for`() throws {
        let (a, b) = try sockets()
        let frame = try Frame(Report.progress(JobID("j"), JobProgress(.denoise, step: 1, of: 2)))
        var taken = 0
        while try a.offer(frame) { taken += 1 }
        #expect(taken > 10)
        #expect(try b.receive() == frame)
    }
}
