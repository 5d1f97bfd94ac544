// The validated settings of a cluster: what ha.cf, haresources and authkeys say, with every default filled in. Times
// are Durations, names are lower case, and nothing here remembers how the files were written.

/// The five intervals of ha.cf and those of the design (specs/heartbeat.md 4.2).
package struct Timing: Equatable, Sendable {
    /// Between two status messages of a node.
    package var keepalive: Duration = .seconds(1)
    /// A heartbeat later than this is logged as late.
    package var warntime: Duration = .seconds(15)
    /// A node that was not heard for this long is suspected. Sent to the others as `dt`.
    package var deadtime: Duration = .seconds(30)
    /// As deadtime, until every node has been heard once after the start.
    package var initdead: Duration = .seconds(30)
    /// As deadtime, for ping nodes.
    package var deadping: Duration = .seconds(30)
    /// What a node holds it holds no longer than this without being heard; nil: computed as deadtime less one
    /// keepalive. MUST be shorter than deadtime.
    package var lease: Duration?
    /// Largest delay before a lost message is asked for again.
    package var rexmitDelayMax: Duration = .milliseconds(250)

    package init() {}

    /// How long a node may hold groups after it was last known to be heard.
    package var effectiveLease: Duration {
        if let lease { return lease }
        let rest = deadtime - keepalive
        return rest >= keepalive ? rest : deadtime / 2
    }

    /// Until when a right to hold lasts that an earlier daemon left, once the next one is told of it at `now`: no
    /// longer than its own word, for that is what the others judge it by. What is over stays as it was.
    package func inherited(_ until: Instant, at now: Instant) -> Instant {
        until > now ? min(until, now + effectiveLease) : until
    }

    /// How much longer than deadtime the others wait for a node whose daemon is restarted.
    package static let handOverPatience = Duration.seconds(10)

    /// How long another node of these intervals may hold groups by what this node has confirmed to it.
    package var confirmationMax: Duration { deadtime + Timing.handOverPatience }

    /// A check-in that is read later than this does not feed the watchdog. It is never so old on a machine that works,
    /// and the next one comes soon.
    package static let checkInLatenessMax = Duration.milliseconds(200)

    /// What a watchdog device is set to: whole seconds, and so many of them that a node whose daemon hangs is reset
    /// before its deadtime is over. nil where deadtime leaves no second.
    package var watchdogTimeout: Duration? {
        let seconds = (deadtime - keepalive - Timing.checkInLatenessMax).wholeMilliseconds / 1000
        return seconds < 1 ? nil : .seconds(min(seconds, 600))
    }

    /// How often each process checks in where there is a watchdog: several times in its timeout.
    package var checkInInterval: Duration { min(.seconds(1), (watchdogTimeout ?? .seconds(4)) / 4) }
}

/// `auto_failback` (specs/heartbeat.md 6.1).
package enum AutoFailback: String, Sendable {
    /// A group returns to its preferred node as soon as that node is active.
    case on
    /// A group stays where it runs.
    case off
    /// As `on`; beside a node of heartbeat 3.0.6 groups are asked for one by one, and nothing is moved by command.
    case legacy
}

/// Who may hold or claim groups when the cluster is divided (design, section 4).
package enum QuorumPolicy: String, Sendable {
    /// More than half of the normal nodes.
    case majority
    /// The side that reaches a ping node.
    case ping
    /// Everybody: two nodes that lose sight of each other both own everything.
    case ignore
}

/// What follows when a resource cannot be stopped after all retries.
package enum StopFailurePolicy: String, Sendable {
    /// The group counts as held here, nobody else starts it, an operator must act.
    case block
    /// The node reboots at once, as heartbeat 3.0.6 does, so that another may take the group.
    case reboot
    /// As `block`, and the node says that it must be powered off: another one does it with its devices, and the group
    /// starts elsewhere. Where nobody has a device, it stays blocked.
    case fence
}

/// A digest method of authkeys; the order is that of strength.
package enum DigestMethod: String, Sendable, CaseIterable {
    case crc, md5, sha1, sha256
}

/// One line of authkeys.
package struct AuthKey: Equatable, Sendable {
    /// 0 to 15.
    package var number: Int
    package var method: DigestMethod
    /// The key's bytes; empty for `crc`.
    package var secret: [UInt8]

    package init(number: Int, method: DigestMethod, secret: [UInt8]) {
        self.number = number
        self.method = method
        self.secret = secret
    }
}

/// The keys that messages are signed and verified with.
package struct AuthKeys: Equatable, Sendable {
    /// Number of the key that signs; one of `keys`.
    package var signing: Int
    /// In ascending order of number; every one is accepted on receipt.
    package var keys: [AuthKey]

    package init(signing: Int, keys: [AuthKey]) {
        self.signing = signing
        self.keys = keys
    }

    /// The key with a number, if authkeys lists it.
    package func key(_ number: Int) -> AuthKey? { keys.first { $0.number == number } }
}

/// `apiauth`: who may sign on as a client under a name.
package struct APIAuthorization: Equatable, Sendable {
    package var client: String
    package var users: [String]
    package var groups: [String]

    package init(client: String, users: [String], groups: [String]) {
        self.client = client
        self.users = users
        self.groups = groups
    }
}

/// `respawn` and `failfast`: a program that the daemon keeps running.
package struct RespawnClient: Equatable, Sendable {
    package var user: String
    package var command: String
    /// `failfast`: the machine is rebooted when the program ends abnormally.
    package var rebootsOnFailure: Bool

    package init(user: String, command: String, rebootsOnFailure: Bool) {
        self.user = user
        self.command = command
        self.rebootsOnFailure = rebootsOnFailure
    }
}

/// `stonith` and `stonith_host`.
package struct StonithDevice: Equatable, Sendable {
    /// nil for `stonith`, which serves every node; `*` or a node name for `stonith_host`.
    package var host: String?
    package var type: String
    /// The configuration file of `stonith`, or the parameters of `stonith_host`.
    package var parameters: [String]

    package init(host: String?, type: String, parameters: [String]) {
        self.host = host
        self.type = type
        self.parameters = parameters
    }
}

/// Where log lines go.
package struct LogSettings: Equatable, Sendable {
    /// A syslog facility's name, nil where none is configured; `none` becomes nil too.
    package var facility: String?
    package var logfile: String?
    package var debugfile: String?
    /// 0 to 255.
    package var debug = 0
    package var logsBadPackets = true
    /// The classic line style of log files (specs/heartbeat.md 8.5).
    package var syslogMessageFormat = true

    package init() {}
}

/// Rights and limits of the daemon's processes.
package struct ProcessSettings: Equatable, Sendable {
    package var realtime = true
    /// SCHED_FIFO priority, 1 to 99, of what hears and decides; the resource manager has the one below.
    package var realtimePriority = 2
    package var coredumps = true
    package var watchdog: String?
    package var respawn: [RespawnClient] = []
    package var apiAuthorizations: [APIAuthorization] = []
    package var stonith: [StonithDevice] = []
    /// `env NAME=VALUE` in file order; exported to scripts as `HA_NAME`.
    package var environment: [Setting] = []

    package init() {}
}

/// A name and its value, as written.
package struct Setting: Equatable, Sendable {
    package var name: String
    package var value: String

    package init(name: String, value: String) {
        self.name = name
        self.value = value
    }
}

/// How resources are treated beyond starting and stopping them.
package struct ResourcePolicy: Equatable, Sendable {
    /// Retries of a failed stop, one second apart; 0 or less: for ever. heartbeat's HA_STOPRETRYMAX.
    package var stopRetries = 10
    package var stopFailure: StopFailurePolicy = .block
    /// Longest run of one operation of one script, unit or mount that nothing else is said of.
    package var operationTimeout: Duration = .seconds(60)
    /// Whether the kernel ends what a silent daemon holds (`lease off` of ha.cf switches it off).
    package var leasesAddresses = true
    /// How long other machines have to answer for an address before a cold start takes it (`address_probe`); nil: they
    /// are not asked.
    package var addressProbe: Duration? = .milliseconds(50)
    package var announcement = AnnouncementPolicy()
    package var connections = ConnectionPolicy.keep
    /// `monitor` lines in the order of ha.cf.
    package var monitors: [MonitorRule] = []
    /// `operation_timeout` lines that name a resource, in the order of ha.cf.
    package var timeouts: [TimeoutRule] = []

    package init() {}
}

/// Everything that the three files say.
package struct Configuration: Equatable, Sendable {
    /// Normal nodes in the order of ha.cf, then ping nodes in the order of their media. `NodeID` indexes this.
    package var members: [Member] = []
    /// Nodes that vote and hold nothing: names of `members`.
    package var witnesses: [String] = []
    /// This node's name, lower case; one of `members`.
    package var localName = ""
    package var timing = Timing()
    /// In the order of ha.cf; `MediumID` indexes this.
    package var media: [Medium] = []
    package var autoFailback: AutoFailback = .legacy
    package var quorum: QuorumPolicy = .ignore
    package var hopfudge = 1
    /// Whether the inner `auth` field is added (`msgfmt classic`, specs/heartbeat.md 1.1).
    package var classicFormat = true
    package var generationFromTime = false
    package var uuidFromName = false
    /// `cluster`: informational.
    package var clusterName = "linux-ha"
    package var logging = LogSettings()
    package var processes = ProcessSettings()
    package var policy = ResourcePolicy()
    /// `notify` lines in the order of ha.cf.
    package var notifications: [NotificationRule] = []
    /// In the order of haresources; `GroupID` indexes this.
    package var groups: [ResourceGroup] = []
    package var keys = AuthKeys(signing: 0, keys: [])
    /// Every directive of ha.cf as written, for `cl_status hbparameter` and the environment of scripts.
    package var parameters: [Setting] = []

    package init() {}

    /// The normal nodes, in the order of ha.cf.
    package var nodes: [String] { members.filter { $0.kind == .normal }.map(\.name) }
    package var localNode: NodeID? { node(named: localName) }

    /// The member with a name in lower case.
    package func node(named name: String) -> NodeID? {
        members.firstIndex { $0.name == name }.map(NodeID.init)
    }

    package func group(named name: String) -> GroupID? {
        groups.firstIndex { $0.name == name }.map(GroupID.init)
    }
}
