// The suite: its figures by their names, and what is printed and written of a run.
import CLinux
import ClusterModel
import LinuxSystem
import Measuring
import Rig

/// One figure that can be chosen.
struct SuiteFigure: Sendable {
    let name: String
    let about: String
    let measure: @Sendable (Run) throws -> Void

    static let all = [
        SuiteFigure(name: "crash", about: "the client's outage when a node dies") { try CrashFigure.measure($0) },
        SuiteFigure(name: "reply", about: "from the decision to the first answer") {
            try CrashFigure.measureReply($0)
        },
        SuiteFigure(name: "move", about: "the client's gap at a planned move") { try MoveFigure.measure($0) },
        SuiteFigure(name: "many", about: "hundreds of addresses at a crash") { try ManyFigure.measure($0) },
        SuiteFigure(name: "cold", about: "from the start of both nodes to the first answer") {
            try ColdStartFigure.measure($0)
        },
        SuiteFigure(name: "heal", about: "a cut link is whole again") { try HealFigure.measure($0) },
        SuiteFigure(name: "footprint", about: "memory and processor time of a node at rest") {
            try FootprintFigure.measure($0)
        },
        SuiteFigure(name: "nodes", about: "the same against the number of nodes") {
            try FootprintFigure.measureNodes($0)
        },
        SuiteFigure(name: "false", about: "takeovers under load and loss, which there should not be") {
            try FalseTakeoverFigure.measure($0)
        },
        SuiteFigure(name: "restart", about: "the daemon restarts for an upgrade") {
            try MoveFigure.measureRestart($0)
        },
        SuiteFigure(name: "messages", about: "what a message costs the status process") { run in
            try run.record("messages", MessageBenchmark.measure() + StatusBenchmark.measure())
        },
        SuiteFigure(name: "resources", about: "what the resource manager costs by itself") { run in
            let (runs, binaries) = (run.options.runs, run.binaries)
            try run.record(
                "resources",
                TakeoverBenchmark.measure(runs: runs, binaries: binaries, own: run.program)
                    + ResourceBenchmark.measureScript(runs: runs, binaries: binaries)
                    + ResourceBenchmark.measureMonitors(runs: runs, binaries: binaries))
        },
        SuiteFigure(name: "monitor", about: "2000 services of the service monitor, and mon 1.3.6 beside it") { run in
            try run.record("monitor", MonitorBenchmark.measure(rounds: run.options.isQuick ? 1 : 4))
        },
        SuiteFigure(name: "traps", about: "10000 traps a second to the service monitor, and to mon 1.3.6") { run in
            try run.record("traps", MonitorBenchmark.measureTraps(rounds: run.options.isQuick ? 1 : 4))
        },
    ]
}

enum Suite {
    /// Runs what the arguments ask for. The exit code is 1 where a goal was missed or this project could not be
    /// measured, 2 for arguments that cannot be understood, 4 without the rights.
    static func main(_ arguments: [String]) -> Int32 {
        // The wall clock's nanoseconds are as good a seed as any, for it is printed.
        let seed = UInt64(truncatingIfNeeded: Clock.wallNanoseconds()) % 1_000_000
        guard let options = Options(arguments, seed: seed) else {
            print(Options.usage, terminator: "")
            return 2
        }
        if options.lists {
            for figure in SuiteFigure.all {
                print(figure.name + String(repeating: " ", count: max(1, 12 - figure.name.count)) + figure.about)
            }
            return 0
        }
        let names = SuiteFigure.all.map(\.name)
        if let unknown = options.figures.first(where: { !names.contains($0) }) {
            print("hb_bench: there is no figure \(unknown): hb_bench --list")
            return 2
        }
        let figures = SuiteFigure.all.filter { options.figures.isEmpty || options.figures.contains($0.name) }
        guard geteuid() == 0 || figures.allSatisfy({ $0.name == "messages" }) else {
            print("hb_bench: must be started by root: it makes network namespaces")
            return 4
        }
        return measure(figures, options)
    }

    private static func measure(_ figures: [SuiteFigure], _ options: Options) -> Int32 {
        guard let program = FileSystem.target(ofLink: "/proc/self/exe") else {
            print("hb_bench: /proc is not mounted")
            return 1
        }
        let run = Run(options, program: program)
        let folder = options.output ?? Checkout.folder + "/.build/bench"
        var report = run.finishedReport()
        var unwritten: (any Error)?
        for figure in figures {
            do {
                try figure.measure(run)
            } catch {
                run.fail(figure.name, nil, "\(error)")
            }
            report = run.finishedReport()
            // Hours of measurements outlive an interrupt, and a full disk those that follow.
            do {
                try write(report, to: folder)
                unwritten = nil
            } catch {
                unwritten = error
            }
        }
        print(options.isMarkdown ? report.markdown : report.table)
        if let unwritten {
            print("hb_bench: \(unwritten)")
            return 1
        }
        print("\n\(folder)/results.jsonl, results.md, outage.svg")
        for missed in report.missed { print("missed: \(missed.figure): \(missed.quantity) \(missed.setting)") }
        return report.missed.isEmpty && !run.hasFailed ? 0 : 1
    }

    private static func write(_ report: Report, to folder: String) throws {
        try Folder.make(folder)
        try Folder.write(report.jsonLines.joined(separator: "\n") + "\n", to: folder + "/results.jsonl")
        try Folder.write(report.markdown + "\n", to: folder + "/results.md")
        let panels = [
            ("crash", "outage", "Crash of the node that has the address: outage"),
            ("move", "client's gap", "Planned move: the client's gap"),
            ("cold", "start of both nodes to first reply", "Cold start of both nodes: time to the first answer"),
            ("heal", "worst gap", "A cut link is whole again: worst gap"),
        ].map { figure, quantity, title in
            let rows = report.measurements.filter { $0.figure == figure && $0.quantity == quantity }
            return OutagePlot.Panel(title: title, rows: rows)
        }
        let plot = OutagePlot(
            title: "What a client notices of a failover", unit: "milliseconds", ownSystem: OwnSystem.name,
            panels: panels)
        try Folder.write(plot.svg, to: folder + "/outage.svg")
    }
}

extension Run {
    /// Takes in figures that were measured without a cluster.
    fileprivate func record(_ name: String, _ figures: [Figure]) {
        for figure in figures {
            record(
                Measurement(
                    figure: name, system: OwnSystem.name, setting: "", quantity: figure.name, unit: figure.unit,
                    goal: figure.goal.map { Goal(median: $0) }, values: figure.values))
        }
    }
}
