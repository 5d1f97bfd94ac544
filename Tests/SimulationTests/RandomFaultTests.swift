// Whole clusters under random faults. A failure names its seed; `HB_SEED=N` runs that seed alone, `HB_SEEDS=N` runs N.
import ClusterCore
import ClusterModel
import LinuxSystem
import Testing
@testable import Simulation

@Suite("Random faults")
struct RandomFaultTests {
    /// A cluster of a kind that the seed decides.
    static func world(_ random: inout RandomSource, seed: UInt64) -> World {
        let count = 2 + Int(random.next() % 4)
        var cluster = MembershipTests.cluster(count, quorum: .majority)
        if count == 2 { cluster.quorum = random.next() % 2 == 0 ? .ignore : .ping }
        if cluster.quorum == .ping { cluster.pingNodes = ["10.0.0.254"] }
        cluster.failback = random.next() % 2 == 0 ? .on : .off
        cluster.isRotated = random.next() % 2 == 0
        cluster.operationTimeout = .seconds(2)
        let isSerial = random.next() % 8 == 0
        var world = isSerial
            ? cluster.serialWorld(ring: true, seed: seed)
            : cluster.world(segments: 1 + Int(random.next() % 2), seed: seed)
        if random.next() % 4 == 0 {
            for index in world.nodes.indices {
                world.nodes[index].driftPartsPerMillion = Int64(random.next() % 2000) - 1000
            }
        }
        return world
    }

    /// What one run did wrong; nil if nothing.
    static func violation(seed: UInt64) -> String? {
        var random = RandomSource(seed: seed)
        var world = world(&random, seed: seed)
        let count = world.nodes.count
        let excludes = count > 2
        var plan = FaultPlan(seed: seed)
        for index in world.nodes.indices {
            world.start(index)
            if random.next() % 3 == 0 { world.run(.milliseconds(Int64(random.next() % 1000))) }
        }
        world.run(.seconds(3))
        let end = world.now + .seconds(25)
        while world.now < end {
            world.run(plan.strike(&world))
            if excludes, let text = doubleOwner(world) { return text }
        }
        FaultPlan.mend(&world)
        world.run(.seconds(4))
        if excludes, let text = doubleOwner(world) { return text }
        _ = world.request(.cleanup(group: nil), at: 0)
        let takesBefore = world.ownership.takes
        world.run(.seconds(8))
        if world.map.contains(where: { $0 < 0 }) { return "not every group runs once: \(world.map)\n\(world.story)" }
        if world.ownership.takes - takesBefore > 2 * count { return "groups move without an end\n\(world.story)" }
        let takes = world.ownership.takes
        world.run(.seconds(5))
        if world.ownership.takes != takes { return "groups still move\n\(world.story)" }
        if excludes, let text = doubleOwner(world) { return text }
        if world.uselessWakes > 0 { return "\(world.uselessWakes) wakes changed nothing\n\(world.story)" }
        if let request = world.wronglyAnswered.first { return "request \(request) not answered once\n\(world.story)" }
        return nil
    }

    private static func doubleOwner(_ world: World) -> String? {
        guard let overlap = world.ownership.overlaps.first else { return nil }
        return "\(overlap.group) on nodes \(overlap.nodes) for \(overlap.duration)\n\(world.story)"
    }

    static var seeds: ClosedRange<UInt64> {
        if let seed = environment("HB_SEED") { return seed...seed }
        return 1...(environment("HB_SEEDS") ?? 48)
    }

    static func environment(_ name: String) -> UInt64? {
        Spawn.inherited([name]).first.flatMap { UInt64($0.drop { $0 != "=" }.dropFirst()) }
    }

    /// Seeds that break a promise and are not mended: 60 owns a group twice, the others leave a request unanswered.
    static let unmended: [UInt64] = [49, 60, 76]

    @Test("seeds that are known to fail still do; one that passes is to be taken off the list", arguments: unmended)
    func knownFailure(_ seed: UInt64) {
        withKnownIssue {
            if let text = RandomFaultTests.violation(seed: seed) { Issue.record("seed \(seed): \(text)") }
        }
    }

    @Test("no group is owned twice under majority, and every group runs once when the faults have ended")
    func randomFaults() {
        var failures = 0
        for seed in RandomFaultTests.seeds where failures < 3 && !RandomFaultTests.unmended.contains(seed) {
            guard let text = RandomFaultTests.violation(seed: seed) else { continue }
            failures += 1
            Issue.record("seed \(seed): \(text)")
        }
    }
}
