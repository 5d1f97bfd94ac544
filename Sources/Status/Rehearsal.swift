// What the core does when others die, done once for nobody: code that runs for the first time is slow, and a daemon's
// first takeover is mostly its only one.
import ClusterCore
import ClusterModel

enum Rehearsal {
    /// The first is late, for which a core distrusts itself for two keepalives; then it judges.
    private static let wakeCount = 6

    /// Has a copy of a core that has just begun find, after `initdead`, that it is alone, and take what it may. Nothing
    /// comes of it: what it says is dropped.
    static func run(_ cluster: Cluster, now: Instant) {
        var copy = cluster
        var effects: [Effect] = []
        let found = cluster.configuration.groups.map { Finding(group: $0.name, state: .stopped, epoch: 0) }
        copy.handle(.inventory(found, entitledUntil: nil), now: now, effects: &effects)
        var at = now + cluster.timing.initdead
        for _ in 0..<wakeCount {
            copy.handle(.wake, now: at, effects: &effects)
            at = max(at, copy.nextDeadline ?? at)
        }
    }
}
