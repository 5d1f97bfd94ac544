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

    /// The node that answers, in lower case.
    package var localName: String
    /// What that node says of itself.
    package var status: NodeStatus
    /// Counts the starts of that node's daemon.
    package var generation: UInt64
    /// That node shuts down.
    package var isLeaving: Bool
    /// As ha.cf has it.
    package var autoFailback: AutoFailback
    /// The intervals in force on that node.
    package var timing: TimingReport
    /// Whether that node may hold groups.
    package var quorum: QuorumReport
    /// How what it holds ends when nothing of the daemon runs any more.
    package var lease: LeaseReport
    /// What that node holds.
    package var holdings: Holdings

    /// In the order of the configuration: normal nodes, then ping nodes.
    package var nodes: [NodeReport] = []
    /// In the order of haresources.
    package var groups: [GroupReport] = []
    /// What does not protect this node as ha.cf has it, a clause each.
    package var lacks: [String] = []
    /// Addresses held by this node that other machines claim.
    package var contests: [ContestReport] = []
    /// Everything is held still.
    package var frozen: MaintenanceReport?
    /// In the order of ha.cf.
    package var media: [MediumReport] = []
    /// The control process first.
    package var processes: [ProcessReport] = []
    /// One for each cause, also where nothing was dropped.
    package var drops: [DropReport] = []
    /// Oldest first.
    package var events: [EventReport] = []

    /// A report without lists.
    package init(
        version: String = Product.version, pid: Int32, runTime: Duration, localName: String, status: NodeStatus,
        generation: UInt64, isLeaving: Bool, autoFailback: AutoFailback, timing: TimingReport, quorum: QuorumReport,
        lease: LeaseReport, holdings: Holdings
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
        self.lease = lease
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
    /// Between two status messages.
    package var keepalive: Duration
    /// After which a heartbeat is late.
    package var warntime: Duration
    /// After which a node is suspected.
    package var deadtime: Duration
    /// The same after a start.
    package var initdead: Duration
    /// The same for ping nodes.
    package var deadping: Duration

    /// The intervals as given.
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
    /// The rule that is applied.
    package var policy: QuorumPolicy
    /// This node may claim groups.
    package var isPresent: Bool
    /// Normal nodes that this node reaches, itself included.
    package var reachable: Int
    /// Normal nodes of the configuration.
    package var configured: Int
    /// How long this node may hold its groups if it is not heard again; nil: without limit.
    package var heldFor: Duration?

    /// The facts as given.
    package init(policy: QuorumPolicy, isPresent: Bool, reachable: Int, configured: Int, heldFor: Duration?) {
        self.policy = policy
        self.isPresent = isPresent
        self.reachable = reachable
        self.configured = configured
        self.heldFor = heldFor
    }
}

/// How long a node may hold groups after it was last known to be heard.
package struct LeaseReport: Equatable, Sendable {
    /// Of any group, by this node's own decision.
    package var duration: Duration
    /// The kernel ends held addresses with it, whatever happens to the daemon.
    package var isKernels: Bool

    /// A lease as given.
    package init(duration: Duration, isKernels: Bool) {
        self.duration = duration
        self.isKernels = isKernels
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

    /// Which words a node understands.
    package enum Dialect: String, Sendable, CaseIterable {
        /// Those of this version, as far as anybody knows.
        case extended
        /// Those of heartbeat 3.0.6 alone.
        case classic
        /// The same, in a cluster that has no room for that: it takes no part.
        case refused
    }

    /// In lower case.
    package var name: String
    /// Whether it runs heartbeat.
    package var kind: Kind
    /// The node that answers.
    package var isLocal: Bool
    /// As this node judges it.
    package var status: NodeStatus
    /// Others hear it, this node does not.
    package var isUnreachable: Bool
    /// It shuts down.
    package var isLeaving: Bool
    /// Counts the starts of its daemon; 0 where unknown.
    package var generation: UInt64
    /// Since its last heartbeat; nil if it was never heard, zero for this node.
    package var age: Duration?
    /// Silence after which it is judged dead.
    package var deadInterval: Duration
    /// It was started with other files.
    package var differsInConfiguration: Bool
    /// How it is spoken to.
    package var dialect: Dialect
    /// What is known of its being powered off; nil where nothing is to be told.
    package var fencing: String?
    /// What the others, and this node first, say of a node that is suspect, unreachable or dead.
    package var votes: [VoteReport]
    /// How long it surely leaves the node that answers its groups; nil where quorum does not ask that.
    package var leavesFor: Duration?
    /// One for each medium that reaches it.
    package var links: [LinkReport]

    /// A node as given.
    package init(
        name: String, kind: Kind, isLocal: Bool, status: NodeStatus, isUnreachable: Bool = false,
        isLeaving: Bool = false, generation: UInt64 = 0, age: Duration?, deadInterval: Duration,
        differsInConfiguration: Bool = false, dialect: Dialect = .extended, fencing: String? = nil,
        votes: [VoteReport] = [], leavesFor: Duration? = nil, links: [LinkReport] = []
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
        self.dialect = dialect
        self.fencing = fencing
        self.votes = votes
        self.leavesFor = leavesFor
        self.links = links
    }
}

/// What one node says of another.
package struct VoteReport: Equatable, Sendable {
    /// Who votes.
    package var voter: String
    /// Since it has heard the other; nil where it does not hear it.
    package var age: Duration?

    /// A vote as given.
    package init(voter: String, age: Duration?) {
        self.voter = voter
        self.age = age
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
    /// Up while packets come in.
    package var status: Status
    /// Since the last packet; nil if there never was one.
    package var age: Duration?

    /// A link as given.
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

    /// Its first resource, verbatim.
    package var name: String
    /// The node of its haresources line.
    package var preferred: String
    /// The words of its haresources line.
    package var resources: [String]
    /// The node that has it, or is starting or stopping it; nil where nobody has.
    package var owner: String?
    /// What it is at its owner, or why it has none.
    package var state: State
    /// Grows with every change of owner.
    package var epoch: UInt64
    /// Where an operator wants it.
    package var wanted: String?
    /// One for each node where it failed.
    package var failures: [FailureReport]
    /// Of its resources, on the node that answers.
    package var resourceFailures: [ResourceFailureReport]
    /// An operator has it held still.
    package var unmanaged: MaintenanceReport?
    /// Nodes that the claim of this node waits for.
    package var waitsFor: [String]
    /// Dead nodes that must be powered off before the group may start.
    package var waitsForFencing: [String]

    /// A group as given.
    package init(
        name: String, preferred: String, resources: [String], owner: String?, state: State, epoch: UInt64,
        wanted: String? = nil, failures: [FailureReport] = [],
        resourceFailures: [ResourceFailureReport] = [], unmanaged: MaintenanceReport? = nil, waitsFor: [String] = [],
        waitsForFencing: [String] = []
    ) {
        self.name = name
        self.preferred = preferred
        self.resources = resources
        self.owner = owner
        self.state = state
        self.epoch = epoch
        self.wanted = wanted
        self.failures = failures
        self.resourceFailures = resourceFailures
        self.unmanaged = unmanaged
        self.waitsFor = waitsFor
        self.waitsForFencing = waitsForFencing
    }
}

/// Failed starts of a group on a node.
package struct FailureReport: Equatable, Sendable {
    /// Where it failed.
    package var node: String
    /// Failed starts since the last cleanup.
    package var count: Int
    /// Known for the node that answers only.
    package var reason: String?

    /// Failures as given.
    package init(node: String, count: Int, reason: String?) {
        self.node = node
        self.count = count
        self.reason = reason
    }
}

/// An address that this node holds and another machine claims.
package struct ContestReport: Equatable, Sendable {
    /// In numbers.
    package var address: String
    /// Where it is held.
    package var interface: String
    /// That has it here.
    package var group: String
    /// Ethernet address of the other machine, and what is known of it.
    package var machine: String
    /// Claims that were heard.
    package var count: UInt64
    /// Since the last of them, within ten seconds.
    package var age: Duration

    /// A contest as given.
    package init(address: String, interface: String, group: String, machine: String, count: UInt64, age: Duration) {
        self.address = address
        self.interface = interface
        self.group = group
        self.machine = machine
        self.count = count
        self.age = age
    }
}

/// What an operator holds still: nothing of it is started, stopped or moved.
package struct MaintenanceReport: Equatable, Sendable {
    /// The node that was asked.
    package var node: String
    /// Who asked, as the tool said; may be empty.
    package var user: String
    /// Why; may be empty.
    package var reason: String
    /// When, in wall-clock seconds since 1970.
    package var time: Int64
    /// Until it ends by itself; nil: never.
    package var remaining: Duration?

    /// An order as given.
    package init(node: String, user: String, reason: String, time: Int64, remaining: Duration?) {
        self.node = node
        self.user = user
        self.reason = reason
        self.time = time
        self.remaining = remaining
    }

    /// Who, where and why, in one clause.
    package var text: String {
        let by = user.isEmpty ? "on \(node)" : "by \(user) on \(node)"
        let end = remaining.map { ", \(($0.wholeMilliseconds + 59_999) / 60_000) min more" } ?? ""
        return by + end + (reason.isEmpty ? "" : ": " + reason)
    }
}

/// What went wrong with one resource on the node that answers, since the last cleanup.
package struct ResourceFailureReport: Equatable, Sendable {
    /// The word of haresources.
    package var resource: String
    /// Failed operations, monitors included.
    package var count: Int
    /// What failed last: `start`, `stop`, `monitor`.
    package var operation: String
    /// Why, in one line.
    package var reason: String
    /// What it printed then, the end of it; lines separated by LF.
    package var output: String
    /// Since then.
    package var age: Duration

    /// A failure as given.
    package init(resource: String, count: Int, operation: String, reason: String, output: String, age: Duration) {
        self.resource = resource
        self.count = count
        self.operation = operation
        self.reason = reason
        self.output = output
        self.age = age
    }
}

/// One configured medium and its workers.
package struct MediumReport: Equatable, Sendable {
    /// Its word in ha.cf, `bcast`.
    package var directive: String
    /// The interface, tty or host: `Medium.linkName`.
    package var name: String
    /// It is open and its workers run.
    package var isOpen: Bool
    /// Why it is not.
    package var reason: String?

    /// A medium as given.
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
    /// Its process id.
    package var pid: Int32

    /// A process as given.
    package init(role: String, pid: Int32) {
        self.role = role
        self.pid = pid
    }
}

/// Messages that were dropped for one cause since the start.
package struct DropReport: Equatable, Sendable {
    /// A stable word.
    package var cause: String
    /// Messages since the start of the process that drops them.
    package var count: UInt64

    /// A counter as given.
    package init(cause: String, count: UInt64) {
        self.cause = cause
        self.count = count
    }
}

/// Something that happened, as it was logged.
package struct EventReport: Equatable, Sendable {
    /// Wall-clock seconds since 1970.
    package var time: Int64
    /// As it was logged.
    package var level: LogLevel
    /// The stable word of `LogRecord.event`.
    package var event: String
    /// One line for people.
    package var text: String

    /// An event as given.
    package init(time: Int64, level: LogLevel, event: String, text: String) {
        self.time = time
        self.level = level
        self.event = event
        self.text = text
    }
}
