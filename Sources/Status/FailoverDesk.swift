// Keeps what the core and the resource manager tell of failovers: what `hb explain` goes by.
import Admin
import ClusterModel
import Failovers
import LinuxSystem

struct FailoverDesk {
    private let startedAt = Clock.now()
    private var log = FailoverLog()
    /// What came in since the last `keep`.
    private var taken: [FailoverStep] = []

    /// Takes a step in, at the cost of a copy: what has to be done comes first.
    mutating func take(_ step: FailoverStep) { taken.append(step) }

    /// Sorts in what was taken.
    mutating func keep() {
        if taken.isEmpty { return }
        let wallOffset = Clock.wallNanoseconds() - Clock.now().nanoseconds
        for step in taken { log.note(step, wallOffset: wallOffset) }
        taken.removeAll(keepingCapacity: true)
    }

    /// The last failovers, `count` at most.
    func report(_ count: Int, node: String, generation: UInt64, _ now: Instant) -> FailoverReport {
        FailoverReport(
            node: node, generation: generation, recorded: now - startedAt,
            failovers: Array(log.failovers.suffix(count)))
    }
}
