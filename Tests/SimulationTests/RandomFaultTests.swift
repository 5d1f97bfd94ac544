// Whole clusters under random faults. A failure names its seed; `HB_SEED=N` runs that seed alone, `HB_SEEDS=N` runs N.
import ClusterCore
import ClusterModel
import LinuxSystem
import Testing
@testable import Simulation

@Suite("Random faults")
struct RandomFaultTests {
    /// What one run did wrong; nil if nothing.
    static func violation(seed: UInt64) -> String? {
        var random = RandomSource(seed: seed)
        let count = 2 + Int(random.next() % 4)
        var cluster = MembershipTests.cluster(count, quorum: count > 2 ? .majority : .ignore)
        cluster.failback = random.next() % 2 == 0 ? .on : .off
        var world = cluster.world(segments: 1 + Int(random.next() % 2), seed: seed)
        var plan = FaultPlan(seed: seed)
        world.startAll()
        world.run(.seconds(3))
        let end = world.now + .seconds(25)
        while world.now < end { world.run(plan.strike(&world)) }
        if count > 2, let overlap = world.ownership.overlaps.first {
            return "\(overlap.group) on nodes \(overlap.nodes) for \(overlap.duration)\n\(world.story)"
        }
        FaultPlan.mend(&world)
        world.run(.seconds(4))
        _ = world.request(.cleanup(group: nil), at: 0)
        let takesBefore = world.ownership.takes
        world.run(.seconds(8))
        if world.map.contains(where: { $0 < 0 }) { return "not every group runs once: \(world.map)\n\(world.story)" }
        if world.ownership.takes - takesBefore > 2 * count { return "groups move without an end\n\(world.story)" }
        let takes = world.ownership.takes
        world.run(.seconds(5))
        if world.ownership.takes != takes { return "groups still move\n\(world.story)" }
        return nil
    }

    static var seeds: ClosedRange<UInt64> {
        if let seed = environment("HB_SEED") { return seed...seed }
        #if DEBUG
        return 1...(environment("HB_SEEDS") ?? 60)
        #else
        return 1...(environment("HB_SEEDS") ?? 2000)
        #endif
    }

    static func environment(_ name: String) -> UInt64? {
        Spawn.inherited([name]).first.flatMap { UInt64($0.drop { $0 != "=" }.dropFirst()) }
    }

    @Test("no group is owned twice under majority, and every group runs once when the faults have ended")
    func randomFaults() {
        var failures = 0
        for seed in RandomFaultTests.seeds where failures < 3 {
            guard let text = RandomFaultTests.violation(seed: seed) else { continue }
            failures += 1
            Issue.record("seed \(seed): \(text)")
        }
    }
}
