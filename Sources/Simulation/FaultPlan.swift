// Random faults from a seed: which kinds occur at all in a run is drawn first, so that each run is another mixture.
import ClusterCore
import ClusterModel

/// The faults of one run.
package struct FaultPlan: Sendable {
    /// What can be done to a cluster.
    package enum Kind: String, CaseIterable, Sendable {
        case crash, boot, statusRestart, managerRestart, handOver, shutDown, pause, stutter, reboot
        case cutOneWay, cutPair, partition, heal, loss, slow, pingLoss
        case startFailure, stopFailure, lostResource, slowResources
        case standby, takeover, moveOne, cleanup
        case freeze, unmanage, manage
        case retime, hang, statusLoss
        case isolate, delay, lateWord, lateRestart

        /// Whether it keeps nodes that run from hearing each other, or a ping node from answering.
        var isOfNetwork: Bool {
            switch self {
            case .cutOneWay, .cutPair, .partition, .loss, .slow, .pingLoss, .delay: true
            case .crash, .boot, .statusRestart, .managerRestart, .handOver, .shutDown, .pause, .stutter, .reboot,
                .heal, .startFailure, .stopFailure, .lostResource, .slowResources, .standby, .takeover, .moveOne,
                .cleanup, .freeze, .unmanage, .manage, .retime, .hang, .statusLoss, .isolate, .lateWord, .lateRestart:
                false
            }
        }
    }

    package let kinds: [Kind]
    private var random: RandomSource

    /// `sparesNetwork`: every node always hears every other that runs. `strains`: intervals change, resource managers
    /// hang, and status processes are not there for a while. `isUneven`: the latter two, a node is cut off from
    /// everything, also from ping nodes, messages are late, and daemons that hand over are followed late.
    package init(seed: UInt64, sparesNetwork: Bool = false, strains: Bool = false, isUneven: Bool = false) {
        var random = RandomSource(seed: seed)
        kinds = Kind.allCases.filter { kind in
            if sparesNetwork && kind.isOfNetwork { return false }
            return switch kind {
            // What breaks must be mended, or a run soon stands still.
            case .boot, .heal: true
            case .retime: strains
            case .hang, .statusLoss: strains || isUneven
            case .isolate, .delay, .lateWord: isUneven
            // Of two nodes one may be alone when it hands over, and nobody knows how long to wait for it.
            case .lateRestart: isUneven && !sparesNetwork
            default: random.next() % 100 < 45
            }
        }
        self.random = random
    }

    /// Does one fault to a cluster and returns how long to run on before the next.
    package mutating func strike(_ world: inout World) -> Duration {
        let count = world.nodes.count
        let node = Int(random.next() % UInt64(count))
        let other = (node + 1 + Int(random.next() % UInt64(count - 1))) % count
        let kind = kinds[Int(random.next() % UInt64(kinds.count))]
        world.note("\(kind.rawValue) \(node) \(other)")
        switch kind {
        case .crash: world.crash(node)
        case .boot:
            for index in world.nodes.indices { world.start(index) }
        case .statusRestart: world.restartStatusProcess(node)
        case .managerRestart: world.restartResourceManager(node)
        case .handOver: world.handOver(node)
        case .shutDown: world.shutDown(node)
        case .pause:
            if world.nodes[node].isPaused { world.resume(node) } else if world.nodes[node].isUp { world.pause(node) }
        case .stutter: stutter(node, &world)
        case .reboot:
            world.crash(node)
            world.run(.milliseconds(Int64(random.next() % 500)))
            world.start(node)
        case .cutOneWay: world.cut(from: node, to: other)
        case .cutPair: world.partition([node], [other])
        case .partition:
            let side = world.nodes.indices.filter { _ in random.next() % 2 == 0 }
            world.partition(side, world.nodes.indices.filter { !side.contains($0) })
        case .heal:
            world.heal()
            for index in world.nodes.indices {
                world.resume(index)
                world.wakeResourceManager(index)
            }
        case .isolate: world.isolate(node)
        case .delay:
            world.conditions.delayMax = random.next() % 2 == 0
                ? Conditions().delayMax : .milliseconds(Int64(60 + random.next() % 3000))
        case .lateWord:
            world.repeatMessage(
                of: other, back: Int(random.next() % 100), to: node, after: .milliseconds(Int64(random.next() % 6000)))
        case .lateRestart: world.conditions.restartTime = .milliseconds(Int64(100 + random.next() % 15_000))
        case .loss: world.conditions.loss = Double(random.next() % 40) / 100
        case .slow:
            world.conditions.delayMax = .milliseconds(Int64(1 + random.next() % 60))
            world.conditions.duplication = Double(random.next() % 30) / 100
        case .pingLoss: world.conditions.pingLoss = random.next() % 2 == 0 ? 0 : 1
        case .startFailure: world.conditions.startFailure = Double(random.next() % 50) / 100
        case .stopFailure: world.conditions.stopFailure = Double(random.next() % 30) / 100
        case .lostResource:
            if let group = world.nodes[node].running.first { world.lose(group: group, at: node, reason: "removed") }
        case .slowResources:
            world.conditions.startTime = .milliseconds(Int64(1 + random.next() % 300))
            world.conditions.stopTime = .milliseconds(Int64(1 + random.next() % 40))
        case .standby: _ = world.request(.standby(selection(world)), at: node)
        case .takeover: _ = world.request(.takeover(selection(world)), at: node)
        case .moveOne: _ = world.request(.takeover(.group(group(world))), at: node)
        case .freeze:
            let duration: Duration? = random.next() % 4 == 0 ? nil : .milliseconds(Int64(random.next() % 6000))
            let isOn = random.next() % 3 != 0
            let order = MaintenanceOrder(group: nil, isOn: isOn, duration: isOn ? duration : nil, reason: "a fault")
            _ = world.request(.maintain(order), at: node)
        case .unmanage:
            let order = MaintenanceOrder(group: group(world), isOn: true, user: "root", reason: "work on \"it\" %")
            _ = world.request(.maintain(order), at: node)
        case .manage:
            _ = world.request(.maintain(MaintenanceOrder(group: group(world), isOn: false)), at: node)
        case .cleanup:
            world.stopByHand()
            _ = world.request(.cleanup(group: random.next() % 2 == 0 ? nil : group(world)), at: node)
        case .retime: retime(node, &world)
        case .statusLoss: world.loseStatusProcess(node, for: .milliseconds(Int64(1 + random.next() % 3000)))
        case .hang:
            if world.nodes[node].isManagerHung {
                world.wakeResourceManager(node)
            } else {
                world.hangResourceManager(node)
            }
        }
        return .milliseconds(Int64(5 + random.next() % 1500))
    }

    /// Short pauses in a row, as on a machine with too much to do.
    private mutating func stutter(_ node: Int, _ world: inout World) {
        guard world.nodes[node].isUp, !world.nodes[node].isPaused else { return }
        for _ in 0..<(1 + random.next() % 5) {
            world.pause(node)
            world.run(.milliseconds(Int64(random.next() % 300)))
            world.resume(node)
            world.run(.milliseconds(Int64(1 + random.next() % 20)))
        }
    }

    /// One node's intervals, or those of all nodes, one after the other.
    private mutating func retime(_ node: Int, _ world: inout World) {
        var timing = world.nodes[node].configuration.timing
        timing.keepalive = .milliseconds(random.next() % 2 == 0 ? 50 : 100)
        timing.deadtime = .milliseconds([300, 500, 1000, 3000][Int(random.next() % 4)])
        timing.lease = random.next() % 4 == 0 ? timing.deadtime / 2 : nil
        timing.warntime = timing.deadtime / 2
        timing.deadping = timing.deadtime
        let isForAll = random.next() % 2 == 0
        for index in world.nodes.indices where isForAll || index == node {
            world.retime(index, timing)
            // Now and then the node stands still at once.
            if random.next() % 4 == 0, world.nodes[index].isUp { world.pause(index) }
            world.run(.milliseconds(Int64(random.next() % 30)))
        }
    }

    private mutating func selection(_ world: World) -> GroupSelection {
        switch random.next() % 5 {
        case 0: .local
        case 1: .foreign
        case 2: .failback
        case 3: .group(group(world))
        default: .all
        }
    }

    private mutating func group(_ world: World) -> String {
        let groups = world.nodes[0].configuration.groups
        return groups[Int(random.next() % UInt64(groups.count))].name
    }

    /// Ends all faults: the cluster must come to rest from here on by itself.
    package static func mend(_ world: inout World) {
        world.conditions = Conditions()
        world.heal()
        for index in world.nodes.indices {
            world.resume(index)
            world.wakeResourceManager(index)
            world.start(index)
        }
    }
}

extension World {
    /// Cuts a node off from all others and from all ping nodes.
    package mutating func isolate(_ node: Int) {
        partition([node], nodes.indices.filter { $0 != node })
        if !unpinged.contains(node) { unpinged.append(node) }
    }

    /// Has a node hear again what another one's daemon has said to all, so many messages ago.
    package mutating func repeatMessage(of other: Int, back: Int, to node: Int, after time: Duration) {
        guard let message = nodes[other].pastMessage(back) else { return }
        queue.push(at: now + time, .datagram(message, medium: MediumID(0), node: node))
    }
}
