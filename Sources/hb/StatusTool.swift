// `hb status`: once, again and again, or as JSON.
import Admin
import CLinux
import ClusterModel
import JSON
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
        let interval = try arguments.watchInterval()
        try arguments.expectOperands(atMost: 0)
        let view = StatusView(
            invocation: invocation, paths: arguments.common.paths, isJSON: arguments.has("json"),
            timeout: try arguments.seconds("timeout") ?? .seconds(5))
        guard let interval else { return view.showOnce() }
        view.watch(every: interval)
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

    /// Does not return.
    func watch(every interval: Duration) -> Never {
        WatchedScreen(invocation: invocation, isJSON: isJSON).run(every: interval) {
            do throws(AdminError) {
                return .text(text(try fetch(), isCompact: true))
            } catch {
                return .complaint(error.description)
            }
        }
    }

    private func fetch() throws(AdminError) -> ClusterReport {
        try AdminClient.report(paths, deadline: Clock.now() + timeout)
    }

    private func text(_ report: ClusterReport, isCompact: Bool) -> String {
        if isJSON { return StatusDocument.json(report).text(isCompact: isCompact) + "\n" }
        return StatusScreen(report: report, painter: Painter.ofOutput).text
    }
}
