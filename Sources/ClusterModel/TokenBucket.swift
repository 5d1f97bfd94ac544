// How often something may happen: so many times at once, and then at a steady rate.

/// A bucket that fills with time up to `burst` tokens. Pure; an instant before an earlier one counts as that one.
package struct TokenBucket: Equatable, Sendable {
    /// Saved up time; one token costs `interval`.
    private var credit: Int64
    private var updated: Instant?
    private let interval: Int64
    private let creditMax: Int64

    /// A full bucket, which gains a token each `interval`.
    package init(burst: Int, interval: Duration) {
        precondition(burst > 0 && interval > .zero, "a bucket that lets nothing pass")
        self.interval = interval.wholeNanoseconds
        creditMax = self.interval * Int64(burst)
        credit = creditMax
    }

    /// Takes a token. Returns false where there is none.
    package mutating func take(_ now: Instant) -> Bool {
        refill(now)
        guard credit >= interval else { return false }
        credit -= interval
        return true
    }

    /// Whether the bucket remembers nothing: it is as a fresh one.
    package mutating func isFull(_ now: Instant) -> Bool {
        refill(now)
        return credit == creditMax
    }

    private mutating func refill(_ now: Instant) {
        let last = updated ?? now
        let elapsed = max(0, (now - last).wholeNanoseconds)
        credit = min(creditMax, credit + min(elapsed, creditMax))
        updated = max(last, now)
    }
}
