// The virtual resource managers: they take orders, need their time, and may fail. An order for a group ends the one
// before it. A resource counts as running from the beginning of its start to the end of its stop.
import ClusterCore
import ClusterModel

extension World {
    mutating func startGroup(_ group: GroupID, _ epoch: UInt64, _ operation: OperationID, at node: Int) {
        nodes[node].groups[group.index].epoch = epoch
        nodes[node].groups[group.index].runs = true
        nodes[node].groups[group.index].isStuck = false
        ownership.occupied(nodes[node].groups[group.index].name, node: node, at: now)
        service.began(nodes[node].groups[group.index].name, node: node, at: now)
        let outcome: Outcome = chance(conditions.startFailure) ? .startFailed : .started
        work(group, operation, outcome, for: conditions.startTime, at: node)
    }

    mutating func stopGroup(_ group: GroupID, _ operation: OperationID, at node: Int) {
        let outcome: Outcome = chance(conditions.stopFailure) ? .stopFailed : .stopped
        work(group, operation, outcome, for: conditions.stopTime, at: node)
    }

    mutating func verify(_ group: GroupID, _ epoch: UInt64, _ operation: OperationID, at node: Int) {
        nodes[node].groups[group.index].epoch = epoch
        work(group, operation, .verified, for: conditions.startTime, at: node)
    }

    private mutating func work(
        _ group: GroupID, _ operation: OperationID, _ outcome: Outcome, for time: Duration, at node: Int
    ) {
        jobLast += 1
        nodes[node].groups[group.index].job = jobLast
        let job = Job(
            operation: operation, group: nodes[node].groups[group.index].name, number: jobLast, outcome: outcome,
            session: nodes[node].session)
        queue.push(at: now + time, .job(job, node: node, life: nodes[node].life))
    }

    mutating func finish(_ job: Job, at node: Int) {
        guard let index = nodes[node].groups.firstIndex(where: { $0.name == job.group }) else { return }
        guard nodes[node].groups[index].job == job.number else {
            return answer(job, "\(job.group): ended by another order", remains: false, at: node)
        }
        nodes[node].groups[index].job = 0
        switch job.outcome {
        case .started, .verified:
            nodes[node].groups[index].isTorn = false
            answer(job, nil, remains: false, at: node)
        case .startFailed:
            release(index, at: node)
            answer(job, "\(job.group): start failed", remains: false, at: node)
        case .stopped:
            release(index, at: node)
            answer(job, nil, remains: false, at: node)
        case .stopFailed:
            nodes[node].groups[index].isStuck = true
            ownership.couldNotStop(job.group, node: node)
            answer(job, "\(job.group): stop failed", remains: true, at: node)
        }
    }

    private mutating func answer(_ job: Job, _ failure: String?, remains: Bool, at node: Int) {
        guard nodes[node].session == job.session else { return }
        deliver(.finished(job.operation, failure: failure, remains: remains), to: node)
    }

    /// What an operator does before a cleanup, which is their word that nothing runs where it was blocked: what could
    /// not be stopped is, where no daemon is left to try it.
    mutating func stopByHand() {
        for node in nodes.indices where !nodes[node].isUp {
            for index in nodes[node].groups.indices where nodes[node].groups[index].isStuck {
                release(index, at: node)
            }
        }
    }

    private mutating func release(_ index: Int, at node: Int) {
        nodes[node].groups[index].isTorn = false
        nodes[node].groups[index].isStuck = false
        nodes[node].groups[index].runs = false
        ownership.released(nodes[node].groups[index].name, node: node, at: now)
        service.ended(nodes[node].groups[index].name, node: node, at: now)
    }
}

extension Configuration {
    /// Whether the kernel ends all of a group with the node's lease: addresses, where `lease off` does not forbid it.
    package func leases(_ group: ResourceGroup) -> Bool {
        policy.leasesAddresses && group.resources.allSatisfy(\.isAddress)
    }

    /// Whether it ends some of it.
    package func leasesSome(_ group: ResourceGroup) -> Bool {
        policy.leasesAddresses && group.resources.contains(where: \.isAddress)
    }
}

extension ResourceSpecification {
    fileprivate var isAddress: Bool { ["IPaddr", "IPaddr2", "IPv6addr"].contains(type) }
}
