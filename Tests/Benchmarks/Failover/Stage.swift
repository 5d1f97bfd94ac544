// A cluster of one failover system at work: two nodes or more, the client that watches their addresses, and an observer
// on each node.
import CLinux
import ClusterModel
import LinuxSystem
import Rig

/// A running cluster. Nothing of it outlives this process, however that ends (`Cluster`).
final class Stage {
    let system: any FailoverSystem
    let service: ServiceAddresses
    let cluster: Cluster
    let client: ClientRecord
    private let program: String
    private var observers: [String: Observer] = [:]
    private var isProvisioned = false
    private let isObserved: Bool

    /// Makes the machines, which are off, and the client. Observers take time from what they observe: only what needs
    /// their word has them.
    init(
        _ system: any FailoverSystem, program: String, addresses: Int = 1, interval: Duration = .milliseconds(1),
        nodes: [String] = ["alpha", "beta"], isObserved: Bool = true
    ) throws {
        self.system = system
        self.isObserved = isObserved
        self.program = program
        service = ServiceAddresses(count: addresses)
        let slash = program.lastIndex(of: "/") ?? program.startIndex
        var plan = Cluster.Plan(prefix: "heartbeat-bench", binaries: String(program[..<slash]))
        plan.nodes = nodes
        cluster = try Cluster(plan)
        do {
            if let route = service.route {
                try Command(cluster.clientWords + ["ip", "route", "add", route, "dev", "eth0"]).check()
            }
            try system.configure(cluster, service)
            client = try ClientRecord(cluster, program: program, addresses: service.all, interval: interval)
        } catch {
            cluster.finish()
            throw error
        }
    }

    deinit { finish() }

    /// Ends everything. Later calls do nothing.
    func finish() {
        observers.values.forEach { $0.finish() }
        observers = [:]
        client.finish()
        cluster.finish()
    }

    // MARK: Machines

    func powerOn(_ node: Node) throws {
        try node.powerOn()
        try system.install(on: node)
        guard isObserved else { return }
        observers[node.name] = try Observer(node, program: program, logs: system.logs(of: node))
    }

    func cutPower(_ node: Node) throws {
        try node.cutPower()
        observers.removeValue(forKey: node.name)?.finish()
    }

    func observer(_ node: Node) throws -> Observer {
        guard let observer = observers[node.name] else { throw RigError("\(node.name) is not observed") }
        return observer
    }

    /// Takes in what the client and the observers have seen.
    func look() {
        client.read()
        observers.values.forEach { $0.read() }
    }

    /// Switches every node on, starts the system, and waits until it is at rest.
    func start() throws {
        for node in cluster.nodes { try powerOn(node) }
        for node in cluster.nodes { try system.start(on: node) }
        try provision()
        try awaitRest()
    }

    private func provision() throws {
        guard !isProvisioned else { return }
        try until("\(system.name) at work", within: system.startLimit) {
            try expectDaemons()
            return try system.isReady(cluster)
        }
        try system.provision(cluster, service)
        isProvisioned = true
    }

    /// Switches a node that was off on again, and waits until all is at rest.
    func revive(_ node: Node) throws {
        try powerOn(node)
        try system.start(on: node)
        try awaitRest()
    }

    // MARK: Waiting

    /// Waits until all nodes are at work, one holds the addresses and the client hears that one alone.
    func awaitRest() throws {
        try until("\(system.name), \(system.setting), at rest", within: system.startLimit) {
            guard try system.isReady(cluster), let holder = soleHolder else { return false }
            client.read()
            let recent = Clock.now() - .milliseconds(200)
            return client.lastSeen.allSatisfy { $0.map { $0.machine == holder.index && $0.time > recent } ?? false }
        }
        try cluster.waiting.pass(system.settling)
        look()
    }

    /// A daemon that has ended at its first start will not come to rest. Later one may well end and start itself anew:
    /// 3.0.6 does so after a partition.
    private func expectDaemons() throws {
        for node in cluster.nodes {
            guard let status = try node.daemonEnd() else { continue }
            let words = node.log.split(separator: "\n").last ?? ""
            throw RigError("\(system.name) on \(node.name) ended with \(status): \(words)")
        }
    }

    /// The node that has the addresses by the word of its kernel, where it is the only one.
    var soleHolder: Node? {
        let holders = cluster.holders(of: service.all[0])
        return holders.count == 1 ? holders[0] : nil
    }

    func holder() throws -> Node {
        guard let holder = soleHolder else { throw RigError("no node, or more than one, has the address") }
        return holder
    }

    /// The other one of two nodes.
    func other(_ node: Node) -> Node { cluster.nodes[1 - node.index] }

    /// Looks twenty times a second, so that looking costs nothing.
    func until(_ what: String, within limit: Duration, _ condition: () throws -> Bool) throws {
        let end = Clock.now() + limit
        while try !condition() {
            guard Clock.now() < end else { throw RigError("\(what): not within \(limit.inMilliseconds)") }
            Clock.wait(.milliseconds(50))
        }
    }

    func pass(_ time: Duration) { Clock.wait(time) }

    // MARK: Disturbance

    /// Loses so many of a hundred frames that nodes send to nodes, the client's requests excepted; 0 ends it.
    func lose(percent: Int) throws {
        var commands = "add table bridge bench_loss\ndelete table bridge bench_loss\n"
        if percent > 0 {
            commands += "add table bridge bench_loss\n"
            commands += "add chain bridge bench_loss loss { type filter hook forward priority 0; }\n"
            commands += "add rule bridge bench_loss loss ether type ip ip protocol != icmp "
            commands += "numgen random mod 100 < \(percent) drop\n"
        }
        let path = cluster.folder + "/nft-loss"
        try Folder.write(commands, to: path)
        try Command(cluster.switchWords + ["nft", "-f", path]).check()
    }
}
