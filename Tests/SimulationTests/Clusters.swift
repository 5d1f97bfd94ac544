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
