// What the measurements need to know of a failover system: how it is started, when it is at rest, how it is told to
// move, and what it writes when it declares a node dead.
import ClusterModel
import Rig

/// A failover system with one setting of its times.
protocol FailoverSystem: Sendable {
    /// `keepalived`.
    var name: String { get }
    /// `advert 10 ms, real-time priority`.
    var setting: String { get }
    /// The silence after which its configuration has a node declared dead.
    var deadtime: Duration { get }
    /// How long it is left alone when it says that it is at rest.
    var settling: Duration { get }
    /// How long a start of the whole cluster may take.
    var startLimit: Duration { get }

    /// Writes its files. The nodes are off; the first one is at home at the addresses.
    func configure(_ cluster: Cluster, _ service: ServiceAddresses) throws
    /// Prepares a node that was just switched on.
    func install(on node: Node) throws
    func start(on node: Node) throws
    /// Does what is done once in a cluster's life, when all nodes are at work for the first time.
    func provision(_ cluster: Cluster, _ service: ServiceAddresses) throws
    /// Files that its daemons write to.
    func logs(of node: Node) -> [String]
    /// Whether all nodes are at work and know it.
    func isReady(_ cluster: Cluster) throws -> Bool
    /// Whether a line of a log says that another node is dead.
    func tellsDeath(_ line: String) -> Bool
    /// Tells the holder to give its addresses to the other node.
    func move(from node: Node) throws
    /// Makes the node that has given them able to take them again.
    func recover(_ node: Node) throws
}

extension FailoverSystem {
    var startLimit: Duration { .seconds(60) }
    func install(on node: Node) throws {}
    func provision(_ cluster: Cluster, _ service: ServiceAddresses) throws {}
    func logs(of node: Node) -> [String] { [node.logPath] }
    func recover(_ node: Node) throws {}
}

/// The addresses that fail over.
struct ServiceAddresses: Sendable {
    let all: [String]
    let prefixLength: Int

    /// One address in the nodes' own network, or many in one beside it.
    init(count: Int) {
        guard count > 1 else {
            all = [NetworkPlan.service()]
            prefixLength = 24
            return
        }
        all = (0..<count).map { "10.78.\(1 + $0 / 250).\(1 + $0 % 250)" }
        prefixLength = 16
    }

    /// The network that the client needs a route to; nil where it is in it.
    var route: String? { all.count > 1 ? "10.78.0.0/16" : nil }
}

extension Duration {
    /// `50 ms`.
    var inMilliseconds: String { "\(wholeMilliseconds) ms" }
}
