// Rules that take more than one line or more than one file: times against each other, names against the list of nodes,
// and whether the cluster as a whole can do what it is for.
import ClusterModel

struct CrossChecks {
    let settings: HAConfigSettings
    let groups: [ParsedGroup]
    let configuration: Configuration
    let facts: SystemFacts
    /// Of ha.cf.
    let path: String
    private(set) var diagnostics: [Diagnostic] = []

    /// Most members, ping nodes included, as in 3.0.6 (specs/heartbeat.md 1.5).
    static let membersMax = 100
    /// By how much the kernel may end a lease late: one of its ticks (4 ms on Debian's), and the lateness of the
    /// process that tells it.
    static let leaseMarginMin = Duration.milliseconds(5)
    /// About the size of a status message on a serial line, in bytes of ten bits each.
    static let statusBytes = 450

    init(
        settings: HAConfigSettings, groups: [ParsedGroup], configuration: Configuration, facts: SystemFacts,
        path: String
    ) {
        self.settings = settings
        self.groups = groups
        self.configuration = configuration
        self.facts = facts
        self.path = path
    }

    mutating func run() {
        checkTimes()
        checkLease()
        checkWatchdog()
        checkMembers()
        checkMedia()
        checkQuorum()
        checkGroups()
        checkRules()
        checkStopFailure()
        checkFencing()
    }

    private var file: Excerpt { Excerpt(file: path) }

    mutating func report(
        _ severity: Diagnostic.Severity, _ excerpt: Excerpt?, _ message: String, help: String? = nil
    ) {
        diagnostics.append(Diagnostic(severity, excerpt ?? file, message, help: help))
    }

    private mutating func checkTimes() {
        let timing = configuration.timing
        let keepalive = TimeText.spell(timing.keepalive)
        let deadtime = TimeText.spell(timing.deadtime)
        let twice = TimeText.spell(timing.keepalive * 2)
        if timing.deadtime <= timing.keepalive * 2 {
            report(
                .error, settings.deadtime?.excerpt ?? settings.keepalive?.excerpt,
                "deadtime \(deadtime) is too short for keepalive \(keepalive), expected more than twice as long",
                help: "write a deadtime longer than \(twice), or a shorter keepalive")
        }
        if timing.warntime >= timing.deadtime {
            report(
                .warning, settings.warntime?.excerpt,
                "warntime \(TimeText.spell(timing.warntime)) is not shorter than deadtime \(deadtime),"
                    + " nobody is warned of late heartbeats",
                help: "write a warntime between keepalive and deadtime")
        } else if let warntime = settings.warntime, timing.warntime <= timing.keepalive {
            report(
                .warning, warntime.excerpt,
                "warntime \(TimeText.spell(timing.warntime)) is not longer than keepalive \(keepalive),"
                    + " every heartbeat counts as late",
                help: "write a warntime between keepalive and deadtime")
        }
        if timing.initdead < timing.deadtime {
            report(
                .error, settings.initdead?.excerpt,
                "initdead \(TimeText.spell(timing.initdead)) is shorter than deadtime \(deadtime)",
                help: "write an initdead of \(TimeText.spell(Defaults.initdead(deadtime: timing.deadtime)))")
        } else if timing.initdead < .seconds(10), timing.deadtime >= .seconds(1) {
            report(
                .warning, settings.initdead?.excerpt,
                "initdead \(TimeText.spell(timing.initdead)) may be too short for a network that comes up slowly",
                help: "write an initdead of 10s or more")
        }
        if let deadping = settings.deadping, deadping.value <= timing.keepalive * 2 {
            report(
                .error, deadping.excerpt,
                "deadping \(TimeText.spell(deadping.value)) is too short for keepalive \(keepalive),"
                    + " expected more than twice as long",
                help: "write a deadping longer than \(twice)")
        }
    }

    private mutating func checkWatchdog() {
        let timing = configuration.timing
        guard let device = configuration.processes.watchdog, timing.watchdogTimeout == nil else { return }
        let least = timing.keepalive + Timing.checkInLatenessMax + .seconds(1)
        report(
            .error, settings.deadtime?.excerpt,
            "deadtime \(TimeText.spell(timing.deadtime)) is too short for \(device): a watchdog counts whole seconds,"
                + " and must end a keepalive before deadtime",
            help: "write a deadtime of \(TimeText.spell(least)) or more, or no watchdog")
    }

    private mutating func checkLease() {
        let timing = configuration.timing
        if let lease = settings.lease {
            let spelled = TimeText.spell(lease.value)
            if lease.value >= timing.deadtime {
                return report(
                    .error, lease.excerpt,
                    "lease \(spelled) is not shorter than deadtime \(TimeText.spell(timing.deadtime)),"
                        + " two nodes could hold one address",
                    help: "write a shorter lease, or none: it is then deadtime less one keepalive")
            }
            if lease.value <= timing.keepalive {
                return report(
                    .error, lease.excerpt,
                    "lease \(spelled) is not longer than keepalive \(TimeText.spell(timing.keepalive)),"
                        + " it would end before it is renewed",
                    help: "write a longer lease, or none: it is then deadtime less one keepalive")
            }
        }
        let margin = timing.deadtime - timing.effectiveLease
        guard configuration.policy.leasesAddresses, margin > .zero, margin < CrossChecks.leaseMarginMin else { return }
        let (spelled, least) = (TimeText.spell(timing.effectiveLease), TimeText.spell(CrossChecks.leaseMarginMin))
        report(
            settings.lease == nil ? .note : .warning, (settings.lease ?? settings.keepalive)?.excerpt,
            "lease \(spelled) ends \(TimeText.spell(margin)) before deadtime, the kernel may end it \(least) late,"
                + " and two nodes answer for an address meanwhile",
            help: settings.lease == nil
                ? "write a lease that ends \(least) before deadtime"
                : "write a shorter lease, or none: it is then deadtime less one keepalive")
    }

    private mutating func checkMembers() {
        let nodes = settings.nodes.map(\.value)
        let local = configuration.localName
        if nodes.isEmpty {
            report(.error, nil, "no nodes, expected node \(local) and its partners")
        } else if !nodes.contains(local) {
            let listed = Spelling.list(Array(nodes.prefix(10)), joinedBy: "and") + (nodes.count > 10 ? ", ..." : "")
            let bareName = String(local.prefix { $0 != "." })
            report(
                .error, settings.nodes[0].excerpt,
                "this host is \(local), the nodes are \(listed)\(Spelling.hint(for: bareName, among: nodes))",
                help: "write node \(local), or this node's name in the cluster into the file nodeinfo")
        } else if nodes.count == 1 {
            report(
                .warning, settings.nodes[0].excerpt, "\(nodes[0]) is the only node, nobody can take over from it",
                help: "name the other nodes in node lines")
        }
        let pings = settings.media.filter(\.value.isPing)
        for ping in pings where ping.value.pingNodeName.map(nodes.contains) ?? false {
            report(.error, ping.excerpt, "\(ping.excerpt.text): a ping node cannot have the name of a node")
        }
        let members = settings.nodes.map(\.excerpt) + pings.map(\.excerpt)
        if members.count > CrossChecks.membersMax {
            report(
                .error, members[CrossChecks.membersMax],
                "more than \(CrossChecks.membersMax) nodes and ping nodes")
        }
    }

    private mutating func checkMedia() {
        let links = settings.media.filter { !$0.value.isPing }
        guard let first = links.first else {
            return report(
                .error, nil, "no media, nodes cannot hear each other",
                help: "write bcast INTERFACE, or another of bcast, mcast, ucast, mcast6, ucast6, serial")
        }
        if settings.nodes.count > 1, links.allSatisfy({ $0.value.linkName == first.value.linkName }) {
            report(
                .warning, first.excerpt,
                "\(first.value.linkName) is the only path between the nodes, its failure looks like their death",
                help: "add a medium that shares no cable, card or switch with it")
        }
        let keepalive = configuration.timing.keepalive
        for link in links {
            guard case .serial(_, let baud) = link.value else { continue }
            let needed = Duration.milliseconds(CrossChecks.statusBytes * 10_000 / baud)
            guard needed >= keepalive else { continue }
            report(
                .warning, link.excerpt,
                "at \(baud) baud a status message takes \(TimeText.spell(needed)),"
                    + " too slow for keepalive \(TimeText.spell(keepalive))",
                help: "write a higher baud before serial, or a longer keepalive")
        }
    }

    private mutating func checkQuorum() {
        let nodes = settings.nodes.count
        guard nodes > 1 else { return }
        switch configuration.quorum {
        case .majority:
            guard nodes == 2 else { return }
            report(
                .warning, settings.quorum?.excerpt,
                "of two nodes one alone is no majority, nothing is taken over when a node dies",
                help: "add a third node (it may be a witness), or write quorum ping and ping ADDRESS")
        case .ping:
            if !settings.media.contains(where: \.value.isPing) {
                report(
                    .error, settings.quorum?.excerpt, "quorum ping needs a ping node, there is none",
                    help: "write ping ADDRESS with a host that every healthy node reaches, a router for example")
            } else {
                report(
                    .note, settings.quorum?.excerpt,
                    "nodes that reach a ping node but not each other can both take over",
                    help: "keep several media between the nodes, or add a third node (quorum majority)")
                let pings = settings.media.filter(\.value.isPing)
                if pings.count == 1, let ping = pings.first {
                    report(
                        .note, ping.excerpt,
                        "the only ping node: while it does not answer, neither node holds or takes anything",
                        help: "name a second one that shares no cable, switch or power with it")
                }
            }
        case .ignore:
            let wayOut =
                nodes == 2
                ? "name a ping node (ping ADDRESS), or add a third node (quorum majority)" : "write quorum majority"
            report(
                .warning, settings.quorum?.excerpt,
                "the cluster can split: nodes that lose sight of each other all take over everything", help: wayOut)
        }
    }

    private mutating func checkGroups() {
        let nodes = settings.nodes.map(\.value)
        let pings = configuration.members.filter { $0.kind == .ping }.map(\.name)
        let witnesses = settings.witnesses.map(\.value)
        for witness in settings.witnesses where !nodes.contains(witness.value) {
            let hint = Spelling.hint(for: witness.value, among: nodes)
            report(
                .error, witness.excerpt, "\(witness.value): no such node\(hint)",
                help: "a witness is one of the nodes of the node lines")
        }
        if !groups.isEmpty, let last = settings.witnesses.last, nodes.allSatisfy(witnesses.contains) {
            report(.error, last.excerpt, "every node is a witness, nobody can run resources")
        }
        for group in groups where witnesses.contains(group.group.preferred) {
            report(.error, group.preferred, "\(group.group.preferred): a witness cannot run resources")
        }
        for group in groups where !nodes.contains(group.group.preferred) {
            let name = group.group.preferred
            if pings.contains(name) {
                report(.error, group.preferred, "\(name): a ping node cannot run resources")
            } else {
                let hint = Spelling.hint(for: name, among: nodes)
                report(
                    .error, group.preferred, "\(name): no such node\(hint)",
                    help: "the nodes are those of the node lines in \(path)")
            }
        }
    }

    private mutating func checkStopFailure() {
        guard let policy = settings.stopFailure, configuration.policy.stopFailure == .fence,
            !configuration.nodes.contains(where: configuration.isFenceable)
        else { return }
        report(
            .warning, policy.excerpt, "fence: no device powers off any node, a group that cannot be stopped is blocked",
            help: "name a device (stonith, stonith_host), or write stop_failure block or reboot")
    }

    /// Lines for resources that no group has do nothing, and are most likely misspelt.
    private mutating func checkRules() {
        let resources = groups.flatMap(\.group.resources)
        for rule in settings.ruledResources where !resources.contains(where: { $0.nearness(of: rule.value) != nil }) {
            let hint = Spelling.hint(for: rule.value, among: resources.flatMap { [$0.text, $0.type] })
            report(
                .warning, rule.excerpt, "\(rule.value): no such resource in haresources\(hint)",
                help: "expected a resource's word as haresources has it, its type, or * for all")
        }
    }
}
