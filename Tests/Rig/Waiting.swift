// Waits for something to become true: looks again and again, for nobody tells a bystander when a cluster has settled.
import CLinux
import ClusterModel
import LinuxSystem

/// How a rig passes the time between two looks.
package struct Waiting {
    /// Called between two looks; sleeps a little. What it throws ends the waiting, so that a demonstration can redraw
    /// its panel and obey Ctrl-C.
    package var pause: () throws -> Void

    package init(pause: @escaping () throws -> Void = Waiting.sleep) { self.pause = pause }

    /// One millisecond.
    package static func sleep() {
        var time = timespec(tv_sec: 0, tv_nsec: 1_000_000)
        nanosleep(&time, nil)
    }

    /// Looks until `condition` holds. Throws where it does not within `limit`.
    package func until(
        _ what: @autoclosure () -> String, within limit: Duration = .seconds(10), _ condition: () throws -> Bool
    ) throws {
        let end = Clock.now() + limit
        while try !condition() {
            guard Clock.now() < end else { throw RigError("\(what()): not within \(limit)") }
            try pause()
        }
    }

    /// Passes a time.
    package func pass(_ time: Duration) throws {
        let end = Clock.now() + time
        while Clock.now() < end { try pause() }
    }

    /// Looks for a time whether something stays as it is; returns the first thing that `violation` finds.
    package func watch<Finding>(_ time: Duration, for violation: () throws -> Finding?) throws -> Finding? {
        let end = Clock.now() + time
        while Clock.now() < end {
            if let finding = try violation() { return finding }
            try pause()
        }
        return nil
    }
}
