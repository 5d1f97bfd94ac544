// What ha.cf says about single resources: how they are monitored, and how long their operations may take. Rules name
// a word of haresources, a type, or all; the nearer a rule is to the resource, the more it counts.

/// What a monitor of a filesystem does beyond looking whether it is mounted.
package enum MonitorProbe: String, Sendable, CaseIterable {
    case none
    /// Reads the directory.
    case read
    /// Writes a file, has it reach the device, and removes it.
    case write
}

/// How one resource is watched while it runs.
package struct MonitorPolicy: Equatable, Sendable {
    /// From one check to the next.
    package var interval: Duration
    /// Longest run of one check.
    package var timeout: Duration
    /// How often it is restarted in place within `window` before its group is given up; 0: never.
    package var restarts: Int
    package var window: Duration
    package var probe: MonitorProbe

    package init(
        interval: Duration = .seconds(10), timeout: Duration = .seconds(20), restarts: Int = 3,
        window: Duration = .seconds(600), probe: MonitorProbe = .none
    ) {
        self.interval = interval
        self.timeout = timeout
        self.restarts = restarts
        self.window = window
        self.probe = probe
    }
}

/// One `monitor` line: what it does not say is left to the rules that are further away.
package struct MonitorRule: Equatable, Sendable {
    /// A word of haresources, a type, or `*`.
    package var resource: String
    /// `off`: what it names is not monitored.
    package var isOff = false
    package var interval: Duration?
    package var timeout: Duration?
    package var restarts: Int?
    package var window: Duration?
    package var probe: MonitorProbe?

    package init(resource: String) { self.resource = resource }
}

/// Operations with a time of their own; raw values are the words of ha.cf. Monitors have theirs in `MonitorRule`.
package enum TimedOperation: String, Sendable, CaseIterable {
    case start, stop, status, promote, demote, validate
}

/// One time of an `operation_timeout` line that names a resource.
package struct TimeoutRule: Equatable, Sendable {
    /// A word of haresources, a type, or `*`.
    package var resource: String
    package var operation: TimedOperation
    package var timeout: Duration

    package init(resource: String, operation: TimedOperation, timeout: Duration) {
        self.resource = resource
        self.operation = operation
        self.timeout = timeout
    }
}

extension ResourceSpecification {
    /// How near a rule for `name` is: 2 the word itself, 1 the type, 0 all; nil: it is for others.
    package func nearness(of name: String) -> Int? {
        if name == text { return 2 }
        if name == type { return 1 }
        return name == "*" ? 0 : nil
    }
}

extension ResourcePolicy {
    /// How a resource is monitored; nil where it is not. `byDefault`: whether it is without a line that names it.
    package func monitor(for resource: ResourceSpecification, byDefault: Bool) -> MonitorPolicy? {
        var policy = MonitorPolicy()
        var isOn = byDefault
        for nearness in 0...2 {
            for rule in monitors where resource.nearness(of: rule.resource) == nearness {
                // A line for everything is no wish to run every script again and again.
                if rule.isOff { isOn = false } else if nearness > 0 { isOn = true }
                policy.interval = rule.interval ?? policy.interval
                policy.timeout = rule.timeout ?? policy.timeout
                policy.restarts = rule.restarts ?? policy.restarts
                policy.window = rule.window ?? policy.window
                policy.probe = rule.probe ?? policy.probe
            }
        }
        return isOn ? policy : nil
    }

    /// What ha.cf gives to an operation of a resource; nil where it names neither the resource nor its type nor all.
    package func timeout(of operation: TimedOperation, for resource: ResourceSpecification) -> Duration? {
        var found: (nearness: Int, timeout: Duration)?
        for rule in timeouts where rule.operation == operation {
            guard let nearness = resource.nearness(of: rule.resource), nearness >= found?.nearness ?? 0 else {
                continue
            }
            found = (nearness, rule.timeout)
        }
        return found?.timeout
    }
}

/// How neighbours are told where held addresses are; what is nil is left as it is by default.
package struct AnnouncementPolicy: Equatable, Sendable {
    /// How often an address is announced when it comes up: seven times within ten seconds by default.
    package var count: Int?
    /// From one of them to the next; a second, where only `count` is given.
    package var interval: Duration?
    /// How often each address is announced once more as long as it is held; nil: never.
    package var refresh: Duration?
    /// IPv4 addresses of routers that are told by frames of their own.
    package var routers: [String] = []

    package init() {}
}

/// What becomes of the TCP connections of an address that is given up; raw values are the words of ha.cf.
package enum ConnectionPolicy: String, Sendable, CaseIterable {
    /// Nothing: both ends find out when they time out.
    case keep
    /// Both ends are told while the address is still here.
    case reset
    /// This node forgets them when the address is gone, and tells nobody: what a client sends next is for the new
    /// owner. Of an IPv6 address Linux sends a reset all the same.
    case drop
}

/// What went wrong with one resource on this node since the last cleanup.
package struct ResourceFailure: Equatable, Sendable {
    /// The word of haresources.
    package var resource: String
    /// Failed operations, monitors included.
    package var count: Int
    /// The operation that failed last: `start`, `stop`, `monitor`.
    package var operation: String
    /// Why, in one line.
    package var reason: String
    /// What it printed then, the end of it: `outputLengthMax` bytes at most, lines separated by LF.
    package var output: String
    /// When, by this node's clock.
    package var at: Instant

    package static let outputLengthMax = 2000

    package init(resource: String, count: Int, operation: String, reason: String, output: String, at: Instant) {
        self.resource = resource
        self.count = count
        self.operation = operation
        self.reason = reason
        self.output = output
        self.at = at
    }
}
