// The seam between the service monitor and what carries out checks and alerts: programs of the mon family, and whatever
// this daemon does itself.
import ClusterModel
import Monitoring

/// A check under way.
package protocol RunningCheck: AnyObject {
    /// Its own process, for clients that ask; 0: it has none.
    var pid: Int32 { get }
    /// Ends it. Its completion is not called any more, or is and finds nobody who waits.
    func cancel()
}

/// What carries out checks.
package protocol CheckRunner: AnyObject {
    /// Whether a monitor of this name, the first word of a `monitor` line, is one of its own.
    func knows(_ name: String) -> Bool
    /// What is wrong with a monitor's words, its name first; nil: nothing that is known.
    func problem(_ words: [String]) -> String?
    /// Starts a check. `completion` MUST be called once, from the event loop, by the order's time limit or soon after,
    /// unless the check is cancelled. nil: it has been called already.
    func start(_ order: CheckOrder, completion: @escaping (CheckOutcome) -> Void) -> (any RunningCheck)?
}

/// What carries out alerts. Nobody waits for their end.
package protocol AlertRunner: AnyObject {
    /// Whether an alert of this name, the first word behind `alert`, is one of its own.
    func knows(_ name: String) -> Bool
    /// What is wrong with an alert's words, its name first; nil: nothing that is known.
    func problem(_ words: [String]) -> String?
    /// Carries an alert out. What goes wrong is the runner's to log.
    func start(_ order: AlertOrder)
}

/// What this daemon carries out itself.
package struct NativeRunners {
    /// nil: there are no native monitors.
    package var checks: (any CheckRunner)?
    /// nil: there are no native alerts.
    package var alerts: (any AlertRunner)?

    package init(checks: (any CheckRunner)? = nil, alerts: (any AlertRunner)? = nil) {
        self.checks = checks
        self.alerts = alerts
    }
}
