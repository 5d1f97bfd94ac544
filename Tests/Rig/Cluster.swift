// A whole cluster on one machine: nodes in namespaces of their own, the network between them, a client, and a folder.
// Nothing of it touches the host's network, and nothing of it outlives the process that made it.
import Admin
import CLinux
import ClusterModel
import LinuxSystem

package final class Cluster {
    /// What the cluster is made of.
    package struct Plan {
        /// Begins the name of the folder in /tmp, so that leftovers tell where they are from.
        package var prefix: String
        package var nodes = ["alpha", "beta"]
        /// Networks that every node is plugged into; the client is on the first.
        package var bridges = 1
        /// Whether serial lines join the nodes, in the form of `serialShape`.
        package var hasSerialLines = false
        package var serialShape = SerialShape.ring
        /// The folder with the executables of the product and `hb_demo`.
        package var binaries: String
        package var files = ClusterFiles()

        package init(prefix: String, binaries: String) {
            self.prefix = prefix
            self.binaries = binaries
        }
    }

    /// How serial lines join nodes.
    package enum SerialShape: Equatable {
        /// Two nodes by one cable, more of them in a ring.
        case ring
        /// Each node with the next one.
        case chain
        /// Two nodes by so many cables.
        case parallel(Int)
    }

    package let plan: Plan
    package let folder: String
    /// Where each node sees the devices of its own, by the same names on all.
    package let devicesFolder: String
    package let waiting: Waiting
    package let network: Switch
    package let nodes: [Node]
    /// One for each pair of neighbours.
    package let cables: [SerialCable]
    private let client: HeldProcess
    private var isFinished = false

    /// Makes the network, the client and the folders. The nodes are off.
    package init(_ plan: Plan, waiting: Waiting = Waiting()) throws {
        Cluster.removeLeftovers(prefix: plan.prefix)
        self.plan = plan
        self.waiting = waiting
        let program = plan.binaries + "/hb_demo"
        folder = try Folder.makeUnique(prefix: plan.prefix)
        devicesFolder = folder + "/dev"
        do {
            let commands = folder + "/bin"
            try Cluster.linkCommands(in: commands, to: plan.binaries)
            let network = try Switch(
                program: program, bridges: plan.bridges, folder: folder, waiting: waiting)
            self.network = network
            client = try HeldProcess.start(program, ["rig-network"], waiting: waiting).process
            try network.plugIn(NetworkPlan.client, pid: client.pid, bridges: 0..<1)
            let folder = folder
            try Folder.make(devicesFolder)
            let site = Node.Site(
                network: network, rigProgram: program, commands: commands,
                devicesFolder: devicesFolder, waiting: waiting)
            nodes = try plan.nodes.enumerated().map { index, name in
                try Node(name: name, index: index, folder: "\(folder)/\(name)", site: site)
            }
            cables = try Cluster.cables(plan).map { a, b in
                let paths = [Cluster.tty(folder, plan, a), Cluster.tty(folder, plan, b)]
                return try SerialCable(program: program, paths: paths, waiting: waiting)
            }
            try write(plan.files)
        } catch {
            Folder.remove(folder)
            throw error
        }
    }

    deinit { finish() }

    /// The commands by the names that they are installed with.
    private static func linkCommands(in folder: String, to binaries: String) throws {
        try Folder.make(folder)
        let links = [
            ("heartbeat", "heartbeat"), ("hb", "hb"), ("hb_standby", "hb"), ("hb_takeover", "hb"), ("cl_status", "hb"),
        ]
        for (name, program) in links where symlink("\(binaries)/\(program)", "\(folder)/\(name)") != 0 {
            throw SystemError.last("link \(folder)/\(name)")
        }
    }

    /// Ends everything and removes the folder. Later calls do nothing.
    package func finish() {
        if isFinished { return }
        isFinished = true
        for node in nodes { node.destroy() }
        client.kill()
        network.finish()
    }

    /// Removes folders of processes that were killed before they could do it themselves.
    package static func removeLeftovers(prefix: String) {
        for name in FileSystem.names(in: Folder.parent) where name.hasPrefix(prefix + "-") {
            let words = name.dropFirst(prefix.count + 1).split(separator: "-")
            guard words.count == 2, let pid = pid_t(words[0]), kill(pid, 0) == -1, cl_errno() == ESRCH else { continue }
            Folder.remove("\(Folder.parent)/\(name)")
        }
    }

    package subscript(_ name: String) -> Node {
        guard let node = nodes.first(where: { $0.name == name }) else { preconditionFailure("no node \(name)") }
        return node
    }

    /// Writes the three files and the scripts on every node.
    package func write(_ files: ClusterFiles) throws {
        for node in nodes {
            let ends = Cluster.cables(plan).flatMap { [$0.0, $0.1] }.filter { $0.node == node.index }
            try node.write(files, nodes: plan.nodes, ttys: ends.map { Cluster.tty(folder, plan, $0) })
        }
    }

    // MARK: Serial lines

    private struct CableEnd: Equatable {
        var node: Int
        /// Of the tty's name.
        var number: Int
    }

    private static func cables(_ plan: Plan) -> [(CableEnd, CableEnd)] {
        guard plan.hasSerialLines, plan.nodes.count > 1 else { return [] }
        let count = plan.nodes.count
        let pairs: [(Int, Int)] =
            switch plan.serialShape {
            case .ring: (0..<(count == 2 ? 1 : count)).map { ($0, ($0 + 1) % count) }
            case .chain: (0..<(count - 1)).map { ($0, $0 + 1) }
            case .parallel(let cables): Array(repeating: (0, 1), count: cables)
            }
        var used = [Int](repeating: 0, count: count)
        func end(_ node: Int) -> CableEnd {
            used[node] += 1
            return CableEnd(node: node, number: used[node] - 1)
        }
        return pairs.map { (end($0.0), end($0.1)) }
    }

    private static func tty(_ folder: String, _ plan: Plan, _ end: CableEnd) -> String {
        "\(folder)/\(plan.nodes[end.node])/ttyS\(end.number)"
    }

    // MARK: The client

    /// Watches an address from the client, every millisecond, until the probe is dropped.
    package func probe(_ address: String) throws -> Probe {
        try probe(["probe", address])
    }

    /// Uses the web service at an address from the client, every 20 ms, until the probe is dropped.
    package func probeWeb(_ address: String) throws -> Probe {
        try probe(["probe-web", address, "80"])
    }

    /// Watches who answers for addresses, every 20 ms, until the watch is dropped.
    package func watchOwners(of addresses: [String]) throws -> OwnerWatch {
        let file = "\(folder)/owners"
        try Folder.write("", to: file)
        return OwnerWatch(try startOnClient(["probe-owners", file] + addresses), file: file)
    }

    private func probe(_ arguments: [String]) throws -> Probe {
        let file = "\(folder)/\(arguments.joined(separator: "-"))"
        try Folder.write("", to: file)
        return try Probe(startOnClient(arguments + [file]), file: file)
    }

    private func startOnClient(_ arguments: [String]) throws -> HeldProcess {
        let words = Namespace(pid: client.pid).words + ["\(plan.binaries)/hb_demo"] + arguments
        return try HeldProcess.start("/usr/bin/env", words, waiting: waiting).process
    }

    /// A machine on the first bridge that has no business in the cluster.
    package func intruder() throws -> Intruder {
        try Namespace(pid: client.pid).inside { try Intruder(broadcast: NetworkPlan.broadcast()) }
    }

    /// The words before a command that is to run on the client.
    package var clientWords: [String] { Namespace(pid: client.pid).words }
    /// The words before a command that is to run where the bridges are.
    package var switchWords: [String] { network.words }

    // MARK: What all nodes agree on

    /// Switches every node on and starts its daemon.
    package func start() throws {
        for node in nodes {
            try node.powerOn()
            try node.startDaemon()
        }
    }

    /// The nodes whose kernel has an address.
    package func holders(of address: String) -> [Node] { nodes.filter { $0.holds(address) } }

    /// Waits until every daemon that runs says that each group is held, and by whom it should be.
    package func awaitOwner(
        _ owner: String, of group: String, within limit: Duration = .seconds(20)
    ) throws {
        try waiting.until("\(group) held by \(owner), and every node says so", within: limit) {
            nodes.allSatisfy { node in
                guard node.hasDaemon else { return true }
                guard let report = node.report() else { return false }
                return report.groups.contains { $0.name == group && $0.owner == owner && $0.state == .held }
            }
        }
    }

    /// Waits until every node hears every member on every medium.
    package func awaitAllLinks(within limit: Duration = .seconds(20)) throws {
        try waiting.until("all links up on every node", within: limit) {
            nodes.allSatisfy { node in
                guard let report = node.report() else { return false }
                return report.nodes.allSatisfy { $0.isLocal || $0.links.allSatisfy { $0.status == .up } }
            }
        }
    }
}
