// Random faults from a seed: which kinds occur at all in a run is drawn first, so that each run is another mixture.
import ClusterCore
import ClusterModel

/// The faults of one run.
package struct FaultPlan: Sendable {
    package enum Kind: String, CaseIterable, Sendable {
        case crash, boot, statusRestart, pause, cutOneWay, partition, heal, loss, slow, standby, takeover, startFailure
    }

    package let kinds: [Kind]
    private var random: RandomSource

    package init(seed: UInt64) {
        var random = RandomSource(seed: seed)
        kinds = Kind.allCases.filter { kind in
            switch kind {
            // What breaks must be mended, or a run soon stands still.
            case .boot, .heal: true
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
        switch kinds[Int(random.next() % UInt64(kinds.count))] {
        case .crash: world.crash(node)
        case .boot:
            for index in world.nodes.indices { world.start(index) }
        case .statusRestart: world.restartStatusProcess(node)
        case .pause:
            if world.nodes[node].isPaused { world.resume(node) } else if world.nodes[node].isUp { world.pause(node) }
        case .cutOneWay: world.cut(from: node, to: other)
        case .partition:
            let side = world.nodes.indices.filter { _ in random.next() % 2 == 0 }
            world.partition(side, world.nodes.indices.filter { !side.contains($0) })
        case .heal:
            world.heal()
            for index in world.nodes.indices { world.resume(index) }
        case .loss: world.conditions.loss = Double(random.next() % 40) / 100
        case .slow:
            world.conditions.delayMax = .milliseconds(Int64(1 + random.next() % 60))
            world.conditions.duplication = Double(random.next() % 30) / 100
        case .standby: _ = world.request(.standby(.all), at: node)
        case .takeover: _ = world.request(.takeover(.all), at: node)
        case .startFailure: world.conditions.startFailure = Double(random.next() % 50) / 100
        }
        return .milliseconds(Int64(5 + random.next() % 1500))
    }

    /// Ends all faults: the cluster must come to rest from here on by itself.
    package static func mend(_ world: inout World) {
        world.conditions = Conditions()
        world.heal()
        for index in world.nodes.indices {
            world.resume(index)
            world.start(index)
        }
    }
}
