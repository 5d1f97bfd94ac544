// A point on the node's monotonic clock (CLOCK_BOOTTIME in the daemons, virtual time in the simulator). There is no
// way to read a clock here: pure code is handed the time.

/// A point in time in nanoseconds since boot, or since the start of a simulation.
package struct Instant: Comparable, Hashable, Sendable {
    package var nanoseconds: Int64

    package init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

    /// Earlier than every instant that a clock can show.
    package static let distantPast = Instant(nanoseconds: Int64.min / 4)
    /// Later than every instant that a clock can show.
    package static let distantFuture = Instant(nanoseconds: Int64.max / 4)

    package static func < (a: Instant, b: Instant) -> Bool { a.nanoseconds < b.nanoseconds }
    package static func + (a: Instant, b: Duration) -> Instant {
        Instant(nanoseconds: a.nanoseconds + b.wholeNanoseconds)
    }
    package static func - (a: Instant, b: Duration) -> Instant {
        Instant(nanoseconds: a.nanoseconds - b.wholeNanoseconds)
    }
    package static func - (a: Instant, b: Instant) -> Duration { .nanoseconds(a.nanoseconds - b.nanoseconds) }
}

extension Duration {
    /// The duration in nanoseconds, rounded towards zero; saturates at 146 years.
    package var wholeNanoseconds: Int64 {
        // Below two hours and a half without a division of 128 bits: every instant that is reckoned takes one of these.
        let units = attoseconds >> 9
        if units >= 0, let units = UInt64(exactly: units) { return Int64(units / 1_953_125) }
        let (seconds, attoseconds) = components
        guard seconds.magnitude < 4_600_000_000 else { return seconds < 0 ? Int64.min / 2 : Int64.max / 2 }
        return seconds * 1_000_000_000 + attoseconds / 1_000_000_000
    }

    /// The duration in milliseconds, rounded to the nearest.
    package var wholeMilliseconds: Int64 {
        let nanoseconds = wholeNanoseconds
        return (nanoseconds + (nanoseconds < 0 ? -500_000 : 500_000)) / 1_000_000
    }
}
