import ClusterModel
import Testing
@testable import Simulation

/// What tests of safety under majority begin and end with.
protocol QuorumScenario {}

extension QuorumScenario {
    /// Nodes under majority that are at rest, each with a group of its own unless told otherwise.
    func world(_ count: Int = 3, groups: [(String, String)]? = nil) -> World {
        var cluster = MembershipTests.cluster(count)
        cluster.failback = .off
        if let groups { cluster.groups = groups }
        var world = cluster.world()
        world.startAll()
        world.run(.seconds(3))
        return world
    }

    func expectNeverDouble(_ world: World) {
        #expect(world.ownership.overlaps.isEmpty, "\(world.ownership.overlaps)\n\(world.story)")
        #expect(world.ownership.doublyOwned.isEmpty, "\(world.story)")
    }
}
