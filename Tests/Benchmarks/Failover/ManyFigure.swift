// What a crash costs a node with hundreds of addresses.
import CLinux
import ClusterModel
import LinuxSystem
import Measuring
import Rig

enum ManyFigure {
    /// Each address is asked this often, so that the client does not take the processors from the nodes.
    private static let interval = Duration.milliseconds(25)

    /// From the decision to the last address's first answer. Systems that run scripts get fewer addresses, and the
    /// quantity says so.
    static func measure(_ run: Run) throws {
        run.interleave("many", run.chosen([run.comparable]) + run.others()) { system, count in
            let isScripted = !(system is OwnSystem || system is Keepalived)
            let addresses = isScripted ? run.options.scriptedAddresses : run.options.addresses
            let stage = try Stage(system, program: run.program, addresses: addresses, interval: interval)
            defer { stage.finish() }
            try stage.start()
            for _ in 0..<count { try take(stage, run) }
        }
    }

    private static func take(_ stage: Stage, _ run: Run) throws {
        let holder = try stage.holder()
        let survivor = stage.other(holder)
        let begin = Clock.now()
        try stage.cutPower(holder)
        var ends: [Int: Instant] = [:]
        try stage.until("answers for all addresses after a crash", within: .seconds(300)) {
            stage.client.read()
            for gap in stage.client.gaps where gap.end > begin && gap.to == survivor.index {
                ends[gap.index] = min(ends[gap.index] ?? gap.end, gap.end)
            }
            return ends.count == stage.service.all.count
        }
        stage.pass(.milliseconds(50))
        stage.look()
        let observer = try stage.observer(survivor)
        let last = ends.values.max() ?? begin
        let addresses = Set(stage.service.all)
        let up = observer.events.last { $0.time > begin && $0.what == .up && addresses.contains($0.text) }?.time
        let death = observer.first(.log, after: begin) { stage.system.tellsDeath($0) }
        let count = stage.service.all.count
        let goal = stage.system is OwnSystem ? Goal(median: 40) : nil
        run.record(
            "many", stage.system, "\(count) addresses: death in the log to last reply", "ms", goal: goal,
            [death.map { CrashSample.milliseconds($0, last) }].compactMap { $0 })
        run.record(
            "many", stage.system, "\(count) addresses: death in the log to last address up", "ms",
            [death.flatMap { death in up.map { CrashSample.milliseconds(death, $0) } }].compactMap { $0 })
        run.record(
            "many", stage.system, "\(count) addresses: outage of the last", "ms",
            [CrashSample.milliseconds(begin, last)])
        run.recordPhases("many", stage.system, on: survivor, after: begin)
        try stage.revive(holder)
    }
}
