import ClusterCore
import ClusterModel
import Testing
@testable import Simulation

@Suite("What the core knows of who had a group")
struct ContentionTests {
    private let group = GroupID(0)

    @Test("Only a start of what nobody is known to have had lately is a cold one")
    func cold() throws {
        var world = TestCluster(failback: .off).world()
        world.startAll()
        world.run(.seconds(3))
        #expect(world.map == [0, 1])
        #expect(try #require(world.nodes[0].cluster).startsCold(group))
        // A death after hours in which nothing changed.
        world.run(.seconds(3600))
        world.crash(0)
        world.run(.seconds(3))
        #expect(world.map == [1, 1])
        #expect(try !#require(world.nodes[1].cluster).startsCold(group))
        // Everything was off for so long that a machine of somebody else may have the address.
        world.crash(1)
        world.run(.seconds(3600))
        world.startAll()
        world.run(.seconds(3))
        let owner = try #require(world.map.first)
        #expect(try #require(world.nodes[owner].cluster).startsCold(group))
    }

    @Test("After a partition that healed, the node that keeps a group knows who else had it; no other one does")
    func contender() throws {
        var world = TestCluster(failback: .off).world()
        world.startAll()
        world.run(.seconds(3))
        world.partition([0], [1])
        world.run(.seconds(2))
        let healed = world.now
        for node in world.nodes { #expect(try #require(node.cluster).contender(of: group, since: .distantPast) == nil) }
        world.heal()
        world.run(.seconds(2))
        let owner = try #require(world.map.first)
        let other = world.nodes[1 - owner].configuration.localName
        let cluster = try #require(world.nodes[owner].cluster)
        #expect(cluster.contender(of: group, since: healed - .seconds(10)) == other, "\(world.story)")
        #expect(cluster.contender(of: group, since: healed + .seconds(3600)) == nil)
    }

    @Test("A node that stood still, and gave a group up before it heard who has taken it, knows it when it hears")
    func lapsed() throws {
        var blueprint = TestCluster.nodes(3)
        blueprint.failback = .off
        var world = blueprint.world()
        world.startAll()
        world.run(.seconds(3))
        #expect(world.map.first == 0)
        world.partition([0], [1, 2])
        world.run(.seconds(2))
        let owner = try #require(world.map.first)
        #expect(owner != 0, "\(world.story)")
        #expect(try #require(world.nodes[0].cluster).contender(of: group, since: .distantPast) == nil)
        let healed = world.now
        world.heal()
        world.run(.seconds(2))
        let cluster = try #require(world.nodes[0].cluster)
        #expect(cluster.contender(of: group, since: healed) == world.nodes[owner].configuration.localName)
    }
}
