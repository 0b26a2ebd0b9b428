package import FoundationEssentials

/// One message on the socket between the daemon and its worker.
///
/// On the wire: UInt32 length of the JSON, UInt32 length of the payload, both little endian, then the two.
package struct Frame: Sendable, Equatable {
    package var json: Data
    /// Bytes that do not belong into JSON: an encoded image.
    package var payload: Data

    package init(json: Data, payload: Data = Data()) {
        self.json = json
        self.payload = payload
    }

    package enum Limit {
        package static let json = 4 << 20
        package static let payload = 256 << 20
    }

    static let headerSize = 8

    /// The bytes on the wire.
    package func encoded() throws(FrameError) -> Data {
        var bytes = Data(capacity: Frame.headerSize + json.count + payload.count)
        try Frame.checkLengths(json: json.count, payload: payload.count)
        for length in [json.count, payload.count] {
            for shift in stride(from: 0, to: 32, by: 8) { bytes.append(UInt8(truncatingIfNeeded: length >> shift)) }
        }
        bytes.append(json)
        bytes.append(payload)
        return bytes
    }

    /// The lengths in a header of `headerSize` bytes.
    static func lengths(header: [UInt8]) throws(FrameError) -> (json: Int, payload: Int) {
        precondition(header.count == headerSize)
        let numbers = stride(from: 0, to: headerSize, by: 4).map { start in
            header[start..<start + 4].reversed().reduce(0) { $0 << 8 | Int($1) }
        }
        try checkLengths(json: numbers[0], payload: numbers[1])
        return (numbers[0], numbers[1])
    }

    private static func checkLengths(json: Int, payload: Int) throws(FrameError) {
        guard json <= Limit.json else { throw .tooLong(bytes: json, limit: Limit.json) }
        guard payload <= Limit.payload else { throw .tooLong(bytes: payload, limit: Limit.payload) }
    }
}

/// A socket that broke, or a peer that does not keep to the protocol.
package enum FrameError: Error, Sendable, Equatable {
    /// The peer went away in the middle of a frame.
    case truncated
    case tooLong(bytes: Int, limit: Int)
    case malformed(String)
    /// A system call failed.
    case io(errno: Int32)
}
