// `hb mon`: the services that a mon watches, once, again and again, or as JSON.
import Admin
import CLinux
import ClusterModel
import JSON
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
        let interval = try arguments.watchInterval()
        try arguments.expectOperands(atMost: 0)
        var server = MonServer.standard
        if let text = arguments.value("server") {
            guard let given = MonServer(text) else { throw UsageError("--server takes HOST:PORT, not '\(text)'") }
            server = given
        }
        let view = MonView(
            invocation: invocation, server: server, isJSON: arguments.has("json"),
            timeout: try arguments.seconds("timeout") ?? .seconds(5))
        guard let interval else { return view.showOnce() }
        view.watch(every: interval)
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

    /// Does not return.
    func watch(every interval: Duration) -> Never {
        WatchedScreen(invocation: invocation, isJSON: isJSON).run(every: interval) {
            do throws(MonError) {
                return .text(text(try MonReport(server, timeout: timeout), isCompact: true))
            } catch {
                return .complaint(error.reason)
            }
        }
    }

    private func text(_ report: MonReport, isCompact: Bool) -> String {
        isJSON ? report.json.text(isCompact: isCompact) + "\n" : report.screen(Painter.ofOutput)
    }
}
