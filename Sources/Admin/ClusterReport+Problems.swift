// What an operator should look at, derived from a report. `hb status` prints it and takes its exit status from it.
import ClusterModel

extension ClusterReport {
    /// One clause for each thing that is not as it should be; empty where every node is fine, every link up, and every
    /// group runs where it belongs. Names are as they came: what prints them MUST make them printable.
    package var problems: [String] {
        var problems: [String] = []
        if !quorum.isPresent {
            problems.append(
                quorum.policy == .ping
                    ? "no quorum: no ping node answers (policy ping)"
                    : "no quorum: this node reaches \(quorum.reachable) of \(quorum.configured) nodes"
                        + " (policy \(quorum.policy.rawValue))")
        }
        // What those have that are not heard, a side without quorum cannot know.
        let isBlind = !quorum.isPresent && quorum.reachable < quorum.configured
        problems += lacks
        if let frozen { problems.append("the cluster is frozen \(frozen.text)") }
        for node in nodes { problems += node.problems }
        for group in groups { problems += group.problems(isBlind: isBlind) }
        for contest in contests { problems.append(contest.problem) }
        for medium in media where !medium.isOpen {
            problems.append("medium \(medium.directive) \(medium.name) is not open" + suffix(medium.reason))
        }
        return problems
    }
}

extension NodeReport {
    fileprivate var problems: [String] {
        var problems: [String] = []
        if dialect == .refused {
            problems.append("node \(name) runs heartbeat 3.0.6 and takes no part: only two nodes can mix versions")
        } else if isUnreachable {
            problems.append("node \(name) is heard by others, but not by this node")
        } else if isLeaving {
            problems.append("node \(name) is shutting down")
        } else {
            switch status {
            case .initial: problems.append("node \(name) has not been heard since this node started")
            case .up: problems.append("node \(name) has not joined the cluster yet")
            case .dead: problems.append("node \(name) is dead")
            case .active, .ping: break
            }
        }
        if differsInConfiguration { problems.append("node \(name) runs with another configuration") }
        // The links of a dead node are dead, and those of this node say nothing.
        if !isLocal && (status == .active || status == .up || status == .ping) {
            for link in links where link.status == .dead {
                problems.append("link \(link.directive) \(link.name) to node \(name) is dead")
            }
        }
        return problems
    }
}

extension GroupReport {
    fileprivate func problems(isBlind: Bool) -> [String] {
        var problems: [String] = []
        let nowhere = isBlind ? "runs on no node that is heard" : "runs nowhere"
        let place = owner.map { " on \($0)" } ?? ""
        switch state {
        case .held:
            if let wanted, wanted != owner { problems.append("group \(name) runs\(place), wanted on \(wanted)") }
        case .claiming, .starting, .stopping: problems.append("group \(name) is \(state.rawValue)\(place)")
        case .blocked: problems.append("group \(name) cannot be stopped\(place): an operator must act")
        case .unknown: problems.append("it is not known whether group \(name) runs\(place)")
        case .failed: problems.append("group \(name) \(nowhere): its starts failed")
        case .stopped: problems.append("group \(name) \(nowhere)")
        }
        if let unmanaged { problems.append("group \(name) is not managed \(unmanaged.text)") }
        for failure in resourceFailures {
            let times = failure.count == 1 ? "once" : "\(failure.count) times"
            problems.append(
                "\(failure.resource) of group \(name) failed \(times) here: \(failure.operation): \(failure.reason)")
        }
        for failure in failures {
            let times = failure.count == 1 ? "once" : "\(failure.count) times"
            problems.append("group \(name) failed \(times) on \(failure.node)" + suffix(failure.reason))
        }
        return problems
    }
}

extension ContestReport {
    fileprivate var problem: String {
        let seconds = max(0, age.wholeMilliseconds / 1000)
        return "address \(address) of group \(group) is also claimed by \(machine) on \(interface), "
            + "last \(seconds) s ago"
    }
}

private func suffix(_ reason: String?) -> String { reason.map { ": " + $0 } ?? "" }
