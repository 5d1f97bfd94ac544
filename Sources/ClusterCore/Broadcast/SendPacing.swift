// How often a status message may go out before its time. A change is told at once, but a hundred nodes that answer each
// other's changes must not flood the media: what exceeds the burst waits and goes out together.
import ClusterModel

/// A bucket of messages that may be sent early.
struct SendPacing: Sendable {
    /// Early messages in a row. A planned move needs three.
    static let burst = 8

    private var tokens = burst
    private var refilledAt: Instant

    init(now: Instant) { refilledAt = now }

    /// When the next early message may go out; not later than `now` where one may go now.
    func nextAllowed(keepalive: Duration) -> Instant {
        tokens > 0 ? .distantPast : refilledAt + SendPacing.interval(keepalive)
    }

    /// Takes a token. Returns false where there is none.
    mutating func take(now: Instant, keepalive: Duration) -> Bool {
        let interval = SendPacing.interval(keepalive)
        let earned = (now - refilledAt).wholeNanoseconds / max(1, interval.wholeNanoseconds)
        if earned > 0 {
            tokens = Int(min(Int64(SendPacing.burst), Int64(tokens) + earned))
            refilledAt = tokens == SendPacing.burst ? now : refilledAt + interval * Int(min(earned, 1 << 20))
        }
        guard tokens > 0 else { return false }
        if tokens == SendPacing.burst { refilledAt = now }
        tokens -= 1
        return true
    }

    private static func interval(_ keepalive: Duration) -> Duration { keepalive / burst }
}
