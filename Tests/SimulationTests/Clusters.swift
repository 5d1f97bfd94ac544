// What the tests of whole clusters ask a virtual cluster.
import ClusterCore
import ClusterModel
@testable import Simulation

typealias TestCluster = Blueprint

extension World {
    mutating func startAll() {
        for index in nodes.indices { start(index) }
    }

    var map: [Int] { owners }

    /// The end of the run's record.
    var story: String { story(60) }

    func logged(_ event: String) -> Int { history.filter { $0.record.event == event }.count }
}

extension TestCluster {
    /// Two nodes that ask a ping node, of which the first was just cut off from everything. The other one waits for it
    /// for half a second times the first factor.
    static func cutOff(deadtimeFactors: [Int]) -> World {
        var cluster = TestCluster(failback: .off, quorum: .ping)
        cluster.pingNodes = ["10.0.0.254"]
        cluster.deadtimeFactors = deadtimeFactors
        cluster.initdead = .seconds(4)
        var world = cluster.world()
        world.startAll()
        world.run(.seconds(6))
        world.partition([0], [1])
        world.unpinged = [0]
        return world
    }
}
