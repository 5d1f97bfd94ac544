// Virtual fencing devices: they cut the power of a node, after a while, or fail.
import ClusterCore
import ClusterModel

extension World {
    /// An order that is read too late is answered as failed, by the rule of `Effect.fence`.
    mutating func fence(_ target: NodeID, _ operation: OperationID, until: Instant, at node: Int) {
        let name = nodes[node].configuration.members[target.index].name
        guard let index = nodes.firstIndex(where: { $0.name == name }) else { return }
        let job = FenceJob(
            operation: operation, target: index, node: node, session: nodes[node].session, life: nodes[node].life)
        guard nodes[node].localTime(now) <= until else {
            note("fence \(name) was ordered too long ago")
            return answer(job, "the order was read too late")
        }
        fencesBegun += 1
        queue.push(at: now + conditions.fenceTime, .fence(job))
    }

    mutating func finish(_ job: FenceJob) {
        // Of an order whose giver is gone, or whose resource manager is, the device may have heard, or not: the program
        // that calls it is killed.
        let isOrphaned = nodes[job.node].life != job.life || nodes[job.node].session != job.session
        if isOrphaned && chance(0.5) { return }
        guard !chance(conditions.fenceFailure) else { return answer(job, "the device does not answer") }
        note("fence \(nodes[job.target].name)")
        crash(job.target)
        fencesDone += 1
        if let rebootTime = conditions.rebootTime { queue.push(at: now + rebootTime, .boot(node: job.target)) }
        answer(job, nil)
    }

    mutating func answer(_ job: FenceJob, _ failure: String?) {
        guard nodes[job.node].session == job.session, nodes[job.node].life == job.life else { return }
        guard !nodes[job.node].isManagerHung else {
            return nodes[job.node].unanswered.append(.fenced(job, failure: failure))
        }
        deliver(.fenced(job.operation, failure: failure), to: job.node)
    }
}
