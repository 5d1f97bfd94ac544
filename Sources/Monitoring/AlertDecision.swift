// Whether an alert is given in one period (specs/mon.md 8, tests 7 to 12). Pure of everything but its arguments.
import ClusterModel

/// What a failure looks like when an alert is decided on.
struct AlertOccasion {
    var exit: Int32
    var output: [UInt8]
    var consecutiveFailures: Int
    /// Since when the service fails.
    var failingFor: Duration
    var now: Instant
}

/// Why no alert is given.
enum AlertRefusal: Equatable, Sendable {
    case otherExit
    case enoughAlerts
    case tooSoon
    case notLongEnough
}

enum AlertDecision {
    /// nil: the alert is given. `state` MUST hold this failure already.
    static func refusal(
        _ period: AlertPeriod, _ state: PeriodState, _ occasion: AlertOccasion
    ) -> AlertRefusal? {
        if let range = period.exitRange, !range.contains(occasion.exit) { return .otherExit }
        if let most = period.numAlerts, state.alertsSent >= most { return .enoughAlerts }
        if holdsBack(period.alertEvery, state, occasion) { return .tooSoon }
        switch (period.alertAfterCount, period.alertAfterInterval) {
        case (let count?, nil): return occasion.consecutiveFailures < count ? .notLongEnough : nil
        case (nil, let interval?): return occasion.failingFor <= interval ? .notLongEnough : nil
        case (let count?, .some): return state.failures.count < count ? .notLongEnough : nil
        case (nil, nil): return nil
        }
    }

    private static func holdsBack(_ every: AlertEvery?, _ state: PeriodState, _ occasion: AlertOccasion) -> Bool {
        guard let every, let last = state.lastAlertInstant, occasion.now - last < every.interval else { return false }
        switch every.condition {
        case .always, .strict: return true
        case .sameOutput: return state.lastAlertOutput == occasion.output
        case .sameSummary: return summary(state.lastAlertOutput) == summary(occasion.output)
        }
    }

    private static func summary(_ output: [UInt8]) -> ArraySlice<UInt8> { output.prefix { $0 != UInt8(ascii: "\n") } }

    /// Takes a failure into account for `alertafter N T`: keeps those within the interval, the newest N.
    static func note(_ period: AlertPeriod, _ state: inout PeriodState, _ now: Instant, epoch: Int64) {
        guard let count = period.alertAfterCount, let interval = period.alertAfterInterval else { return }
        state.failures.append(now)
        state.failures.removeAll { now - $0 > interval }
        if state.failures.count > count { state.failures.removeFirst(state.failures.count - count) }
        let age = (now - (state.failures.first ?? now)).wholeMilliseconds / 1000
        state.firstFailure = epoch - age
    }
}
