// What every scenario starts from: two nodes, a group at home on each, and resources that note what happens to them.
import CLinux
import ClusterModel
import LinuxSystem
import Rig
import Testing

extension Tag {
    /// Needs root: makes namespaces.
    @Tag static var root: Self
}

/// Whole clusters of real daemons. One at a time: what a scenario measures must not be another's load.
@Suite("Clusters of real daemons", .serialized, .tags(.root), .enabled(if: geteuid() == 0))
enum ClusterTests {}

/// A cluster and what it runs.
struct Stage {
    static let deadtime = Duration.seconds(1)
    /// At home on alpha: an address and a recorder.
    static let groupA = "\(NetworkPlan.service(0))/24/eth0"
    static let addressA = NetworkPlan.service(0)
    /// At home on beta.
    static let groupB = "\(NetworkPlan.service(1))/24/eth0"
    static let addressB = NetworkPlan.service(1)

    let cluster: Cluster

    var alpha: Node { cluster["alpha"] }
    var beta: Node { cluster["beta"] }
    var waiting: Waiting { cluster.waiting }

    /// Plays a scenario on a cluster that is made for it, switched off, and removed afterwards. Where it does not come
    /// to its end, the nodes' logs are part of the failure.
    static func play(
        _ change: (inout Cluster.Plan) -> Void = { _ in }, _ scenario: (Stage) throws -> Void
    ) throws {
        var plan = Cluster.Plan(prefix: "heartbeat-test", binaries: programs)
        plan.files.deadtime = "\(deadtime.wholeMilliseconds)ms"
        plan.files.groups = ["alpha \(groupA) recorder::one", "beta \(groupB) recorder::two"]
        change(&plan)
        let cluster = try Cluster(plan)
        defer { cluster.finish() }
        plan.files.scripts = scripts(cluster.folder)
        try cluster.write(plan.files)
        do {
            try scenario(Stage(cluster: cluster))
        } catch {
            let logs = cluster.nodes.map { "--- \($0.name)\n\(tail($0.log))" }.joined(separator: "\n")
            Issue.record("\(error)\n\(logs)")
        }
    }

    /// The executables are beside the test bundle.
    static var programs: String {
        let bundle = CommandLine.arguments.first { $0.hasSuffix(".xctest") } ?? CommandLine.arguments[0]
        return bundle.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
    }

    private static func scripts(_ folder: String) -> [(name: String, text: String)] {
        [
            ("recorder", ResourceScript.recorder(folder: folder)), ("slow", ResourceScript.slow(folder: folder)),
            ("broken", ResourceScript.broken(folder: folder)),
            ("stuck", ResourceScript.broken(folder: folder, hangs: true)),
            ("unstoppable", ResourceScript.unstoppable(folder: folder)),
        ]
    }

    private static func tail(_ log: String) -> String { log.split(separator: "\n").suffix(60).joined(separator: "\n") }

    /// Starts all nodes and waits until each has what is at home on it.
    func start() throws {
        try cluster.start()
        try awaitHome()
    }

    func awaitHome() throws {
        try cluster.awaitOwner("alpha", of: Stage.groupA)
        try cluster.awaitOwner("beta", of: Stage.groupB)
    }

    /// Waits until both groups are held by one node.
    func awaitBoth(on node: Node, within limit: Duration = .seconds(20)) throws {
        try cluster.awaitOwner(node.name, of: Stage.groupA, within: limit)
        try cluster.awaitOwner(node.name, of: Stage.groupB, within: limit)
    }

    /// What happened to a recorder since the beginning: `alpha start`, `alpha stop`.
    func record(_ key: String) -> [String] {
        Folder.read("\(cluster.folder)/\(key).log").split(separator: "\n").map(String.init)
    }

    /// Expects that both groups were started once, at home, and never moved.
    func expectNothingMoved(_ location: SourceLocation = #_sourceLocation) {
        #expect(record("one") == ["alpha start"], sourceLocation: location)
        #expect(record("two") == ["beta start"], sourceLocation: location)
        #expect(cluster.holders(of: Stage.addressA).map(\.name) == ["alpha"], sourceLocation: location)
        #expect(cluster.holders(of: Stage.addressB).map(\.name) == ["beta"], sourceLocation: location)
    }

    /// Watches for a time that no address is on two nodes and every group stays where it is.
    func expectCalm(for time: Duration, _ location: SourceLocation = #_sourceLocation) throws {
        let finding = try waiting.watch(time) { () -> String? in
            for (address, home) in [(Stage.addressA, "alpha"), (Stage.addressB, "beta")] {
                let holders = cluster.holders(of: address).map(\.name)
                if holders != [home] { return "\(address) is on \(holders)" }
            }
            return nil
        }
        #expect(finding == nil, sourceLocation: location)
    }

    /// Expects that no node was ever judged dead by another.
    func expectNobodyDied(_ location: SourceLocation = #_sourceLocation) {
        for node in cluster.nodes {
            let lines = node.log.split(separator: "\n").filter { $0.contains(": is dead") }
            #expect(lines.isEmpty, "on \(node.name)", sourceLocation: location)
        }
    }

    /// Expects that alpha can still move its group: every process of both nodes does what it is for.
    func expectMovable(_ location: SourceLocation = #_sourceLocation) throws {
        let outcome = try alpha.run("hb_standby", ["local"])
        #expect(outcome.status == .exited(0), "\(outcome.output)", sourceLocation: location)
        #expect(cluster.holders(of: Stage.addressA).map(\.name) == ["beta"], sourceLocation: location)
    }
}
