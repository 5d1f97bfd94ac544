// `hb explain`: the last failover as a time line, from what the daemons have recorded.
import Admin
import CLinux
import ClusterModel
import Failovers
import JSON
import LinuxSystem

extension Tool {
    static let explain = Tool(
        verb: "explain", program: nil, summary: "the last failover, step by step, with what decided each step",
        usage: "[GROUP] [--last N] [--list] [--json] [--svg FILE] [--merge FILE]... [--timeout SECONDS]",
        help: """
            The daemon keeps what happened in the last 16 failovers, planned or not: the last packet heard on each
            medium, the timer, the votes, claims and grants, fencing, and what each resource took. This prints the last
            one, or the last one with GROUP in it, as this node saw it; the other nodes need not be there. What was
            recorded goes with the daemon.

                  --last N           the last N failovers, the latest last (1)
                  --list             one line for each failover that is kept
              -j, --json             as JSON; hb(1) describes it
                  --svg FILE         draw the last one into FILE
                  --merge FILE       put another node's record beside this one's: what hb explain --json --last 16 has
                                     printed there; - for standard input. May be given for several nodes. Where
                                     heartbeat does not run here, the first file takes its place.
                  --timeout SECONDS  how long heartbeat may take to answer (5)

                ssh alpha hb explain --json --last 16 | hb explain --merge -

            Exit status: 0 printed, 1 no such failover is recorded, or a file cannot be read or written,
            2 wrong command line, 3 heartbeat does not run here, 4 not permitted, 5 no answer in time,
            6 the answer makes no sense.

            """,
        options: [
            ProgramOption("last", value: .required), ProgramOption("list"), ProgramOption("json", "j"),
            ProgramOption("svg", value: .required), ProgramOption("merge", value: .required),
            ProgramOption("timeout", value: .required),
        ]
    ) { invocation, arguments throws(UsageError) in
        try arguments.expectOperands(atMost: 1)
        let group = arguments.operands.first
        let last = try arguments.failoverCount()
        if arguments.has("list"), arguments.has("svg") || arguments.has("merge") {
            throw UsageError("--list goes with neither --svg nor --merge")
        }
        let limit = try arguments.seconds("timeout") ?? .seconds(5)
        var others: [FailoverReport] = []
        for path in arguments.options.filter({ $0.name == "merge" }).compactMap(\.value) {
            guard let report = ExplainFiles.read(path) else {
                invocation.complain("\(path): cannot be read, or is not what hb explain --json prints")
                return ExitStatus.failed
            }
            others.append(report)
        }
        var report: FailoverReport
        do throws(AdminError) {
            report = try AdminClient.failovers(
                FailoverLog.failoversMax, arguments.common.paths, deadline: Clock.now() + limit)
        } catch {
            guard case .notRunning = error, !others.isEmpty else {
                invocation.complain(error.description)
                return ExitStatus.of(error)
            }
            report = others.removeFirst()
        }
        if let group { report.failovers.removeAll { !$0.names(group) } }
        report.failovers.removeAll { $0.steps.isEmpty }
        guard !report.failovers.isEmpty else {
            let whose = group.map { " of \($0)" } ?? ""
            invocation.complain(
                "no failover\(whose) is recorded: \(report.node)'s daemon has recorded for \(report.recorded.spoken)")
            return ExitStatus.failed
        }
        if !arguments.has("list") || last.isGiven { report.failovers = report.failovers.suffix(last.count) }
        return show(report, others, invocation, arguments)
    }

    private static func show(
        _ report: FailoverReport, _ others: [FailoverReport], _ invocation: Invocation, _ arguments: ProgramArguments
    ) -> Int32 {
        let screen = ExplainScreen(painter: .ofOutput)
        let timelines = report.failovers.map { failover in
            Timeline(
                Witness(node: report.node, failover: failover),
                others: others.map { ($0.node, $0.failovers) })
        }
        if let path = arguments.value("svg"), let timeline = timelines.last {
            guard ExplainFiles.write(ExplainDrawing(timeline: timeline).svg, to: path) else {
                invocation.complain("\(path): cannot be written: \(SystemError.text(cl_errno()))")
                return ExitStatus.failed
            }
            if !arguments.has("json") { return ExitStatus.done }
        }
        let text: String
        if arguments.has("json") {
            let document =
                others.isEmpty
                ? ExplainDocument.json(report) : .object([("timelines", .array(timelines.map(ExplainDocument.json)))])
            text = document.text(isCompact: false) + "\n"
        } else if arguments.has("list") {
            text = screen.list(report)
        } else {
            text = timelines.map(screen.text).joined(separator: "\n")
        }
        return Terminal.print(text) ? ExitStatus.done : ExitStatus.unknown
    }
}

extension Failover {
    /// Whether a group takes part in it. Of groups that take each step together one is named for all.
    fileprivate func names(_ group: String) -> Bool { groups.contains(group) }
}

extension ProgramArguments {
    fileprivate func failoverCount() throws(UsageError) -> (count: Int, isGiven: Bool) {
        guard let text = value("last") else { return (1, false) }
        guard let count = Int(text), (1...FailoverLog.failoversMax).contains(count) else {
            throw UsageError("--last takes a number from 1 to \(FailoverLog.failoversMax), not '\(text)'")
        }
        return (count, true)
    }
}

/// The files that the user names.
enum ExplainFiles {
    private static let sizeMax = 64 << 20

    /// Another node's record; nil where the file cannot be read or has something else.
    static func read(_ path: String) -> FailoverReport? {
        guard let file = path == "-" ? fdopen(STDIN_FILENO, "r") : fopen(path, "re") else { return nil }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while bytes.count < sizeMax {
            let count = fread(&buffer, 1, buffer.count, file)
            if count == 0 { break }
            bytes += buffer[..<count]
        }
        return ExplainDocument.read(bytes)
    }

    /// Whether the text is in the file now, and nothing else; errno says why not.
    static func write(_ text: String, to path: String) -> Bool {
        guard let file = fopen(path, "we") else { return false }
        let bytes = Array(text.utf8)
        let isWritten = fwrite(bytes, 1, bytes.count, file) == bytes.count
        return fclose(file) == 0 && isWritten
    }
}
