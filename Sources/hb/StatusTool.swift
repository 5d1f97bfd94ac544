// `hb status`: once, again and again, or as JSON.
import Admin
import CLinux
import ClusterModel
import LinuxSystem

extension Tool {
    static let status = Tool(
        verb: "status", program: nil, summary: "show nodes, links, groups and recent events",
        usage: "[--json] [--watch [SECONDS]] [--timeout SECONDS]",
        help: """
            Shows the cluster as this node sees it.

              -j, --json             as JSON; hb(1) describes it
              -w, --watch [SECONDS]  again and again, every second if nothing else is said; ends with ^C
                  --timeout SECONDS  how long heartbeat may take to answer (5)

            Exit status: 0 all nodes, links and groups are as they should be, 1 something needs attention,
            2 wrong command line, 3 heartbeat does not run here, 4 not permitted, 5 no answer in time,
            6 the answer makes no sense.

            """,
        options: [
            ProgramOption("json", "j"), ProgramOption("watch", "w", value: .optional),
            ProgramOption("timeout", value: .required),
        ]
    ) { invocation, arguments throws(UsageError) in
        var arguments = arguments
        if arguments.has("watch"), arguments.value("watch") == nil, arguments.operands.count == 1 {
            // getopt takes an optional value only right behind the option; people write a space.
            arguments.options.append(ProgramArguments.Given(name: "watch", value: arguments.operands.removeFirst()))
        }
        try arguments.expectOperands(atMost: 0)
        let view = StatusView(
            invocation: invocation, paths: arguments.common.paths, isJSON: arguments.has("json"),
            timeout: try arguments.seconds("timeout") ?? .seconds(5))
        guard arguments.has("watch") else { return view.showOnce() }
        view.watch(every: try arguments.seconds("watch") ?? .seconds(1))
    }
}

/// What is shown, and how.
private struct StatusView {
    let invocation: Invocation
    let paths: Paths
    let isJSON: Bool
    let timeout: Duration

    func showOnce() -> Int32 {
        do throws(AdminError) {
            let report = try fetch()
            guard Terminal.print(text(report, isCompact: false)) else { return ExitStatus.unknown }
            return report.problems.isEmpty ? ExitStatus.done : ExitStatus.failed
        } catch {
            invocation.complain(error.description)
            return ExitStatus.of(error)
        }
    }

    /// Does not return: ^C, SIGTERM and a closed output end the program.
    func watch(every interval: Duration) -> Never {
        for number in [SIGINT, SIGTERM] { signal(number) { _ in _exit(ExitStatus.done) } }
        var isFirst = true
        while true {
            let started = Clock.now()
            show(isFirst: isFirst)
            isFirst = false
            let pause = max(.zero, started + interval - Clock.now()).wholeNanoseconds
            var time = timespec(tv_sec: Int(pause / 1_000_000_000), tv_nsec: Int(pause % 1_000_000_000))
            nanosleep(&time, nil)
        }
    }

    private func show(isFirst: Bool) {
        do throws(AdminError) {
            let text = text(try fetch(), isCompact: true)
            draw(text, isFirst: isFirst)
        } catch {
            // The daemon may come back; a reader of JSON sees a line for every time that there was an answer.
            if isJSON {
                invocation.complain(error.description)
            } else {
                draw(error.description + "\n", isFirst: isFirst)
            }
        }
    }

    private func draw(_ text: String, isFirst: Bool) {
        var text = text
        if !isJSON, Terminal.isTerminal(STDOUT_FILENO) {
            var lines = text.split(separator: "\n", omittingEmptySubsequences: false)
            if let size = Terminal.size(STDOUT_FILENO) { lines = Array(lines.prefix(size.lines)) }
            // Home, each line with the rest of its line erased, then the rest of the screen: nothing flickers.
            text = (isFirst ? "\u{1B}[2J" : "") + "\u{1B}[H" + lines.joined(separator: "\u{1B}[K\n") + "\u{1B}[J"
        } else if !isJSON, !isFirst {
            text = "\n" + text
        }
        if !Terminal.print(text) { exit(ExitStatus.done) }
    }

    private func fetch() throws(AdminError) -> ClusterReport {
        try AdminClient.report(paths, deadline: Clock.now() + timeout)
    }

    private func text(_ report: ClusterReport, isCompact: Bool) -> String {
        if isJSON { return StatusDocument.json(report).text(isCompact: isCompact) + "\n" }
        return StatusScreen(report: report, painter: Painter.ofOutput).text
    }
}
