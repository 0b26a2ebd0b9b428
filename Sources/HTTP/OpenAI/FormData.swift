// Bodies of multipart/form-data (RFC 7578), read whole.

import API
import JSON

/// The parts of a form.
struct FormData {
    struct Part: Equatable {
        var name: String
        var bytes: ArraySlice<UInt8>
        /// Whether the part is a file rather than a text.
        var isFile: Bool
    }

    let parts: [Part]

    /// A form holds so many parts at most.
    private static let mostParts = 256

    init(_ bytes: [UInt8], contentType: String) throws(RequestError) {
        guard let boundary = Self.parameter("boundary", of: contentType), !boundary.isEmpty, boundary.utf8.count <= 200
        else {
            throw .malformedForm("its type names no boundary")
        }
        let mark = Array("--\(boundary)".utf8)
        guard var at = bytes.firstPlace(of: mark, from: 0) else { throw .malformedForm("its boundary never comes") }
        var parts: [Part] = []
        while true {
            at += mark.count
            if bytes[at...].starts(with: Array("--".utf8)) { break }
            guard let start = bytes.firstPlace(of: [13, 10], from: at),
                let end = bytes.firstPlace(of: [13, 10] + mark, from: start)
            else { throw .malformedForm("it ends within a part") }
            guard parts.count < Self.mostParts else { throw .malformedForm("it has too many parts") }
            parts.append(try Self.part(bytes[(start + 2)..<max(start + 2, end)]))
            at = end + 2
        }
        self.parts = parts
    }

    private static func part(_ bytes: ArraySlice<UInt8>) throws(RequestError) -> Part {
        let whole = Array(bytes)
        let end = whole.starts(with: [13, 10]) ? -2 : whole.firstPlace(of: [13, 10, 13, 10], from: 0)
        guard let end else { throw .malformedForm("a part has no end of its header") }
        let header = String(decoding: whole[..<max(0, end)], as: UTF8.self)
        let lines = header.split(separator: "\r\n")
        guard let line = lines.first(where: { $0.lowercased().hasPrefix("content-disposition:") }),
            let name = parameter("name", of: String(line))
        else { throw .malformedForm("a part has no name") }
        return Part(
            name: name, bytes: whole[(end + 4)...], isFile: parameter("filename", of: String(line)) != nil)
    }

    /// `name="value"` or `name=value` of a header.
    private static func parameter(_ name: String, of header: String) -> String? {
        for piece in header.split(separator: ";").dropFirst() {
            let trimmed = piece.drop { $0 == " " }
            guard trimmed.lowercased().hasPrefix(name + "=") else { continue }
            let value = trimmed.dropFirst(name.count + 1)
            guard value.first == "\"" else { return String(value) }
            return String(value.dropFirst().prefix { $0 != "\"" })
        }
        return nil
    }

    /// Fields that are text, by name.
    func texts() throws(RequestError) -> [String: JSON] {
        var texts: [String: JSON] = [:]
        for part in parts where !part.isFile {
            guard let text = String(validating: part.bytes, as: UTF8.self) else {
                throw .wrongType(param: part.name, expected: "UTF-8")
            }
            texts[part.name] = .string(text)
        }
        return texts
    }

    /// The first file of one of these names.
    func file(_ names: String...) -> ArraySlice<UInt8>? {
        parts.first { names.contains($0.name) && ($0.isFile || !$0.bytes.isEmpty) }?.bytes
    }
}

extension [UInt8] {
    /// Where `part` comes first from an index on.
    fileprivate func firstPlace(of part: [UInt8], from start: Int) -> Int? {
        guard !part.isEmpty, count >= part.count, start <= count - part.count else { return nil }
        var at = start
        while at <= count - part.count {
            if self[at] == part[0], self[at..<at + part.count].elementsEqual(part) { return at }
            at += 1
        }
        return nil
    }
}
