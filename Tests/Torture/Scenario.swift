// The cluster that is tortured: its nodes, its groups, its rules, drawn from the seed.
import ClusterModel
import Rig

/// What a cluster is made of, and what may be expected of it.
struct Scenario {
    /// An address on the first bridge, and the service behind it.
    struct Group {
        var number: Int
        var home: String
        var service: Service?

        var address: String { NetworkPlan.service(number) }
        /// Its name in reports.
        var name: String { "\(address)/24/eth0" }
        var line: String { "\(home) \(name)" + (service.map { " service::\($0.key)::\($0.seconds)" } ?? "") }
    }

    /// A resource script with a process.
    struct Service {
        var key: String
        /// The argument of the service's process, by which it is known.
        var seconds: Int

        var title: String { "sleep \(seconds)" }
    }

    static let names = ["alpha", "beta", "gamma", "delta"]
    /// Scripts take no longer, or count as hung.
    static let operationTimeout = Duration.seconds(3)

    var nodes: [String]
    var quorum: String
    var autoFailback: String
    var keepalive: Duration
    var deadtime: Duration
    var groups: [Group]

    /// `number`: of the cluster among those of a run.
    init(_ options: Options, number: Int) {
        var random = RandomSource(seed: options.seed &* 1_000_003 &+ UInt64(number))
        let count = options.nodes ?? (number % 2 == 0 ? 2 : 3)
        nodes = Array(Scenario.names.prefix(count))
        quorum = options.quorum ?? (count == 2 ? "ping" : "majority")
        autoFailback = Bool.random(using: &random) ? "on" : "off"
        keepalive = options.keepalive
        deadtime = options.deadtime
        let nodes = nodes
        groups = (0..<count + 1).map { number in
            // The last one is an address alone; every other one has a service, too.
            let service = number == count ? nil : Service(key: "service\(number)", seconds: 900_000_000 + number)
            return Group(number: number, home: nodes[number % count], service: service)
        }
    }

    /// The right to hold ends so long before others may claim: room for the stop of a service on a machine that stalls.
    var margin: Duration { deadtime * 4 / 10 }
    var lease: Duration { deadtime - margin }

    /// Where nodes that do not hear each other may both own what they please (Resources/doc/safety.md).
    func maySplit(reachingPingNodes: Bool) -> Bool {
        quorum == "ignore" || (quorum == "ping" && reachingPingNodes)
    }

    var services: [Service] { groups.compactMap(\.service) }

    func files(folder: String) -> ClusterFiles {
        var files = ClusterFiles()
        files.keepalive = "\(keepalive.wholeMilliseconds)ms"
        files.deadtime = "\(deadtime.wholeMilliseconds)ms"
        files.initdead = "\((deadtime * 3).wholeMilliseconds)ms"
        files.autoFailback = autoFailback
        files.pingsRouter = quorum == "ping"
        files.groups = groups.map(\.line)
        files.directives = [
            "quorum \(quorum)", "lease \(lease.wholeMilliseconds)ms", "stop_retries 2",
            "operation_timeout \(Scenario.operationTimeout.wholeMilliseconds)ms",
        ]
        files.scripts = [("service", ServiceJournal.script(folder: folder))]
        return files
    }

    var description: String {
        "\(nodes.count) nodes, quorum \(quorum), auto_failback \(autoFailback), keepalive"
            + " \(keepalive.wholeMilliseconds) ms, deadtime \(deadtime.wholeMilliseconds) ms, lease"
            + " \(lease.wholeMilliseconds) ms"
    }
}
