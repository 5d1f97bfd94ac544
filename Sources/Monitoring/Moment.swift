// One reading of all clocks: what happens at once happens at one moment.
import ClusterModel

/// A reading of the clocks, made by the shell for each event.
package struct Moment: Equatable, Sendable {
    /// On the clock that is never set back; all intervals are measured on it.
    package var now: Instant
    /// Seconds since 1970; what clients and files are told. May be set back.
    package var epoch: Int64
    /// The same in local time, for time periods.
    package var calendar: CalendarTime

    package init(now: Instant, epoch: Int64, calendar: CalendarTime) {
        self.now = now
        self.epoch = epoch
        self.calendar = calendar
    }
}
