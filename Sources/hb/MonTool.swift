// `hb mon`: the services that a mon watches, once, again and again, or as JSON.
import Admin
import CLinux
import ClusterModel
import LinuxSystem

extension Tool {
    static let mon = Tool(
        verb: "mon", program: nil, summary: "show the services that mon watches",
        usage: "[--server HOST[:PORT]] [--json] [--watch [SECONDS]] [--timeout SECONDS]",
        help: """
            Shows each service with its state, since when it fails, its last and its next check, and what its monitor
            said last.

              -s, --server HOST[:PORT]  where mon runs (MONHOST, else localhost; port 2583)
              -j, --json                as JSON; hb(1) describes it
              -w, --watch [SECONDS]     again and again, every second if nothing else is said; ends with ^C
                  --timeout SECONDS     how long mon may take to answer (5)

            Exit status: 0 no service fails, 1 one does, or mon's scheduler is stopped, 2 wrong command line,
            3 no mon there, 5 no answer in time, 6 the answer makes no sense.

            """,
        options: [
            ProgramOption("server", "s", value: .required), ProgramOption("json", "j"),
            ProgramOption("watch", "w", value: .optional), ProgramOption("timeout", value: .required),
        ]
    ) { invocation, arguments throws(UsageError) in
        var arguments = arguments
        if arguments.has("watch"), arguments.value("watch") == nil, arguments.operands.count == 1 {
            arguments.options.append(ProgramArguments.Given(name: "watch", value: arguments.operands.removeFirst()))
        }
        try arguments.expectOperands(atMost: 0)
        var server = MonServer.standard
        if let text = arguments.value("server") {
            guard let given = MonServer(text) else { throw UsageError("--server takes HOST:PORT, not '\(text)'") }
            server = given
        }
        let view = MonView(
            invocation: invocation, server: server, isJSON: arguments.has("json"),
            timeout: try arguments.seconds("timeout") ?? .seconds(5))
        guard arguments.has("watch") else { return view.showOnce() }
        view.watch(every: try arguments.seconds("watch") ?? .seconds(1))
    }
}

/// What is shown, and how.
private struct MonView {
    let invocation: Invocation
    let server: MonServer
    let isJSON: Bool
    let timeout: Duration

    func showOnce() -> Int32 {
        do throws(MonError) {
            let report = try MonReport(server, timeout: timeout)
            guard Terminal.print(text(report, isCompact: false)) else { return ExitStatus.unknown }
            return report.isWell ? ExitStatus.done : ExitStatus.failed
        } catch {
            invocation.complain(error.reason)
            return error.status
        }
    }

    /// Does not return: ^C, SIGTERM and a closed output end the program.
    func watch(every interval: Duration) -> Never {
        for number in [SIGINT, SIGTERM] { signal(number) { _ in _exit(ExitStatus.done) } }
        var isFirst = true
        while true {
            let started = Clock.now()
            do throws(MonError) {
                draw(text(try MonReport(server, timeout: timeout), isCompact: true), isFirst)
            } catch {
                if isJSON { invocation.complain(error.reason) } else { draw(error.reason + "\n", isFirst) }
            }
            isFirst = false
            Clock.wait(started + interval - Clock.now())
        }
    }

    private func draw(_ text: String, _ isFirst: Bool) {
        var text = text
        if !isJSON, Terminal.isTerminal(STDOUT_FILENO) {
            var lines = text.split(separator: "\n", omittingEmptySubsequences: false)
            if let size = Terminal.size(STDOUT_FILENO) { lines = Array(lines.prefix(size.lines)) }
            text = (isFirst ? "\u{1B}[2J" : "") + "\u{1B}[H" + lines.joined(separator: "\u{1B}[K\n") + "\u{1B}[J"
        } else if !isJSON, !isFirst {
            text = "\n" + text
        }
        if !Terminal.print(text) { exit(ExitStatus.done) }
    }

    private func text(_ report: MonReport, isCompact: Bool) -> String {
        isJSON ? report.json.text(isCompact: isCompact) + "\n" : report.screen(Painter.ofOutput)
    }
}
