// How much a client may say to the cluster: what it sends goes out before heartbeats that come later.
import ClusterModel

/// A bucket of messages that fills with time. Pure.
struct SendBudget {
    /// Messages at once.
    static let burst = 50
    /// Messages a second.
    static let rate = 50
    /// How long a client waits that has to.
    static let pause = Duration.milliseconds(50)

    private var left = burst
    private var countedAt: Instant?

    /// Whether one more message may go out now.
    mutating func take(_ now: Instant) -> Bool {
        let since = countedAt ?? now
        let earned = Int((now - since).wholeMilliseconds) * SendBudget.rate / 1000
        if earned > 0 || countedAt == nil {
            left = min(SendBudget.burst, left + earned)
            countedAt = now
        }
        guard left > 0 else { return false }
        left -= 1
        return true
    }
}
