import Foundation
import Glibc
import Service
import Testing

@Suite struct NotifyTests {
    @Test(arguments: ["/tmp/lazuli-notify-\(getpid())", "@lazuli-notify-\(getpid())"])
    func `the service manager hears the state`(path: String) throws {
        let listener = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        defer {
            close(listener)
            unlink(path)
        }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let name = path.utf8.map { $0 == UInt8(ascii: "@") ? 0 : $0 }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: name) }
        let length = socklen_t(MemoryLayout<sa_family_t>.size + name.count)
        let bound = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(listener, $0, length) }
        }
        try #require(bound == 0)
        Notify.send("READY=1", to: path)
        var bytes = [UInt8](repeating: 0, count: 100)
        let count = recv(listener, &bytes, bytes.count, Int32(MSG_DONTWAIT))
        #expect(String(decoding: bytes.prefix(max(count, 0)), as: UTF8.self) == "READY=1")
    }

    @Test(arguments: [nil, "", "relative", "/nowhere/at/all", "@" + String(repeating: "x", count: 200)])
    func `without a listener nothing happens`(path: String?) {
        Notify.send("READY=1", to: path)
    }
}
