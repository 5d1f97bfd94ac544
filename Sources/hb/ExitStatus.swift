// The exit statuses of `hb` and its verbs, as hb(1) lists them. cl_status has its own.
import Admin

enum ExitStatus {
    /// Done; for `hb status`: everything is as it should be.
    static let done: Int32 = 0
    /// Refused or failed; for `hb status`: something needs attention.
    static let failed: Int32 = 1
    static let usage: Int32 = 2
    static let notRunning: Int32 = 3
    static let notPermitted: Int32 = 4
    static let timedOut: Int32 = 5
    /// The outcome is not known: the daemon ended in mid-answer, cannot answer, or its answer makes no sense.
    static let unknown: Int32 = 6

    /// The status for a request that was not answered.
    static func of(_ error: AdminError) -> Int32 {
        switch error {
        case .notRunning: notRunning
        case .notPermitted: notPermitted
        case .timedOut: timedOut
        case .connectionLost, .malformed, .unanswered: unknown
        case .system: failed
        }
    }

    /// The status for an outcome.
    static func of(_ outcome: AdminResponse.Outcome) -> Int32 {
        switch outcome {
        case .done: done
        case .refused, .failed, .error: failed
        case .denied: notPermitted
        }
    }
}
