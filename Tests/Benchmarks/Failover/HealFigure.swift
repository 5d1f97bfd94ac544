// What a network that was parted and is whole again costs: gaps, moves, and how long two nodes had the address.
import CLinux
import ClusterModel
import LinuxSystem
import Measuring
import Rig

enum HealFigure {
    private static let lookInterval = Duration.milliseconds(1)

    static func measure(_ run: Run) throws {
        let pinged = OwnSystem(keepalive: .milliseconds(50), deadtime: .milliseconds(200), hasPingNode: true)
        run.interleave("heal", run.chosen([run.comparable, pinged]) + run.others()) { system, count in
            let stage = try Stage(system, program: run.program)
            defer { stage.finish() }
            try stage.start()
            for _ in 0..<count { try take(stage, run) }
        }
    }

    private static func take(_ stage: Stage, _ run: Run) throws {
        let holder = try stage.holder()
        let other = stage.other(holder)
        let cut = Clock.now()
        try holder.cutLink(0)
        try stage.until("an answer of \(other.name) after a cut", within: .seconds(60)) {
            stage.client.read()
            return stage.client.gap(after: cut, to: other.index) != nil
        }
        stage.pass(.seconds(1))
        let begin = Clock.now()
        try holder.restoreLink(0)
        let last = try watchHolders(stage, from: begin)
        stage.look()
        let system = stage.system
        let isPinged = (system as? OwnSystem)?.hasPingNode == true
        run.record(
            "heal", system, "worst gap", "ms", goal: Goal(median: 5), [stage.client.worstGap(after: begin)])
        run.record(
            "heal", system, "changes of the machine that answers", "", goal: Goal(median: 0),
            [Double(stage.client.changes(after: begin))])
        run.record(
            "heal", system, "nodes with the address after it", "", goal: Goal(median: 1, p95: 1),
            [Double(stage.cluster.holders(of: stage.service.all[0]).count)])
        run.record(
            "heal", system, "two nodes with the address for", "ms", goal: isPinged ? Goal(median: 0, p95: 0) : nil,
            [last.map { CrashSample.milliseconds(begin, $0) } ?? 0])
        try stage.awaitRest()
    }

    /// Watches the nodes' kernels until one node alone has had the address for long enough; returns when two of them
    /// were last seen to have it. A system that leaves nobody with it is watched until somebody has it again.
    private static func watchHolders(_ stage: Stage, from begin: Instant) throws -> Instant? {
        let calm = max(.seconds(2), stage.system.settling)
        let limit = begin + .seconds(60)
        var lastDouble: Instant?
        var soleSince = begin
        while Clock.now() < limit {
            let count = stage.cluster.holders(of: stage.service.all[0]).count
            let now = Clock.now()
            if count >= 2 { lastDouble = now }
            if count != 1 { soleSince = now }
            if now - soleSince >= calm { break }
            Clock.wait(lookInterval)
        }
        return lastDouble
    }
}
