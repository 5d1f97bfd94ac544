// What changes of a service while the monitor runs. Names in comments are those of the state file and of `get`.
import ClusterModel

/// A service's state.
package struct ServiceState: Equatable, Sendable {
    package var status = OperationalStatus.untested
    /// Of the event before.
    package var lastStatus = OperationalStatus.untested
    /// nil before the first event.
    package var exit: Int32?
    package var failureCount = 0
    package var consecutiveFailures = 0
    package var alertCount = 0
    package var lastSuccess: Int64 = 0
    /// The first success after the last failure; 0 while there is none.
    package var firstSuccess: Int64 = 0
    /// 0 while the service is well.
    package var lastFailure: Int64 = 0
    /// nil before the first event, 0 while the service is well.
    package var firstFailure: Int64?
    /// When the latest failure was, also of a service that is well again.
    package var lastFailureInstant: Instant?
    /// When the last check that has ended was begun; nil: none since the daemon's start.
    package var lastCheckBegan: Instant?
    package var lastCheck: Int64?
    package var lastTrap: Int64 = 0
    package var lastTrapHost = ""
    package var lastOutput: [UInt8]?
    package var failureOutput: [UInt8] = []
    package var failureSummary: [UInt8] = []
    package var acknowledged: Int64 = 0
    package var acknowledgement: [UInt8] = []
    /// nil: never evaluated.
    package var dependencyHolds: Bool?
    package var isDisabled = false
    /// Of the last run that ended, in whole seconds.
    package var duration: Int64?
    /// The interval in force where it is `failure_interval`.
    package var usesFailureInterval = false
    package var periods: [PeriodState] = []
    /// Variables that clients set and that mean nothing here.
    package var variables: [Setting] = []

    package init() {}

    /// The first line; without a run there is none, and a failure without a word has `(NO SUMMARY)`.
    package var lastSummary: [UInt8] {
        let line = Array((lastOutput ?? []).prefix { $0 != UInt8(ascii: "\n") })
        return status.isFailure && HistoryLine.isBlank(line) ? HistoryLine.noSummary : line
    }
    /// Everything after the first line.
    package var lastDetail: [UInt8] { Array((lastOutput ?? []).drop { $0 != UInt8(ascii: "\n") }.dropFirst()) }
    /// Given in all periods since the service was well.
    package var alertsSent: Int { periods.map(\.alertsSent).reduce(0, +) }
    /// The latest in any period; 0: none.
    package var lastAlert: Int64 { periods.map(\.lastAlert).max() ?? 0 }
}

/// What changes of a period.
package struct PeriodState: Equatable, Sendable {
    package var key: String
    /// Seconds since 1970; 0: none since the service was well.
    package var lastAlert: Int64 = 0
    /// The same on the clock that is never set back.
    package var lastAlertInstant: Instant?
    /// What the last alert said.
    package var lastAlertOutput: [UInt8] = []
    package var alertsSent = 0
    /// The failures that `alertafter N T` counts, oldest first, and no more than it needs.
    package var failures: [Instant] = []
    /// The oldest of them in seconds since 1970; 0: none.
    package var firstFailure: Int64 = 0

    package init(key: String) { self.key = key }

    /// Forgets an outage: the service is well, or an acknowledgement has ended.
    mutating func forgetOutage(keepingLastAlert: Bool) {
        if !keepingLastAlert {
            lastAlert = 0
            lastAlertInstant = nil
            lastAlertOutput = []
        }
        alertsSent = 0
        failures = []
        firstFailure = 0
    }
}
