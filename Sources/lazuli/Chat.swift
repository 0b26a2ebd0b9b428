import API
import ArgumentParser
import Client
import Foundation
import JSON
import Kinds
import Vocabulary

/// `lazuli chat "Why is the sky blue?"`
struct Chat: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Ask a language model.",
        discussion: """
            The answer is printed as it is written. Without a text, and on a terminal, a conversation begins: an empty line or \
            Ctrl-D ends it. Without a text and not on a terminal, standard input is the text.
            """)

    @Argument(help: "What to say, or - for standard input.")
    var text: String?

    @Option(name: .shortAndLong, help: "Use this language model; `lazuli models list` names them.")
    var model: String?

    @Option(help: ArgumentHelp("Tell the model beforehand what it is to be.", valueName: "text"))
    var system: String?

    @Option(help: "Most tokens of the answer.")
    var maxTokens = 512

    @Option(help: "How evenly tokens are chosen; 0 always takes the best one.")
    var temperature = 0.0

    @Option(help: "Choose among so many of the best tokens.")
    var topK: Int?

    @Option(help: "Choose among the fewest best tokens whose probabilities reach this.")
    var topP: Double?

    @Option(help: "Choose among tokens with at least this share of the best one's probability.")
    var minP: Double?

    @Option(help: "Divide the scores of tokens that were read or written.")
    var repetitionPenalty: Double?

    @Option(help: ArgumentHelp("End the answer where this text comes; may be repeated.", valueName: "text"))
    var stop: [String] = []

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Seed of the choices. Default, and -1: random.", valueName: "number"))
    var seed: Seed?

    @Flag(help: "Go on from the text as it is, without the model's template.")
    var raw = false

    @Flag(name: .customLong("ignore-eos"), help: "Go on after the model has ended its answer, and through repetitions.")
    var ignoreEOS = false

    @Option(help: "Arithmetic. Default: the fastest that this machine and the model allow.")
    var precision: Precision?

    @OptionGroup
    var submission: SubmissionOptions

    func run() throws {
        try reportingFailures {
            let isTalk = text == nil && isatty(STDIN_FILENO) == 1
            var parameters = Kinds.Chat(system.map { [.init(.system, $0)] } ?? [])
            parameters.model = model
            parameters.raw = raw ? true : nil
            parameters.maxTokens = maxTokens
            parameters.temperature = temperature
            (parameters.topK, parameters.topP, parameters.minP) = (topK, topP, minP)
            parameters.repetitionPenalty = repetitionPenalty
            parameters.stop = stop
            parameters.ignoreEOS = ignoreEOS ? true : nil
            parameters.seed = seed?.value
            parameters.precision = precision
            if isTalk { return try talk(parameters) }
            parameters.messages.append(.init(.user, try asked()))
            let body = try submission.body(parameters)
            let client = try submission.daemon.client()
            guard let job = try answer(body, client) else { return }
            if submission.json { try Console.print(json: job) }
        }
    }

    private func asked() throws -> String {
        if let text, text != "-" { return text }
        let bytes = try Paths.read("-", limit: 1 << 20)
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw Failure(Exit.badInput, "Standard input is not UTF-8.")
        }
        return text
    }

    /// Prints an answer while it is written; nil when nobody waits for it.
    private func answer(_ body: JSON, _ client: DaemonClient) throws -> JobStatus? {
        var shown = ""
        var ending: (any Error)?
        let job = try submission.run(body, on: client) { piece in
            guard !submission.json, ending == nil else { return }
            do { try Console.write(Array(piece.utf8)) } catch { ending = error }
            shown += piece
        }
        if let ending { throw ending }
        guard let job, !submission.json else { return job }
        // What was written before a restart of the daemon is not told again.
        let whole = job.result?["text"]?.asString ?? shown
        if whole.hasPrefix(shown) { try Console.write(Array(whole.dropFirst(shown.count).utf8)) }
        if !whole.hasSuffix("\n") { try Console.write([10]) }
        return job
    }

    /// A conversation on the terminal.
    private func talk(_ parameters: Kinds.Chat) throws {
        if submission.json || submission.detach || raw {
            throw Failure(Exit.usage, "A conversation has no --json, --detach or --raw. Give a text.")
        }
        let client = try submission.daemon.client()
        var parameters = parameters
        while true {
            Console.draw("> ")
            guard let line = readLine(), !line.isEmpty else { return }
            parameters.messages.append(.init(.user, line))
            guard let job = try answer(try submission.body(parameters), client) else { return }
            parameters.messages.append(.init(.assistant, job.result?["text"]?.asString ?? ""))
        }
    }
}
