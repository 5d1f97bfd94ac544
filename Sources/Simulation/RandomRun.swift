// One run of a random cluster under random faults, and what it may not do: two phases, safety under the faults, then
// liveness when they have ended.
import ClusterCore
import ClusterModel

/// A run that its seed decides in every detail.
package enum RandomRun {
    /// From the end of all faults until every group runs once: joining, a start or two, a move back.
    static let recoveryMax = Duration.seconds(8)
    /// How long nothing may move then: many keepalives.
    static let restMin = Duration.milliseconds(1500)

    /// Which clusters are drawn.
    package enum Kind: String, CaseIterable, Sendable {
        /// Two to five nodes.
        case plain
        /// The same; every node can power off every other, and half of the groups need it.
        case fences
        /// Six to sixteen nodes whose files do not agree on deadtime.
        case wide
        /// As plain, every third one as fences, and the nodes read other intervals as they run, their resource managers
        /// hang, and their status processes are not there for a while.
        case strained
        /// Three to five nodes, or two that ask a ping node and are cut off from everything at once: deadtimes, leases
        /// and clocks that differ as far as is allowed, and messages and daemons that come late.
        case uneven
    }

    /// A cluster of a kind that the seed decides.
    private static func world(_ random: inout RandomSource, seed: UInt64, kind: Kind) -> World {
        let count = kind == .wide ? 6 + Int(random.next() % 11) : 2 + Int(random.next() % 4)
        var cluster = Blueprint.nodes(count)
        if count == 2 { cluster.quorum = random.next() % 2 == 0 ? .ignore : .ping }
        if cluster.quorum == .ping { cluster.pingNodes = ["10.0.0.254"] }
        cluster.failback = random.next() % 2 == 0 ? .on : .off
        cluster.isRotated = random.next() % 2 == 0
        cluster.operationTimeout = .seconds(2)
        if kind == .wide { cluster.deadtimeFactors = (0..<count).map { _ in 1 + Int(random.next() % 2) } }
        if kind == .fences || kind == .strained && seed % 3 == 0 {
            cluster.addDevices()
            cluster.groups = cluster.groups.enumerated().map { ($0 % 2 == 0 ? "fs" + $1.0 : $1.0, $1.1) }
        }
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

    /// A cluster of `uneven`. A machine that was booted goes by its own deadtime, so they differ only where none is.
    private static func unevenWorld(_ random: inout RandomSource, seed: UInt64) -> World {
        let count = 2 + Int(random.next() % 4)
        var cluster = Blueprint.nodes(count)
        if count == 2 { (cluster.quorum, cluster.pingNodes) = (.ping, ["10.0.0.254"]) }
        cluster.failback = random.next() % 2 == 0 ? .on : .off
        cluster.isRotated = random.next() % 2 == 0
        cluster.operationTimeout = .seconds(2)
        // The last node may be a witness, the first one has more to lose.
        if random.next() % 3 == 0 { cluster.groups.removeLast() }
        if random.next() % 3 == 0 { cluster.groups.append(("ip-more", cluster.nodes[0])) }
        let isBooted = FaultPlan(seed: seed, isUneven: true).kinds.contains { $0 == .crash || $0 == .reboot }
        let factors = (0..<count).map { _ in [1, 1, 2, 6, 18][Int(random.next() % 5)] }
        cluster.deadtimeFactors = isBooted ? factors.map { _ in factors[0] } : factors
        let longest = cluster.deadtime * (factors.max() ?? 1)
        // Who starts while the other one hands over must not think it dead before that is over.
        if count == 2 { cluster.initdead = Timing.handOverPatience + longest + .seconds(1) }
        var world = cluster.world(segments: 1 + Int(random.next() % 2), seed: seed)
        // Two clocks run apart by less than a keepalive in the longest time that anybody is waited for.
        let driftMax = cluster.keepalive / (longest + Timing.handOverPatience) * 1_000_000 / 2
        for index in world.nodes.indices {
            let drift = Int64.random(in: Int64(-driftMax)...Int64(driftMax), using: &random)
            world.nodes[index].driftPartsPerMillion = drift
            guard random.next() % 4 == 0 else { continue }
            world.nodes[index].configuration.timing.lease = world.nodes[index].configuration.timing.deadtime / 2
        }
        return world
    }

    /// What one run did wrong; nil if nothing. The first line says what; the last `lines` of the run's record follow.
    package static func violation(seed: UInt64, kind: Kind = .plain, lines: Int = 60) -> String? {
        var world: World?
        guard let text = violation(seed: seed, kind, &world) else { return nil }
        return text + "\n" + (world?.story(lines) ?? "")
    }

    private static func violation(seed: UInt64, _ kind: Kind, _ last: inout World?) -> String? {
        var random = RandomSource(seed: seed)
        var world = kind == .uneven ? unevenWorld(&random, seed: seed) : world(&random, seed: seed, kind: kind)
        defer { last = world }
        let count = world.nodes.count
        // Two nodes exclude each other as long as they can hear each other when they run, or the ping node.
        let isQuiet = count == 2 && (seed % 4 < 2 || kind == .uneven)
        let excludes = count > 2 || isQuiet
        var plan = FaultPlan(
            seed: seed, sparesNetwork: isQuiet, strains: kind == .strained, isUneven: kind == .uneven)
        let timings = world.nodes.map(\.configuration.timing)
        for index in world.nodes.indices {
            world.start(index)
            if random.next() % 3 == 0 { world.run(.milliseconds(Int64(random.next() % 1000))) }
        }
        world.run(.seconds(3))
        let end = world.now + .seconds(25)
        while world.now < end {
            world.run(plan.strike(&world))
            if let text = doubleOwner(world, excludes) { return text }
        }
        FaultPlan.mend(&world)
        if kind == .strained { for index in world.nodes.indices { world.retime(index, timings[index]) } }
        world.run(.seconds(4))
        // Those that were fenced have to come up again.
        if world.nodes[0].configuration.isFenceable(world.nodes[0].name) { world.run(.seconds(10)) }
        // Those that found an order to shut down when they went on.
        for index in world.nodes.indices { world.start(index) }
        if let text = recovery(&world) ?? doubleOwner(world, excludes) { return text }
        // A boot that was to come late may spoil a trial.
        let isTried = seed % 4 == 0 && kind != .uneven
        if isTried, let text = world.trial(node: Int(random.next() % UInt64(count)), within: recoveryMax) {
            return text
        }
        if let text = doubleOwner(world, excludes) ?? world.delivery.violation { return text }
        if let text = world.stillness.violation { return text }
        // As slow as a tenth of the run.
        if seed % 8 == 0, let text = world.flawOfSize() { return text }
        if world.uselessWakes > 0 { return "\(world.uselessWakes) wakes changed nothing" }
        if let request = world.wronglyAnswered.first { return "request \(request) not answered once" }
        return nil
    }

    /// The cluster comes to rest by itself, within bounds.
    private static func recovery(_ world: inout World) -> String? {
        world.run(.seconds(2))
        world.manageAll()
        _ = world.request(.cleanup(group: nil), at: 0)
        let takesBefore = world.ownership.takes
        guard world.run(atMost: recoveryMax, until: { $0.isAtRest }) else {
            return "not every group runs once: \(world.owners)"
        }
        world.run(restMin)
        if world.ownership.takes - takesBefore > 2 * world.nodes.count { return "groups move without an end" }
        let takes = world.ownership.takes
        world.run(restMin)
        if world.ownership.takes != takes { return "groups still move" }
        guard world.isAtRest else { return "not every group runs once: \(world.owners)" }
        return world.failuresKnown.isEmpty ? world.flawAtRest() : "failures are still known after a cleanup"
    }

    /// `excludes`: whether the policy keeps two nodes from running a group whatever the faults. Fencing does it anyway.
    private static func doubleOwner(_ world: World, _ excludes: Bool) -> String? {
        if excludes, let overlap = world.service.overlaps.first { return "served twice: \(text(overlap))" }
        let overlaps = excludes ? world.ownership.overlaps : world.ownership.overlapsDespiteFencing
        return overlaps.first.map { "runs twice: \(text($0))" }
    }

    private static func text(_ overlap: Overlap) -> String {
        "\(overlap.group) on nodes \(overlap.nodes) from \(overlap.from.nanoseconds / 1000) us for \(overlap.duration)"
    }
}

extension World {
    /// The one owner of each group; -1 for none, -2 for several.
    package var owners: [Int] {
        nodes[0].configuration.groups.map { group in
            let holders = owners(group.name)
            return holders.count == 1 ? holders[0] : (holders.isEmpty ? -1 : -2)
        }
    }

    /// Every group runs on one node, which serves it.
    package var isAtRest: Bool {
        nodes[0].configuration.groups.allSatisfy { group in
            let holders = owners(group.name)
            return holders.count == 1 && service.isServed(group.name, at: now)
        }
    }

    /// The record of a run as text, for what went wrong.
    package func story(_ lines: Int) -> String {
        history.suffix(lines).map { line in
            "\(line.at.nanoseconds / 1000) us \(line.node): \(line.record.text)"
        }.joined(separator: "\n")
    }
}
