// What a resource can be asked, and what it can answer.

/// The three operations of a resource; raw values are the words that scripts are called with.
package enum ResourceOperation: String, Equatable, Sendable {
    /// Succeeds where the resource runs already.
    case start
    /// Succeeds where the resource does not run.
    case stop
    case status
}

/// What came of one operation of one resource.
package enum ResourceOutcome: Equatable, Sendable {
    /// A start or a stop succeeded.
    case done
    /// A start or a stop failed; one line, in the resource's own words where it has some.
    case failed(String)
    /// Answers to `status`.
    case running
    case stopped
    /// It cannot be told whether the resource runs.
    case unknown(String)

    /// Whether this is the outcome that the operation is to have.
    package var failure: String? {
        switch self {
        case .done, .running, .stopped: nil
        case .failed(let reason), .unknown(let reason): reason
        }
    }
}

/// An operation that is under way. Whoever started it is called back exactly once, also after `cancel`.
package protocol RunningOperation: AnyObject {
    /// Ends the operation early; it then counts as failed.
    func cancel()
}
