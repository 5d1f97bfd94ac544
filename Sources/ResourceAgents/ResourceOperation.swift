// What a resource can be asked, and what it can answer.
import ClusterModel

/// The operations of a resource; raw values are the words of OCF agents, and but for two those of scripts
/// (`scriptWord`).
package enum ResourceOperation: String, Equatable, Sendable {
    /// Succeeds where the resource runs already.
    case start
    /// Succeeds where the resource does not run.
    case stop
    case status
    /// As `status`, of a resource that should run: whether it does what it is for.
    case monitor
    /// Of a resource with two roles: takes the greater one.
    case promote
    /// Gives it back.
    case demote
    /// Whether it could be started, by its arguments and what is installed. Changes nothing.
    case validate = "validate-all"

    /// What heartbeat's and LSB's scripts are called with: they have no other word for a monitor.
    package var scriptWord: String { self == .monitor ? ResourceOperation.status.rawValue : rawValue }

    /// Whether the answer says if the resource runs.
    package var asks: Bool {
        switch self {
        case .status, .monitor: true
        case .start, .stop, .promote, .demote, .validate: false
        }
    }

    /// Under which name ha.cf gives it a time; nil for monitors, which have theirs in their own line.
    package var timed: TimedOperation? {
        switch self {
        case .start: .start
        case .stop: .stop
        case .status: .status
        case .promote: .promote
        case .demote: .demote
        case .validate: .validate
        case .monitor: nil
        }
    }
}

/// What came of one operation of one resource.
package enum ResourceOutcome: Equatable, Sendable {
    /// What was to be done is done.
    case done
    /// It failed; one line, in the resource's own words where it has some.
    case failed(String)
    /// Answers to `status` and `monitor`.
    case running
    case stopped
    /// It cannot be told whether the resource runs.
    case unknown(String)
    /// Answer to `monitor`: nothing could be asked, which says nothing of the resource.
    case unasked(String)

    /// Whether this is the outcome that the operation is to have.
    package var failure: String? {
        switch self {
        case .done, .running, .stopped: nil
        case .failed(let reason), .unknown(let reason), .unasked(let reason): reason
        }
    }
}

/// An operation that is under way. Whoever started it is called back exactly once, also after `cancel`.
package protocol RunningOperation: AnyObject {
    /// Ends the operation early; it then counts as failed.
    func cancel()
}
