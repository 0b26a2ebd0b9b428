import API
import Client
import Foundation
import Vocabulary

/// Waits for a job and shows how it goes.
struct Follower {
    let client: DaemonClient
    let quiet: Bool
    /// Takes the job's text as it is written; nil: the result has all of it.
    var text: ((String) -> Void)?
    /// Shows previews; nil: nothing does.
    var picture: TerminalPicture?

    /// Waits until the job is final, also across a restart of the daemon, and returns it.
    func wait(for id: JobID) throws(ClientError) -> JobStatus {
        var lost = 0
        var told: Set<String> = []
        var shown = 0
        while true {
            do throws(ClientError) {
                let last = try client.follow(id) { event in
                    if case .text(let offset, let piece) = event, let text { tell(piece, offset, text, &shown) }
                    show(event, &told)
                }
                clearLine()
                if let last { return last }
            } catch {
                clearLine()
                switch error {
                case .refused, .untrusted: throw error
                case .unreachable, .broken: break
                }
                lost += 1
                if lost > 20 { throw error }
            }
            // The daemon stopped or restarts; the job is in its journal.
            usleep(500_000)
        }
    }

    /// Shows an event; warnings come as events and again with the job, and are told once.
    private func show(_ event: JobEvent, _ told: inout Set<String>) {
        guard !quiet else { return }
        switch event {
        case .state(let status):
            status.warnings.forEach { warn($0, &told) }
            if let waiting = status.waiting {
                line("waiting: \(waiting)")
            } else if status.paused {
                line("paused; `lazuli resume \(status.id)` lets it go on")
            } else if status.state == .queued, let position = status.position, position > 0 {
                line("queued, \(position) before it")
            } else if status.state == .queued, status.attempts > 0 {
                line("starting again, attempt \(status.attempts + 1)")
            }
        case .progress(let progress):
            // A text that is being written is progress enough.
            if Console.isTerminal, text == nil || progress.stage != .generate {
                Console.draw("\r\u{1B}[K\(Self.bar(progress))")
            }
        case .preview(let preview):
            clearLine()
            picture?.show(preview)
        case .text: break  // The result has all of it.
        case .warning(let message):
            warn(message, &told)
        case .result(let status):
            status.warnings.forEach { warn($0, &told) }
        }
    }

    /// Hands on what of a piece of text is new: a stream that is opened again begins from the start.
    private func tell(_ piece: String, _ offset: Int, _ text: (String) -> Void, _ shown: inout Int) {
        let bytes = Array(piece.utf8)
        let known = min(max(0, shown - offset), bytes.count)
        guard known < bytes.count else { return }
        clearLine()
        text(String(decoding: bytes[known...], as: UTF8.self))
        shown = offset + bytes.count
    }

    private func warn(_ message: String, _ told: inout Set<String>) {
        guard told.insert(message).inserted else { return }
        clearLine()
        Console.say("warning: \(message)")
    }

    private func line(_ text: String) {
        if Console.isTerminal { Console.draw("\r\u{1B}[K\(text)") } else { Console.say(text) }
    }

    private func clearLine() {
        if Console.isTerminal, !quiet { Console.draw("\r\u{1B}[K") }
    }

    /// One line: the stage, and while it has steps a bar, their number and the remaining time.
    static func bar(_ progress: JobProgress, width: Int = 30) -> String {
        guard progress.steps > 0 else { return progress.stage.rawValue }
        let filled = width * min(max(progress.step, 0), progress.steps) / progress.steps
        let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: width - filled)
        let eta = progress.etaSeconds.map { "  \(Int($0.rounded(.up))) s left" } ?? ""
        return "\(progress.stage.rawValue) \(bar) \(progress.step)/\(progress.steps)\(eta)"
    }
}
