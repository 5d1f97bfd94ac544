// After the faults: everything is repaired, and the cluster has a bounded time to come to rest.
import Admin
import CLinux
import ClusterModel
import LinuxSystem
import Rig

extension Victim {
    /// A cluster that was repaired comes to rest within that: start of a daemon, initdead, moves, hung scripts.
    static let settleMax = Duration.seconds(40)

    /// Ends what still goes on, and starts what is down.
    func heal() throws {
        for number in scenario.nodes.indices {
            let node = node(number)
            try returnPower(number)
            try thaw(number)
            if mayEnd[number], node.hasDaemon, try awaitEnd(of: node) { try revive(number) }
        }
        try waiting.until("the end of the operators' commands", within: .seconds(30)) {
            try operators.removeAll { try Children.poll($0) != nil }
            return operators.isEmpty
        }
    }

    /// Whether a daemon that was told to end, or was killed, has ended. One that was not reached goes on.
    private func awaitEnd(of node: Node) throws -> Bool {
        // A killed daemon is gone at once; one that shuts down stops its groups before.
        let isLeaving = node.report()?.isLeaving == true
        let limit: Duration = isLeaving ? .seconds(20) : .milliseconds(300)
        return try waiting.watch(limit) { node.control == nil ? true : nil } ?? false
    }

    /// Waits until the cluster is at rest; what is in the way is a finding.
    func settle(faults: [Fault]) throws -> Duration {
        let begin = Clock.now()
        var cleaned = begin
        var calm = 0
        var owners: [String] = []
        while true {
            for number in scenario.nodes.indices where node(number).control == nil { try revive(number) }
            let obstacle = obstacle()
            if obstacle == nil {
                let now = cluster.nodes[0].report()?.groups.map { $0.owner ?? "" } ?? []
                calm = now == owners ? calm + 1 : 0
                owners = now
                if calm >= 3 { return Clock.now() - begin }
            } else {
                calm = 0
            }
            if Clock.now() - begin > Victim.settleMax {
                findings.append("not at rest after \(Victim.settleMax): \(obstacle ?? "groups keep moving")")
                return Clock.now() - begin
            }
            if hasFailures, Clock.now() - cleaned > .seconds(1) {
                cleaned = Clock.now()
                try operate(0, ["hb", "cleanup"])
            }
            try operators.removeAll { try Children.poll($0) != nil }
            try waiting.pass(.milliseconds(60))
        }
    }

    /// Makes room on the disks: the log file goes on growing from nothing.
    func emptyLogs() {
        for node in cluster.nodes { truncate(node.runFolder + "/ha-log", 0) }
    }

    private var hasFailures: Bool {
        cluster.nodes.contains { node in
            node.report()?.groups.contains { group in
                !group.failures.isEmpty || group.state == .blocked || group.state == .failed
            } == true
        }
    }

    /// Why the cluster is not at rest yet.
    private func obstacle() -> String? {
        var owners: [String: String] = [:]
        for node in cluster.nodes {
            guard let report = node.report(within: .milliseconds(500)) else { return "\(node.name) does not answer" }
            if let text = Victim.obstacle(in: report) { return "\(node.name): \(text)" }
            // A node that stood still, or was cut off from its ping node, waits before it takes anything home.
            if scenario.autoFailback == "on",
                let group = report.groups.first(where: { $0.wanted == nil && $0.owner != $0.preferred })
            {
                return "\(group.name) is not at home on \(group.preferred) yet"
            }
            for group in report.groups {
                let owner = group.owner ?? ""
                if let other = owners[group.name], other != owner {
                    return "\(group.name) is on \(other), or on \(owner) as \(node.name) has it"
                }
                owners[group.name] = owner
            }
        }
        return nil
    }

    private static func obstacle(in report: ClusterReport) -> String? {
        if report.status != .active || report.isLeaving { return "\(report.status), leaving: \(report.isLeaving)" }
        if !report.quorum.isPresent { return "no quorum" }
        for node in report.nodes {
            if node.status != (node.kind == .ping ? .ping : .active) { return "\(node.name) is \(node.status)" }
            if node.isUnreachable || node.isLeaving || node.differsInConfiguration {
                return "\(node.name): unreachable \(node.isUnreachable), leaving \(node.isLeaving), other files"
                    + " \(node.differsInConfiguration)"
            }
            if !node.isLocal, let link = node.links.first(where: { $0.status != .up }) {
                return "link \(link.name) to \(node.name) is \(link.status)"
            }
        }
        for medium in report.media where !medium.isOpen { return "\(medium.name) is not open: \(medium.reason ?? "")" }
        for group in report.groups {
            if group.state != .held || !group.failures.isEmpty || !group.waitsFor.isEmpty {
                return "\(group.name) is \(group.state) on \(group.owner ?? "no node"), failures \(group.failures),"
                    + " waits for \(group.waitsFor)"
            }
        }
        return nil
    }
}
