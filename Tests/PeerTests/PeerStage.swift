// One node of this version and one of Debian's heartbeat 3.0.6, and what both say and do.
import Admin
import CLinux
import ClusterModel
import LinuxSystem
import Rig
import Testing

extension Tag {
    /// Needs root: makes namespaces.
    @Tag static var root: Self
}

/// Clusters with the real 3.0.6. They mostly wait, so they run beside each other.
@Suite(
    "Clusters with Debian's heartbeat 3.0.6", .tags(.root),
    .enabled(if: geteuid() == 0, "needs root"),
    .enabled(if: PeerStage.debian != nil, "the package of heartbeat 3.0.6 is not there: make peer fetches it"))
enum PeerTests {}

/// Where the nodes hear each other, and how they sign.
struct PeerPlan {
    enum Media { case bcast, ucast, mcast, serial }

    var media = Media.bcast
    var failback = "on"
    var keys = "auth 1\n1 crc\n"
    /// Whether the nodes are parted.
    var isParted = false
    /// What stands in place of alpha's address and recorder.
    var groupA: String?
    /// Whether the scenario itself says what beta's log may have.
    var hasOwnLog = false
}

/// A cluster of two nodes, whose first is at home at the first group.
struct PeerStage {
    static let groupA = "IPaddr2::\(NetworkPlan.service(0))/24/eth0"
    static let addressA = NetworkPlan.service(0)
    static let groupB = "IPaddr2::\(NetworkPlan.service(1))/24/eth0"
    static let addressB = NetworkPlan.service(1)

    /// The package, where it was fetched.
    static let debian = DebianHeartbeat()

    let cluster: Cluster
    let debian: DebianHeartbeat
    let plan: PeerPlan
    /// This version.
    var alpha: Node { cluster["alpha"] }
    /// 3.0.6.
    var beta: Node { cluster["beta"] }
    var waiting: Waiting { cluster.waiting }

    /// A page of Resources/doc.
    static func page(_ name: String) -> String? {
        FileSystem.text(of: "\(Checkout.folder)/Resources/doc/\(name)", limit: 1 << 20)
    }

    /// The executables are beside the test bundle.
    private static var programs: String {
        let bundle = CommandLine.arguments.first { $0.hasSuffix(".xctest") } ?? CommandLine.arguments[0]
        return bundle.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
    }

    static func play(_ plan: PeerPlan, _ scenario: (PeerStage) throws -> Void) throws {
        guard let debian else { return }
        var clusterPlan = Cluster.Plan(prefix: "heartbeat-peer", binaries: programs)
        clusterPlan.hasSerialLines = plan.media == .serial
        let cluster = try Cluster(clusterPlan)
        defer { cluster.finish() }
        let stage = PeerStage(cluster: cluster, debian: debian, plan: plan)
        try stage.writeFiles()
        do {
            try scenario(stage)
            if !plan.hasOwnLog { stage.expectUsualLog(plan.isParted ? usualAfterPartition : []) }
        } catch {
            Issue.record("\(error)\n--- alpha\n\(tail(stage.alpha.log))\n--- beta\n\(tail(debian.log(of: stage.beta)))")
        }
    }

    private static func tail(_ log: String) -> String { log.split(separator: "\n").suffix(70).joined(separator: "\n") }

    // MARK: Files

    func writeFiles() throws {
        var files = ClusterFiles()
        files.keys = plan.keys
        files.groups = [
            "alpha \(plan.groupA ?? "\(PeerStage.groupA) recorder::one")", "beta \(PeerStage.groupB) recorder::two",
        ]
        files.scripts = [
            ("recorder", ResourceScript.recorder(folder: cluster.folder)),
            ("hopeless", ResourceScript.hopeless(folder: cluster.folder)),
        ]
        try cluster.write(files)
        for node in cluster.nodes {
            try Folder.write(haConfig(node), to: node.configurationFolder + "/ha.cf")
        }
    }

    private func haConfig(_ node: Node) -> String {
        var lines = ["keepalive 200ms", "warntime 1", "deadtime 2", "initdead 4", "auto_failback \(plan.failback)"]
        if node.index == 1 { lines += DebianHeartbeat.directives }
        lines.append("udpport 694")
        switch plan.media {
        case .bcast: lines.append("bcast eth0")
        case .ucast: lines.append("ucast eth0 \(NetworkPlan.address(of: 1 - node.index))")
        case .mcast: lines.append("mcast eth0 239.1.1.7 694 1 0")
        case .serial: lines += ["baud 115200", "serial \(node.folder)/ttyS0"]
        }
        return (lines + ["node alpha beta"]).joined(separator: "\n") + "\n"
    }

    // MARK: What can be done

    func startAlpha() throws {
        if !alpha.isOn { try alpha.powerOn() }
        try alpha.startDaemon()
    }

    func startBeta() throws {
        if !beta.isOn {
            try beta.powerOn()
            try debian.install(on: beta)
        }
        try debian.start(on: beta)
    }

    /// Starts 3.0.6 alone and waits until it has everything. Its scripts may spoil each other's words in its FIFO, and
    /// then it never takes what it has just announced: it is started again.
    func startBetaAlone() throws {
        for _ in 0..<5 {
            try startBeta()
            do {
                return try self.await(a: beta, b: beta, "3.0.6 alone", within: .seconds(20))
            } catch {
                guard debian.log(of: beta).contains("NV failure") else { throw error }
                try beta.cutPower()
            }
        }
        throw RigError("3.0.6 did not start in five tries")
    }

    /// Types a command of this version on alpha; it MUST succeed.
    func type(_ program: String, _ word: String, _ location: SourceLocation = #_sourceLocation) throws {
        let outcome = try alpha.run(program, [word])
        #expect(outcome.status == .exited(0), "\(program) \(word): \(outcome.output)", sourceLocation: location)
    }

    /// Types a command of 3.0.6 on beta, which does not wait for what becomes of it.
    func typeOnBeta(_ program: String, _ word: String) throws { try debian.run(program, [word], on: beta) }

    // MARK: What is expected

    /// Waits until the groups are where they are to be by the kernels, by what alpha says and by what beta says.
    /// Nothing may be on both nodes meanwhile.
    func await(
        a: Node, b: Node, _ what: String, within limit: Duration = .seconds(40), mayOverlap: Bool = false
    ) throws {
        var lookAgain = Clock.now()
        var isReported = false
        let goal = "\(PeerStage.addressA) on \(a.name), \(PeerStage.addressB) on \(b.name)"
        try waiting.until("\(what): \(goal)", within: limit) {
            let holders = [PeerStage.addressA, PeerStage.addressB].map { cluster.holders(of: $0).map(\.name) }
            if !mayOverlap, !isReported, holders.contains(where: { $0.count > 1 }) {
                isReported = true
                Issue.record("\(what): on both nodes: \(holders)\n\(PeerStage.tail(alpha.log))")
            }
            guard holders == [[a.name], [b.name]], Clock.now() >= lookAgain else { return false }
            lookAgain = Clock.now() + .milliseconds(200)
            return cluster.nodes.allSatisfy { says($0, a, b) }
        }
    }

    /// Whether a node says so too; one that is off, or ends, says nothing.
    private func says(_ node: Node, _ a: Node, _ b: Node) -> Bool {
        guard node.isOn else { return true }
        if debian.runs(on: node) { return classicSays(node, a, b) }
        guard node.hasDaemon else { return true }
        guard node.runsThisVersion else { return true }
        guard let report = node.report() else { return false }
        return zip([PeerStage.groupA, PeerStage.groupB], [a, b]).allSatisfy { name, owner in
            report.groups.contains { $0.name == name && $0.owner == owner.name && $0.state == .held }
        }
    }

    private func classicSays(_ node: Node, _ a: Node, _ b: Node) -> Bool {
        guard plan.failback != "legacy" else { return true }
        let mine = node.index == 0 ? a : b
        let others = node.index == 0 ? b : a
        let word = switch (mine === node, others === node) {
        case (false, false): "none"
        case (true, false): "local"
        case (false, true): "foreign"
        case (true, true): "all"
        }
        return (try? debian.holdings(on: node)) == word
    }

    /// Warnings that two nodes of 3.0.6 write in the same scenarios.
    static let usual = [
        "Core dumps could be lost", "Consider setting", "Initial dead time", "Logging daemon is disabled",
        "No Previous generation", "lost packet(s) for", ": is dead", "No STONITH device configured",
        "Shared disks are not protected", "Late heartbeat", "Shutdown delayed until",
        // Its event loop, on a machine with too much to do.
        "Dispatch function for", "working on ",
        "Deprecated 'legacy' auto_failback option selected", "Please convert to 'auto_failback on'",
        "See documentation for conversion details",
        // Two of its scripts write to its FIFO at once.
        "ha_msg_add_nv_depth", "NV failure", "msg2string: Message with zero fields",
    ]
    /// And those of a partition that has healed.
    static let usualAfterPartition = [
        "returning after partition", "Deadtime value may be too small", "Both machines own our resources!",
        "Both machines own foreign resources!",
        // It announces what it took while its cable is still out.
        "libnet_write failed", "Could not send gratuitous arps",
    ]

    /// Expects nothing in beta's log that two nodes of 3.0.6 would not have written.
    func expectUsualLog(_ more: [String] = [], _ location: SourceLocation = #_sourceLocation) {
        let levels = ["WARN:", "ERROR:", "CRIT:", "ALERT:", "EMERG:"]
        let lines = debian.log(of: beta).split(separator: "\n").filter { line in
            levels.contains { line.contains($0) } && !(PeerStage.usual + more).contains { line.contains($0) }
        }
        #expect(lines.isEmpty, sourceLocation: location)
    }

    /// How many messages 3.0.6 has refused for their digest.
    var refusals: Int {
        debian.log(of: beta).split(separator: "\n").count { $0.contains("authtoken does not match") }
    }

    /// What happened to a recorder since the beginning: `alpha start`, `alpha stop`.
    func record(_ key: String) -> [String] {
        Folder.read("\(cluster.folder)/\(key).log").split(separator: "\n").map(String.init)
    }

    /// Expects that every start of a group came after a stop of the one before, on whichever node.
    func expectTurns(_ location: SourceLocation = #_sourceLocation) {
        for key in ["one", "two"] {
            var holder: Substring?
            for line in record(key) {
                let words = line.split(separator: " ")
                if words[1] == "start" {
                    #expect(holder == nil || holder == words[0], "\(key): \(record(key))", sourceLocation: location)
                    holder = words[0]
                } else if holder == words[0] {
                    holder = nil
                }
            }
        }
    }
}
