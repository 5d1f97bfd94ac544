// A mon.cf as a value, every default filled in (specs/mon.md 3). Order is that of the file.
import ClusterModel

/// Everything that one mon.cf says.
package struct MonitorConfiguration: Equatable, Sendable {
    package var globals = MonitorGlobals()
    package var groups: [HostGroup] = []
    package var aliases: [MonitorAlias] = []
    package var views: [MonitorView] = []
    /// The groups that are watched.
    package var watches: [String] = []
    /// Of all watches, in their order.
    package var services: [ServiceDefinition] = []

    /// Nothing is watched.
    package init() {}

    /// The group of a name.
    package func group(_ name: String) -> HostGroup? { groups.first { $0.name == name } }
}

/// `hostgroup`: what is watched together.
package struct HostGroup: Equatable, Sendable {
    /// A member; written `*name` where it is disabled.
    package struct Host: Equatable, Sendable {
        package var name: String
        package var isDisabled: Bool

        package init(name: String, isDisabled: Bool = false) {
            self.name = name
            self.isDisabled = isDisabled
        }
    }

    package var name: String
    package var hosts: [Host]

    package init(name: String, hosts: [Host]) {
        self.name = name
        self.hosts = hosts
    }

    /// Those to check.
    package var enabledHosts: [String] { hosts.filter { !$0.isDisabled }.map(\.name) }
}

/// `alias`: lines for clients to show.
package struct MonitorAlias: Equatable, Sendable {
    package var name: String
    package var lines: [String]

    package init(name: String, lines: [String]) {
        self.name = name
        self.lines = lines
    }
}

/// `view`: the part of it all that a client wants to see.
package struct MonitorView: Equatable, Sendable {
    package var name: String
    /// `GROUP` or `GROUP:SERVICE`.
    package var members: [String]

    package init(name: String, members: [String]) {
        self.name = name
        self.members = members
    }

    /// Whether a service is in it.
    package func shows(group: String, service: String) -> Bool {
        members.contains { $0 == group || $0 == "\(group):\(service)" }
    }
}

/// What a dependency of no keyword of its own does when it fails.
package enum DependencyBehavior: String, Sendable {
    /// Alerts are not given.
    case alert = "a"
    /// The monitor does not run.
    case monitor = "m"
    /// Hosts that fail there are not checked here.
    case host = "hm"
}

/// `name = value` lines (specs/mon.md 3.2).
package struct MonitorGlobals: Equatable, Sendable {
    package var alertdir = ["/usr/local/lib/mon/alert.d", "alert.d"]
    package var mondir = ["/usr/local/lib/mon/mon.d", "mon.d"]
    package var basedir = "/usr/lib/mon"
    /// nil: the folder of mon.cf.
    package var cfbasedir: String?
    /// nil: the shell's choice.
    package var logdir: String?
    /// nil: the shell's choice.
    package var statedir: String?
    package var authfile = "auth.cf"
    package var authtypes: [AuthenticationMethod] = [.passwd]
    package var userfile = "monusers.cf"
    package var pamservice = "passwd"
    /// nil: the shell's choice; empty: none.
    package var pidfile: String?
    package var serverport: UInt16?
    package var trapport: UInt16?
    package var serverbind: String?
    package var trapbind: String?
    package var clientallow = #"\d+.\d+.\d+.\d+"#
    package var cltimeout: Duration = .seconds(30)
    package var histlength = 100
    package var historicfile = ""
    package var historictime: Duration = .zero
    /// 0: no limit.
    package var maxprocs = 0
    package var randstart: Duration?
    package var dtlogging = false
    package var dtlogfile = "downtime.log"
    package var monerrfile = "/dev/null"
    package var dependencyDepthMax = 10
    package var dependencyBehavior = DependencyBehavior.alert
    package var dependencyMemory: Duration = .zero
    package var unackSummary = false
    package var syslogFacility = "daemon"
    package var startupalertsOnReset = false
    package var excludePeriod: TimePeriod?
    package var monremote: String?
    /// After it a check is ended, and counts as failed; not in mon, which waits for ever.
    package var checkTimeout: Duration = .seconds(300)

    package init() {}
}

/// Where a client's password is looked up, a word of `authtype`.
package enum AuthenticationMethod: String, Sendable, CaseIterable {
    /// The C library's user database, whatever stands behind it.
    case passwd = "getpwnam"
    /// As `getpwnam`, which reads the shadow file too.
    case shadow
    case userfile
    case pam
    /// Any name from the machine itself.
    case trustlocal
}
