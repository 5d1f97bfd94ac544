// Other machines that claim addresses held here, as the resource manager tells of them: whether that is a partition
// that heals, which the epochs settle, or a machine that knows nothing of the cluster; and how long it is shown.
import Admin
import ClusterModel
import Journal
import LinuxSystem
import Privsep

struct ContestDesk {
    /// A claim is judged so much later: the other side's status message may come after its announcement.
    static let judgeAfter: Duration = .seconds(1)
    /// A node that had the group, and was heard so long before a claim was told or later, is the one that claimed. What
    /// is told may be ten seconds old.
    private static let partitionWindow: Duration = .seconds(12)
    /// Longer than the ten seconds in which a machine that goes on claiming is told of again.
    private static let quietAfter: Duration = .seconds(60)
    /// Contests that are remembered: a hostile machine can claim whatever is held here.
    private static let contestsMax = 1024

    private struct Contest {
        var address: ContestedAddress
        var group: GroupID?
        var last: Instant
        var count: UInt64
        /// Something of it was not judged yet; it was never.
        var isFresh = true
        var isNew = true
        /// The node of this cluster that claims it.
        var node: String?
    }

    private var contests: [Contest] = []
    private var limit = RateLimit(burst: 3, interval: .seconds(60), keyCountMax: 16)

    /// Takes what the resource manager tells. Returns when `judge` is to be called at the latest.
    mutating func take(_ told: ContestedAddress, group: GroupID?, now: Instant) -> Instant? {
        forget(now)
        let index = contests.firstIndex {
            $0.address.address == told.address && $0.address.interface == told.interface
        }
        guard let index else {
            guard contests.count < ContestDesk.contestsMax else { return nil }
            contests.append(
                Contest(address: told, group: group, last: now, count: UInt64(told.count)))
            return now + ContestDesk.judgeAfter
        }
        if contests[index].address.machine != told.machine {
            contests[index].count = 0
        }
        contests[index].address = told
        contests[index].last = now
        contests[index].count += UInt64(told.count)
        contests[index].isFresh = true
        return now + ContestDesk.judgeAfter
    }

    /// Whether `judge` is to be called again after `judgeAfter`: a node that is not heard yet may turn out to be the
    /// other machine.
    mutating func isOpen(_ now: Instant) -> Bool {
        forget(now)
        return contests.contains { $0.isFresh || $0.node == nil }
    }

    /// What is to be logged of claims that came since the last call, or were understood since. `contender`: the node
    /// that had a group, too, and was heard since an instant.
    mutating func judge(_ now: Instant, contender: (GroupID, Instant) -> String?) -> [LogRecord] {
        var records: [LogRecord] = []
        for index in contests.indices {
            let contest = contests[index]
            let node = contest.group.flatMap { contender($0, contest.last - ContestDesk.partitionWindow) }
            // What was understood stays so until the next claim.
            guard contest.isFresh || (node != nil && contest.node == nil) else { continue }
            contests[index].isFresh = false
            contests[index].isNew = false
            contests[index].node = node
            let kind = contests[index].node == nil ? contest.address.machine : "node"
            guard let withheld = limit.admit(kind, now: now) else { continue }
            let suffix = withheld > 0 ? " (and \(withheld) others were)" : ""
            records.append(record(contests[index], suffix))
        }
        return records
    }

    private func record(_ contest: Contest, _ suffix: String) -> LogRecord {
        let told = contest.address
        let fields = [
            Setting(name: "GROUP", value: told.group), Setting(name: "INTERFACE", value: told.interface),
        ]
        let place = "\(told.address) on \(told.interface)"
        if let node = contest.node {
            return LogRecord(
                .notice, "address-partition",
                "\(place) was announced by \(told.machine) too: node \(node) had the group \(told.group) while it was "
                    + "not heard, and the epochs decide\(suffix)", fields)
        }
        return LogRecord(
            .critical, "address-contested",
            "\(place) is also claimed by \(told.machine), which is no node that says it has the group \(told.group): "
                + "announced again, clients may reach either. Free it there\(suffix)", fields)
    }

    /// What is contested now, in the order in which it began; claims that a node of this cluster made are settled.
    mutating func report(_ now: Instant) -> [ContestReport] {
        forget(now)
        return contests.filter { !$0.isNew && $0.node == nil }.map {
            ContestReport(
                address: $0.address.address, interface: $0.address.interface, group: $0.address.group,
                machine: $0.address.machine, count: $0.count, age: now - $0.last)
        }
    }

    private mutating func forget(_ now: Instant) {
        contests.removeAll { now - $0.last > ContestDesk.quietAfter }
    }
}
