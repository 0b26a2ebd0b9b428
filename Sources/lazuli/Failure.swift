import API
import ArgumentParser
import Client
import Foundation

/// Exit statuses of the command line, after sysexits.h.
enum Exit {
    static let usage: Int32 = 64
    static let badInput: Int32 = 65
    static let unavailable: Int32 = 69
    static let internalFailure: Int32 = 70
    static let output: Int32 = 74
    static let tryAgain: Int32 = 75
    static let cancelled: Int32 = 130
}

/// Ends the command with a message on standard error.
struct Failure: Error {
    var status: Int32
    var message: String

    init(_ status: Int32, _ message: String) {
        self.status = status
        self.message = message
    }

    init(_ error: ClientError) {
        switch error {
        case .unreachable, .untrusted: self.init(Exit.unavailable, "\(error)")
        case .broken: self.init(Exit.tryAgain, "\(error)")
        case .refused(let body): self.init(body)
        }
    }

    init(_ body: ErrorBody) {
        let status =
            switch body.type {
            case .invalidRequest, .notFound, .conflict: Exit.badInput
            case .unavailable:
                ["queue_full", "draining", "worker_gone", "too_many_connections"].contains(body.code)
                    ? Exit.tryAgain : Exit.unavailable
            case .internalFailure: Exit.internalFailure
            }
        self.init(status, body.message)
    }

    /// Says the message and becomes what ArgumentParser exits with.
    func reported() -> ExitCode {
        Console.say("lazuli: \(message)")
        return ExitCode(status)
    }
}

/// Runs the body of a command and turns its failures into a message and an exit status.
func reportingFailures(_ body: () throws -> Void) throws {
    do {
        try body()
    } catch let failure as Failure {
        throw failure.reported()
    } catch let error as ClientError {
        throw Failure(error).reported()
    } catch let error as LaunchError {
        throw Failure(Exit.unavailable, "\(error)").reported()
    }
}
