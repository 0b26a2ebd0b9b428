import API
import Client
import Digests
import Foundation
import Testing
import Vocabulary

/// A program at a socket that answers every request with the same words.
private final class Answerer: Sendable {
    let path: String
    private let listener: Int32

    init(_ path: String, answer: String) throws {
        self.path = path
        listener = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
        let bound = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        try #require(bound == 0 && listen(listener, 8) == 0)
        let descriptor = listener
        Thread.detachNewThread {
            while case let peer = accept(descriptor, nil, nil), peer >= 0 {
                _ = fcntl(peer, F_SETFD, FD_CLOEXEC)
                var request = [UInt8](repeating: 0, count: 65_536)
                _ = recv(peer, &request, request.count, 0)
                let head = "HTTP/1.1 200 OK\r\nContent-Length: \(answer.utf8.count)\r\n\r\n"
                let bytes = Array((head + answer).utf8)
                _ = send(peer, bytes, bytes.count, Int32(MSG_NOSIGNAL))
                close(peer)
            }
        }
    }

    deinit {
        shutdown(listener, Int32(SHUT_RDWR))
        close(listener)
    }
}

@Suite struct TrustTests {
    private static let status =
        #"{"version":"1","state":"ready","pid":1,"uptime_seconds":1,"queued":0,"running":0,"worker_deaths":0}"#

    private func withFolder(_ body: (String) throws -> Void) throws {
        let folder = "/tmp/lazuli-test-\(UUID().uuidString.prefix(8))"
        try #require(mkdir(folder, 0o700) == 0)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try body(folder)
    }

    private func error(_ socket: DaemonSocket) -> ClientError? {
        do throws(ClientError) {
            _ = try DaemonClient(socket: socket).status()
            return nil
        } catch {
            return error
        }
    }

    private func isUntrusted(_ socket: DaemonSocket, _ fact: String) -> Bool {
        guard case .untrusted(_, let told)? = error(socket) else { return false }
        return told.contains(fact)
    }

    @Test func `the user's place must be a folder that nobody else can write to`() throws {
        try withFolder { folder in
            let answerer = try Answerer("\(folder)/l.sock", answer: Self.status)
            defer { withExtendedLifetime(answerer) {} }
            #expect(error(DaemonSocket(answerer.path, .own)) == nil)
            for mode: mode_t in [0o720, 0o702, 0o777, 0o1777] {
                chmod(folder, mode)
                #expect(isUntrusted(DaemonSocket(answerer.path, .own), "others may write"), "\(mode)")
                // A place that the user names is the user's own affair.
                #expect(error(DaemonSocket(answerer.path, .named)) == nil)
            }
            chmod(folder, 0o700)
            try #require(symlink(folder, "\(folder)/link") == 0)
            #expect(isUntrusted(DaemonSocket("\(folder)/link/l.sock", .own), "is no folder"))
            guard case .unreachable? = error(DaemonSocket("\(folder)/absent/l.sock", .own)) else {
                Issue.record("a folder that is not there is no danger")
                return
            }
        }
    }

    @Test(.enabled(if: geteuid() == 0, "other users need root")) func `a folder of another user is not trusted`() throws
    {
        try withFolder { folder in
            let answerer = try Answerer("\(folder)/l.sock", answer: Self.status)
            defer { withExtendedLifetime(answerer) {} }
            chown(folder, 65534, 65534)
            #expect(isUntrusted(DaemonSocket(answerer.path, .own), "belongs to user 65534"))
        }
    }

    @Test(.enabled(if: geteuid() == 0, "other users need root")) func `a peer of another user is not trusted`() throws {
        try withFolder { folder in
            let path = "\(folder)/l.sock"
            let stranger = Process()
            stranger.executableURL = URL(fileURLWithPath: "/usr/bin/perl")
            stranger.arguments = [
                "-MIO::Socket::UNIX", "-e",
                """
                my $s = IO::Socket::UNIX->new(Local => $ARGV[0], Listen => 8) or die; $> = 65534; $SIG{PIPE} = 'IGNORE';
                listen($s, 8); while (my $c = $s->accept) { my $r; sysread($c, $r, 65536);
                print $c "HTTP/1.1 200 OK\\r\\nContent-Length: ".length($ARGV[1])."\\r\\n\\r\\n".$ARGV[1]; close $c; }
                """, path, Self.status,
            ]
            try stranger.run()
            defer {
                // It may have inherited that SIGTERM waits.
                kill(stranger.processIdentifier, SIGKILL)
                stranger.waitUntilExit()
            }
            // Linux remembers who called listen.
            let deadline = Date(timeIntervalSinceNow: 5)
            while !isUntrusted(DaemonSocket(path, .own), "user 65534 listens"), Date() < deadline { usleep(10_000) }
            #expect(isUntrusted(DaemonSocket(path, .own), "user 65534 listens"))
            #expect(isUntrusted(DaemonSocket(path, .system), "user 65534 listens"))
            #expect(error(DaemonSocket(path, .named)) == nil, "root looks after the daemons of others")
        }
    }

    @Test func `a picture is what its job named, or nothing`() throws {
        try withFolder { folder in
            let answerer = try Answerer("\(folder)/l.sock", answer: "picture")
            defer { withExtendedLifetime(answerer) {} }
            let client = DaemonClient(socket: DaemonSocket(answerer.path))
            func output(_ text: String, url: String?) -> Output {
                Output(
                    index: 0, format: .png, bytes: 7, sha256: SHA256.hexadecimal(of: Array(text.utf8)), url: url)
            }
            #expect(try client.output(output("picture", url: "/v1/x")) == Array("picture".utf8))
            #expect(throws: ClientError.broken("file 0 of the job is not the one whose SHA-256 it named")) {
                try client.output(output("pictures", url: "/v1/x"))
            }
            for url in [nil, "", "x", "/v1/x\r\nX: y", "/v1/a b"] {
                #expect(throws: ClientError.broken("file 0 of the job has no address")) {
                    try client.output(output("picture", url: url))
                }
            }
        }
    }
}
