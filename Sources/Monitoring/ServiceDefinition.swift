// A service of a watch, as mon.cf describes it (specs/mon.md 3.4).
import ClusterModel

/// `service` and all that follows it.
package struct ServiceDefinition: Equatable, Sendable {
    package var group: String
    package var name: String
    /// nil: without a line of its own.
    package var description: String?
    /// nil: never polled, it takes traps only.
    package var interval: Duration?
    package var failureInterval: Duration?
    package var trapTimeout: Duration?
    package var trapDuration: Duration?
    package var randskew: Duration?
    /// The monitor line as it stands.
    package var monitor: String?
    package var allowsEmptyGroup = false
    package var excludeHosts: [String] = []
    package var excludePeriod: TimePeriod?
    package var depend: DependencyExpression?
    package var alertdepend: DependencyExpression?
    package var monitordepend: DependencyExpression?
    package var hostdepend: DependencyExpression?
    package var dependencyBehavior = DependencyBehavior.alert
    package var dependencyMemory: Duration = .zero
    package var redistribute: String?
    package var unackSummary = false
    package var environment: [Setting] = []
    package var periods: [AlertPeriod] = []
    /// nil: that of all.
    package var checkTimeout: Duration?

    package init(group: String, name: String) {
        self.group = group
        self.name = name
    }

    /// Its name for others.
    package var id: ServiceName { ServiceName(group: group, service: name) }

    /// The words of the monitor line; a final `;;` is none of them.
    package var monitorWords: [String] {
        guard let monitor else { return [] }
        return ShellWords.split(appendsHosts ? monitor : String(monitor.dropLast(2)))
    }

    /// Whether the hosts of the group follow the monitor's words: unless the line ends in `;;`.
    package var appendsHosts: Bool { !(monitor?.hasSuffix(";;") ?? false) }

    /// Whether a monitor runs for it.
    package var isPolled: Bool { interval != nil && monitor != nil }

    /// The expressions that must hold for alerts.
    package var alertDependencies: [DependencyExpression] { dependencies(.alert, alertdepend) }
    /// The expressions that must hold for the monitor to run.
    package var monitorDependencies: [DependencyExpression] { dependencies(.monitor, monitordepend) }
    /// The expressions whose failing hosts are left out.
    package var hostDependencies: [DependencyExpression] { dependencies(.host, hostdepend) }

    /// Those of one kind: `depend` where it behaves so, and the kind's own keyword.
    package func dependencies(of kind: DependencyBehavior) -> [DependencyExpression] {
        switch kind {
        case .alert: alertDependencies
        case .monitor: monitorDependencies
        case .host: hostDependencies
        }
    }

    private func dependencies(_ kind: DependencyBehavior, _ own: DependencyExpression?) -> [DependencyExpression] {
        (dependencyBehavior == kind ? [depend, own] : [own]).compactMap(\.self)
    }
}

/// `period`: when alerts are given, which, and how often.
package struct AlertPeriod: Equatable, Sendable {
    /// The label, else the text of the period; unique in the service.
    package var key: String
    package var period: TimePeriod
    package var alerts: [AlertLine] = []
    package var alertEvery: AlertEvery?
    /// Failures in a row before the first alert, or within `alertAfterInterval`.
    package var alertAfterCount: Int?
    package var alertAfterInterval: Duration?
    package var upalertAfter: Duration?
    package var numAlerts: Int?
    package var noCompAlerts = false
    package var alertsDontCount = false
    package var exitRange: ExitRange?

    package init(key: String, period: TimePeriod) {
        self.key = key
        self.period = period
    }
}

/// `alertevery`: no second alert within the interval, under a condition.
package struct AlertEvery: Equatable, Sendable {
    /// When the interval holds alerts back.
    package enum Condition: Equatable, Sendable {
        /// While the summary stays the same.
        case sameSummary
        /// While the whole output stays the same.
        case sameOutput
        /// Whatever the output says.
        case always
        /// As `always`, and a success does not end the interval.
        case strict
    }

    package var interval: Duration
    package var condition: Condition

    package init(interval: Duration, condition: Condition) {
        self.interval = interval
        self.condition = condition
    }
}

/// One alert line of a period.
package struct AlertLine: Equatable, Sendable {
    /// The keyword.
    package enum Kind: String, Sendable, CaseIterable {
        case alert, upalert, startupalert, ackalert, disablealert
    }

    package var kind: Kind
    /// `exit=N` or `exit=N-M`; nil: every status.
    package var exitRange: ExitRange?
    package var program: String
    /// What stands behind the program, as it stands: history lines have it so.
    package var argumentText: String

    package init(kind: Kind, exitRange: ExitRange? = nil, program: String, argumentText: String = "") {
        self.kind = kind
        self.exitRange = exitRange
        self.program = program
        self.argumentText = argumentText
    }

    /// The words behind the program.
    package var arguments: [String] { ShellWords.split(argumentText) }
}
