// The cluster as one node sees it, for everybody who looks from outside: `hb status`, `cl_status`, tests. The status
// process fills it in; `ClusterReport+Messages.swift` carries it over the control socket.
import ClusterModel

/// Everything that a node tells of the cluster. Lists keep the order that they were given.
package struct ClusterReport: Equatable, Sendable {
    /// `Product.version` of the daemon that answers.
    package var version: String
    /// Process id of the control process.
    package var pid: Int32
    /// Since the daemon's start.
    package var runTime: Duration

    package var localName: String
    package var status: NodeStatus
    package var generation: UInt64
    package var isLeaving: Bool
    package var autoFailback: AutoFailback
    package var timing: TimingReport
    package var quorum: QuorumReport
    package var holdings: Holdings

    /// In the order of the configuration: normal nodes, then ping nodes.
    package var nodes: [NodeReport] = []
    package var groups: [GroupReport] = []
    package var media: [MediumReport] = []
    package var processes: [ProcessReport] = []
    package var drops: [DropReport] = []
    /// Oldest first.
    package var events: [EventReport] = []

    package init(
        version: String = Product.version, pid: Int32, runTime: Duration, localName: String, status: NodeStatus,
        generation: UInt64, isLeaving: Bool, autoFailback: AutoFailback, timing: TimingReport, quorum: QuorumReport,
        holdings: Holdings
    ) {
        self.version = version
        self.pid = pid
        self.runTime = runTime
        self.localName = localName
        self.status = status
        self.generation = generation
        self.isLeaving = isLeaving
        self.autoFailback = autoFailback
        self.timing = timing
        self.quorum = quorum
        self.holdings = holdings
    }

    /// The member with a name, whatever its case.
    package func node(named name: String) -> NodeReport? {
        let name = name.lowercased()
        return nodes.first { $0.name == name }
    }
}

/// The intervals in force (specs/heartbeat.md 4.2).
package struct TimingReport: Equatable, Sendable {
    package var keepalive: Duration
    package var warntime: Duration
    package var deadtime: Duration
    package var initdead: Duration
    package var deadping: Duration

    package init(
        keepalive: Duration, warntime: Duration, deadtime: Duration, initdead: Duration, deadping: Duration
    ) {
        self.keepalive = keepalive
        self.warntime = warntime
        self.deadtime = deadtime
        self.initdead = initdead
        self.deadping = deadping
    }

    /// The intervals of a configuration.
    package init(_ timing: Timing) {
        self.init(
            keepalive: timing.keepalive, warntime: timing.warntime, deadtime: timing.deadtime,
            initdead: timing.initdead, deadping: timing.deadping)
    }
}

/// Whether this node may hold groups, and why.
package struct QuorumReport: Equatable, Sendable {
    package var policy: QuorumPolicy
    /// This node may claim groups.
    package var isPresent: Bool
    /// Normal nodes that this node reaches, itself included.
    package var reachable: Int
    /// Normal nodes of the configuration.
    package var configured: Int
    /// How long this node may hold its groups if it is not heard again; nil: without limit.
    package var heldFor: Duration?

    package init(policy: QuorumPolicy, isPresent: Bool, reachable: Int, configured: Int, heldFor: Duration?) {
        self.policy = policy
        self.isPresent = isPresent
        self.reachable = reachable
        self.configured = configured
        self.heldFor = heldFor
    }
}

/// What this node holds, in the words of `cl_status rscstatus` (specs/heartbeat.md 7).
package enum Holdings: String, Sendable, CaseIterable {
    case none, local, foreign, all
    /// Something starts, stops, or is not known.
    case transition
}

/// One member.
package struct NodeReport: Equatable, Sendable {
    /// What kind of member it is, in the words of `cl_status nodetype`.
    package enum Kind: String, Sendable, CaseIterable {
        case normal, ping
    }

    package var name: String
    package var kind: Kind
    /// The node that answers.
    package var isLocal: Bool
    package var status: NodeStatus
    /// Others hear it, this node does not.
    package var isUnreachable: Bool
    /// It shuts down.
    package var isLeaving: Bool
    package var generation: UInt64
    /// Since its last heartbeat; nil if it was never heard, zero for this node.
    package var age: Duration?
    /// Silence after which it is judged dead.
    package var deadInterval: Duration
    /// It was started with other files.
    package var differsInConfiguration: Bool
    /// One for each medium that reaches it.
    package var links: [LinkReport]

    package init(
        name: String, kind: Kind, isLocal: Bool, status: NodeStatus, isUnreachable: Bool = false,
        isLeaving: Bool = false, generation: UInt64 = 0, age: Duration?, deadInterval: Duration,
        differsInConfiguration: Bool = false, links: [LinkReport] = []
    ) {
        self.name = name
        self.kind = kind
        self.isLocal = isLocal
        self.status = status
        self.isUnreachable = isUnreachable
        self.isLeaving = isLeaving
        self.generation = generation
        self.age = age
        self.deadInterval = deadInterval
        self.differsInConfiguration = differsInConfiguration
        self.links = links
    }
}

/// One medium towards one node.
package struct LinkReport: Equatable, Sendable {
    /// The words of `cl_status hblinkstatus`.
    package enum Status: String, Sendable, CaseIterable {
        case up, dead
    }

    /// The medium's word in ha.cf, `bcast`.
    package var directive: String
    /// The interface, tty or host: `Medium.linkName`.
    package var name: String
    package var status: Status
    /// Since the last packet; nil if there never was one.
    package var age: Duration?

    package init(directive: String, name: String, status: Status, age: Duration?) {
        self.directive = directive
        self.name = name
        self.status = status
        self.age = age
    }
}

/// One resource group.
package struct GroupReport: Equatable, Sendable {
    /// What the group is at its owner, or why it has none.
    package enum State: String, Sendable, CaseIterable {
        case held, claiming, starting, stopping
        /// A stop failed: an operator must act.
        case blocked
        /// The owner does not know yet what it has.
        case unknown
        /// Nobody has it, because starts failed.
        case failed
        /// Nobody has it.
        case stopped
    }

    package var name: String
    /// The node of its haresources line.
    package var preferred: String
    /// The words of its haresources line.
    package var resources: [String]
    /// The node that has it, or is starting or stopping it; nil where nobody has.
    package var owner: String?
    package var state: State
    package var epoch: UInt64
    /// Where an operator wants it.
    package var wanted: String?
    package var failures: [FailureReport]
    /// Nodes that the claim of this node waits for.
    package var waitsFor: [String]

    package init(
        name: String, preferred: String, resources: [String], owner: String?, state: State, epoch: UInt64,
        wanted: String? = nil, failures: [FailureReport] = [], waitsFor: [String] = []
    ) {
        self.name = name
        self.preferred = preferred
        self.resources = resources
        self.owner = owner
        self.state = state
        self.epoch = epoch
        self.wanted = wanted
        self.failures = failures
        self.waitsFor = waitsFor
    }
}

/// Failed starts of a group on a node.
package struct FailureReport: Equatable, Sendable {
    package var node: String
    package var count: Int
    /// Known for the node that answers only.
    package var reason: String?

    package init(node: String, count: Int, reason: String?) {
        self.node = node
        self.count = count
        self.reason = reason
    }
}

/// One configured medium and its workers.
package struct MediumReport: Equatable, Sendable {
    package var directive: String
    package var name: String
    /// It is open and its workers run.
    package var isOpen: Bool
    /// Why it is not.
    package var reason: String?

    package init(directive: String, name: String, isOpen: Bool, reason: String? = nil) {
        self.directive = directive
        self.name = name
        self.isOpen = isOpen
        self.reason = reason
    }
}

/// One process of the daemon.
package struct ProcessReport: Equatable, Sendable {
    /// As its title says: `status process`.
    package var role: String
    package var pid: Int32

    package init(role: String, pid: Int32) {
        self.role = role
        self.pid = pid
    }
}

/// Messages that were dropped for one cause since the start.
package struct DropReport: Equatable, Sendable {
    package var cause: String
    package var count: UInt64

    package init(cause: String, count: UInt64) {
        self.cause = cause
        self.count = count
    }
}

/// Something that happened, as it was logged.
package struct EventReport: Equatable, Sendable {
    /// Wall-clock seconds since 1970.
    package var time: Int64
    package var level: LogLevel
    /// The stable word of `LogRecord.event`.
    package var event: String
    package var text: String

    package init(time: Int64, level: LogLevel, event: String, text: String) {
        self.time = time
        self.level = level
        self.event = event
        self.text = text
    }
}
