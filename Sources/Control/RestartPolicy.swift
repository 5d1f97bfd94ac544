// When a process that died is started again: at once, unless it keeps dying.
import ClusterModel

/// The recent deaths of one process. Pure.
struct RestartPolicy {
    /// Deaths within `window` after which a restart waits.
    static let deathsMax = 4
    static let window = Duration.seconds(10)
    static let pause = Duration.seconds(2)

    private var deaths: [Instant] = []

    /// Notes a death; returns how long to wait before the next start.
    mutating func died(at now: Instant) -> Duration {
        deaths.removeAll { now - $0 > RestartPolicy.window }
        deaths.append(now)
        return deaths.count > RestartPolicy.deathsMax ? RestartPolicy.pause : .zero
    }
}
