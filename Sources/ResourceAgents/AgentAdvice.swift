// What OCF agents advise about the time of their operations: their metadata, read by the script that runs them. The
// script is asked beside the first operation of an agent, so that nothing waits for the answer, and again when the
// agent's file has changed.
import ClusterModel
import LinuxSystem
import Reactor

/// The advice of all agents that were asked.
final class AgentAdvice {
    /// The last argument of `ocf`: prints `agent PATH`, then `OPERATION MILLISECONDS` for each operation with a time.
    static let question = "timeouts"
    /// An agent that takes longer to describe itself has no advice.
    private static let limit: Duration = .seconds(30)
    /// After this an agent that could not be asked is asked again.
    private static let patience: Duration = .seconds(60)

    /// Who is asked: a script, and the words in front of the question.
    struct Source: Equatable {
        var script: String
        var words: [String]
    }

    private struct Entry {
        var source: Source
        /// Of the agent's own file; empty where the answer named none.
        var path = ""
        var modified: Int64?
        var times: [(operation: String, time: Duration)] = []
        /// Nobody waits any more where this is nil.
        var waiting: [() -> Void]?
        var askAgainAt: Instant?
    }

    private let loop: EventLoop
    private let ledger: ProgramLedger?
    private let log: (LogRecord) -> Void
    private var entries: [Entry] = []

    init(loop: EventLoop, ledger: ProgramLedger?, log: @escaping (LogRecord) -> Void) {
        self.loop = loop
        self.ledger = ledger
        self.log = log
    }

    /// What is known at once; nil where the agent advises nothing, or was not asked yet. An answer that is under way is
    /// told by calling `known`, once.
    func time(
        of operation: ResourceOperation, from source: Source, environment: [String], known: @escaping () -> Void
    ) -> Duration? {
        if let index = entries.firstIndex(where: { $0.source == source }) {
            if entries[index].waiting != nil {
                entries[index].waiting?.append(known)
                return nil
            }
            if isFresh(entries[index]) { return time(of: operation, from: source) }
            entries.remove(at: index)
        }
        entries.append(Entry(source: source, waiting: [known]))
        ask(source, environment)
        return nil
    }

    /// What is known of an agent; nil where it advises nothing.
    func time(of operation: ResourceOperation, from source: Source) -> Duration? {
        let word = operation.asks ? ResourceOperation.monitor.rawValue : operation.rawValue
        return entries.first { $0.source == source }?.times.first { $0.operation == word }?.time
    }

    private func isFresh(_ entry: Entry) -> Bool {
        if let again = entry.askAgainAt { return Clock.now() < again }
        return FileSystem.modificationTime(of: entry.path) == entry.modified
    }

    private func ask(_ source: Source, _ environment: [String]) {
        var spawn = Spawn(
            program: source.script, arguments: [source.script] + source.words + [AgentAdvice.question])
        spawn.environment = environment
        do throws(SystemError) {
            _ = try ProgramRun(
                spawn, timeout: AgentAdvice.limit, loop: loop, ledger: ledger, log: log
            ) { [self] in answered(source, $0) }
        } catch {
            finish(source, "\(error)") { _ in }
        }
    }

    private func answered(_ source: Source, _ result: ProgramRun.Result) {
        let lines = OutputLines.split(result.output).map { $0.split(separator: " ", maxSplits: 1).map(String.init) }
        let path = lines.first { $0.count == 2 && $0[0] == "agent" }?[1] ?? ""
        // An agent that is not installed is told of by what it is to do.
        finish(source, result.ending == .ended(.exited(5)) ? nil : result.failure) { entry in
            entry.path = path
            entry.modified = path.isEmpty ? nil : FileSystem.modificationTime(of: path)
            entry.times = lines.compactMap { words in
                guard words.count == 2, let milliseconds = Int64(words[1]), milliseconds > 0 else { return nil }
                return (words[0], .milliseconds(min(milliseconds, AgentAdvice.timeMax)))
            }
        }
    }

    /// A day: whatever takes longer is no advice.
    private static let timeMax: Int64 = 86_400_000

    private func finish(_ source: Source, _ failure: String?, _ fill: (inout Entry) -> Void) {
        guard let index = entries.firstIndex(where: { $0.source == source }) else { return }
        let waiting = entries[index].waiting ?? []
        entries[index].waiting = nil
        fill(&entries[index])
        if entries[index].modified == nil { entries[index].askAgainAt = Clock.now() + AgentAdvice.patience }
        if let failure {
            entries[index].times = []
            warn(source, failure)
        }
        for known in waiting { known() }
    }

    /// What was said of whom: once, as long as it is the same.
    private var warned: [(source: Source, reason: String)] = []

    private func warn(_ source: Source, _ reason: String) {
        if warned.contains(where: { $0.source == source && $0.reason == reason }) { return }
        warned.removeAll { $0.source == source }
        warned.append((source, reason))
        let agent = source.words.first ?? source.script
        log(
            LogRecord(
                .warning, "agent-metadata",
                "\(agent): its metadata cannot be read, operation_timeout of ha.cf holds for it: \(reason)"))
    }
}
