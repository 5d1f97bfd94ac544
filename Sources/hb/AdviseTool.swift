// `hb advise`: which intervals this cluster can keep, from what its daemon has recorded.
import Admin
import CLinux
import ClusterConfig
import ClusterModel
import JSON
import LinuxSystem

extension Tool {
    static let advise = Tool(
        verb: "advise", program: nil, summary: "recommend keepalive, warntime and deadtime",
        usage: "[--once-in TIME] [--keepalive TIME] [--fastest] [--apply] [--json] [--timeout SECONDS]",
        help: """
            The daemon records how late the messages of the other nodes come and how many are lost, always. This tells
            the shortest intervals with which a live node is declared dead no more often than is wanted, and what that
            goes by. Ask on every node, after a time of usual load, and take the longest deadtime for all of them.

                  --once-in TIME     one false takeover in this time is bearable: 30d, 2y (10y)
                  --keepalive TIME   stay with this keepalive: 100ms, 1s
                  --fastest          keepalives down to 3 ms; without it, to 10 ms, which costs less processor time
                  --apply            write them into ha.cf of this node and reload; the old file becomes ha.cf.old
              -j, --json             as JSON; hb(1) describes it
                  --timeout SECONDS  how long heartbeat may take to answer (5)

            Exit status: 0 advice, or done, 1 not enough data yet or not applied, 2 wrong command line,
            3 heartbeat does not run here, 4 not permitted, 5 no answer in time, 6 the answer makes no sense.

            """,
        options: [
            ProgramOption("once-in", value: .required), ProgramOption("keepalive", value: .required),
            ProgramOption("fastest"), ProgramOption("apply"), ProgramOption("json", "j"),
            ProgramOption("timeout", value: .required),
        ]
    ) { invocation, arguments throws(UsageError) in
        try arguments.expectOperands(atMost: 0)
        let wish = TimingWish(
            onceIn: try longTime(arguments.value("once-in") ?? "10y"),
            keepalive: try arguments.value("keepalive").map { text throws(UsageError) in try shortTime(text) },
            keepaliveMin: .milliseconds(arguments.has("fastest") ? 3 : 10))
        let limit = try arguments.seconds("timeout") ?? .seconds(5)
        do throws(AdminError) {
            let report = try AdminClient.punctuality(arguments.common.paths, deadline: Clock.now() + limit)
            let advice = TimingAdvice(report, wish)
            let screen = AdviceScreen(report: report, advice: advice, wish: wish, painter: Painter.ofOutput)
            Terminal.print(arguments.has("json") ? screen.json.text(isCompact: false) + "\n" : screen.text)
            if case .insufficient = advice.basis { return ExitStatus.failed }
            guard arguments.has("apply") else { return ExitStatus.done }
            return apply(advice, invocation, arguments.common.paths, limit, isJSON: arguments.has("json"))
        } catch {
            invocation.complain(error.description)
            return ExitStatus.of(error)
        }
    }

    private static func apply(
        _ advice: TimingAdvice, _ invocation: Invocation, _ paths: Paths, _ limit: Duration, isJSON: Bool
    ) -> Int32 {
        let folder = ConfigurationFolder(paths.configurationDirectory)
        do throws(EditError) {
            try folder.change([
                ("keepalive", TimeText.spell(advice.keepalive)), ("warntime", TimeText.spell(advice.warntime)),
                ("deadtime", TimeText.spell(advice.deadtime)),
            ])
        } catch {
            invocation.complain("ha.cf was not changed: \(error)")
            return ExitStatus.failed
        }
        do throws(AdminError) {
            let response = try AdminClient.ask(.reload, paths, deadline: Clock.now() + limit).response
            guard response.outcome == .done else {
                invocation.complain("written to ha.cf, but not reloaded: \(response.text)")
                return ExitStatus.of(response.outcome)
            }
        } catch {
            invocation.complain("written to ha.cf, but not reloaded: \(error)")
            return ExitStatus.of(error)
        }
        let text = "written to ha.cf and in force; the file before is \(folder.replacedPath)\n"
        // Behind JSON nothing may stand.
        if isJSON { Terminal.complain(text) } else { Terminal.print(text) }
        return ExitStatus.done
    }

    private static func longTime(_ text: String) throws(UsageError) -> Duration {
        let units: [(String, Int64)] = [("y", 365 * 86_400), ("w", 7 * 86_400), ("d", 86_400), ("h", 3600)]
        for (unit, seconds) in units where text.hasSuffix(unit) {
            guard let number = Int64(text.dropLast(unit.count)), (1...1000).contains(number) else { break }
            return .seconds(number * seconds)
        }
        throw UsageError("--once-in takes a time such as 12h, 30d or 2y, not '\(text)'")
    }

    private static func shortTime(_ text: String) throws(UsageError) -> Duration {
        guard let time = TimeText.duration(text), time >= .milliseconds(3), time <= .seconds(60) else {
            throw UsageError("--keepalive takes a time from 3ms to 60s, not '\(text)'")
        }
        return time
    }
}
