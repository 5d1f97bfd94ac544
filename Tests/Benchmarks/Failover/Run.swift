// One run of the suite: what is measured with what, in which order, and what came of it.
import CLinux
import ClusterModel
import LinuxSystem
import Measuring
import Rig

/// A run under way.
final class Run {
    let options: Options
    /// This program, which is also the client, the observers and the load.
    let program: String
    /// The folder of the programs that are measured.
    var binaries: String { String(program[..<(program.lastIndex(of: "/") ?? program.startIndex)]) }
    private(set) var report: Report
    private(set) var hasFailed = false
    private var random: RandomSource
    private let classic: DebianHeartbeat?
    private let keepalived: DebianPackages?
    private let pacemaker: DebianPackages?
    private var fastest: OwnSystem?
    /// The systems in the order in which tables have them.
    private var ranks: [String] = []
    private var figures: [String] = []
    private var quantities: [String] = []

    init(_ options: Options, program: String) {
        self.options = options
        self.program = program
        random = RandomSource(seed: options.seed)
        report = Report(machine: MachineLine.text, seed: options.seed)
        report.versions = DebianPackages.versions(of: ["keepalived", "heartbeat", "corosync", "pacemaker"])
        classic = DebianHeartbeat()
        keepalived = DebianPackages(program: "/usr/sbin/keepalived")
        pacemaker = DebianPackages(program: "/usr/sbin/pacemakerd")
        for (name, isThere) in [
            ("keepalived", keepalived != nil), ("heartbeat 3.0.6", classic != nil),
            ("corosync + pacemaker", pacemaker != nil),
        ] where !isThere {
            report.skipped.append("\(name): its packages are not unpacked here (make peers)")
        }
    }

    // MARK: Systems

    /// This project at the pace at which the classic daemon is measured.
    let comparable = OwnSystem(keepalive: .milliseconds(50), deadtime: .milliseconds(200))

    /// This project at its fastest setting, beside the fastest stable setting of each other system that is here.
    func everySystem() throws -> [any FailoverSystem] {
        try chosen([fastestOwn(), comparable]) + others()
    }

    /// The other systems that are here and wanted.
    func others() -> [any FailoverSystem] {
        var systems: [any FailoverSystem] = []
        if let keepalived {
            systems.append(Keepalived(advert: .milliseconds(10), isRealtime: true, packages: keepalived))
        }
        if let classic {
            systems.append(
                ClassicHeartbeat(keepalive: .milliseconds(50), deadtime: .milliseconds(200), debian: classic))
        }
        if let pacemaker { systems.append(Pacemaker(token: .milliseconds(500), packages: pacemaker)) }
        return chosen(systems)
    }

    /// keepalived as it runs when nobody gives it a priority.
    func ordinaryKeepalived() -> [any FailoverSystem] {
        guard let keepalived else { return [] }
        return chosen([Keepalived(advert: .milliseconds(10), isRealtime: false, packages: keepalived)])
    }

    func chosen(_ systems: [any FailoverSystem]) -> [any FailoverSystem] {
        guard !options.systems.isEmpty else { return systems }
        return systems.filter { system in options.systems.contains { system.name.contains($0) } }
    }

    /// The first candidate that lives through the load without a false takeover; the last one where none does.
    func fastestOwn() throws -> OwnSystem {
        if let fastest { return fastest }
        let candidates = options.fast.map { OwnSystem(keepalive: $0.keepalive, deadtime: $0.deadtime) }
        var chosen = candidates[candidates.count - 1]
        if candidates.count > 1, !self.chosen([candidates[0]]).isEmpty {
            for candidate in candidates {
                progress("searching the fastest setting: \(candidate.setting)")
                let seen = try FalseTakeoverFigure.watch(candidate, self, loops: true, loss: 0)
                record("fastest", candidate, "takeovers under load", "", [Double(seen.takeovers)])
                if seen.takeovers == 0 {
                    chosen = candidate
                    break
                }
            }
        }
        fastest = chosen
        return chosen
    }

    // MARK: Order

    /// Measures every system `runs` times, in rounds: each takes the systems in another order, so that what disturbs
    /// this machine for a while disturbs all of them alike. `measure` opens a stage and makes so many runs on it.
    func interleave(
        _ figure: String, _ systems: [any FailoverSystem], _ measure: (any FailoverSystem, Int) throws -> Void
    ) {
        let rounds = min(4, options.runs)
        var lost: Set<String> = []
        for round in 0..<rounds {
            let count = options.runs / rounds + (round < options.runs % rounds ? 1 : 0)
            for system in systems.shuffled(using: &random) {
                let key = "\(system.name), \(system.setting)"
                // What did not work twice will not work a third time.
                guard !lost.contains(key) else { continue }
                progress("\(figure): \(key), round \(round + 1) of \(rounds)")
                do {
                    try measure(system, count)
                } catch {
                    if report.skipped.contains(where: { $0.hasPrefix("\(figure): \(key): ") }) { lost.insert(key) }
                    fail(figure, system, "\(error)")
                }
            }
        }
    }

    /// A time between nothing and a duration, drawn from the seed.
    func randomTime(below limit: Duration) -> Duration {
        .nanoseconds(Int64.random(in: 0...max(1, limit.wholeNanoseconds), using: &random))
    }

    // MARK: Outcome

    /// Takes values in.
    func record(
        _ figure: String, _ system: any FailoverSystem, _ quantity: String, _ unit: String, goal: Goal? = nil,
        _ values: [Double]
    ) {
        record(
            Measurement(
                figure: figure, system: system.name, setting: system.setting, quantity: quantity, unit: unit,
                goal: system is OwnSystem ? goal : nil, values: values))
    }

    func record(_ row: Measurement) {
        let key = "\(row.system) \(row.setting)"
        if !ranks.contains(key) { ranks.append(key) }
        if !figures.contains(row.figure) { figures.append(row.figure) }
        if !quantities.contains(row.quantity) { quantities.append(row.quantity) }
        let place = report.measurements.firstIndex {
            ($0.figure, $0.system, $0.setting, $0.quantity) == (row.figure, row.system, row.setting, row.quantity)
                && $0.unit == row.unit
        }
        if let place {
            report.measurements[place].values += row.values
        } else {
            report.measurements.append(row)
        }
    }

    /// Notes that a system could not be measured. Where that is this project, the run has failed.
    func fail(_ figure: String, _ system: (any FailoverSystem)?, _ reason: String) {
        let name = system.map { "\($0.name), \($0.setting): " } ?? ""
        report.skipped.append("\(figure): \(name)\(reason)")
        if system == nil || system is OwnSystem { hasFailed = true }
        progress("\(figure): \(name)\(reason)")
    }

    /// The report with rows in order: figure, quantity, this project first.
    func finishedReport() -> Report {
        func rank(_ row: Measurement) -> [Int] {
            [
                figures.firstIndex(of: row.figure) ?? 0, quantities.firstIndex(of: row.quantity) ?? 0,
                row.system == OwnSystem.name ? 0 : 1, ranks.firstIndex(of: "\(row.system) \(row.setting)") ?? 0,
            ]
        }
        var report = report
        report.measurements.sort { rank($0).lexicographicallyPrecedes(rank($1)) }
        return report
    }

    func progress(_ text: String) { fputs("\(text)\n", cl_stderr()) }
}
