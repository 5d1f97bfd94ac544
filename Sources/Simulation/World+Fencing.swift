// Virtual fencing devices: they cut the power of a node, after a while, or fail.
import ClusterCore
import ClusterModel

extension World {
    mutating func fence(_ target: NodeID, _ operation: OperationID, at node: Int) {
        let name = nodes[node].configuration.members[target.index].name
        guard let index = nodes.firstIndex(where: { $0.name == name }) else { return }
        fencesBegun += 1
        let job = FenceJob(
            operation: operation, target: index, node: node, session: nodes[node].session, life: nodes[node].life)
        queue.push(at: now + conditions.fenceTime, .fence(job))
    }

    mutating func finish(_ job: FenceJob) {
        // Of an order whose giver is gone the device may have heard, or not.
        let isOrphaned = nodes[job.node].life != job.life
        if isOrphaned && chance(0.5) { return }
        guard !chance(conditions.fenceFailure) else { return answer(job, "the device does not answer") }
        note("fence \(nodes[job.target].name)")
        crash(job.target)
        fencesDone += 1
        if let rebootTime = conditions.rebootTime { queue.push(at: now + rebootTime, .boot(node: job.target)) }
        answer(job, nil)
    }

    private mutating func answer(_ job: FenceJob, _ failure: String?) {
        guard nodes[job.node].session == job.session, nodes[job.node].life == job.life else { return }
        deliver(.fenced(job.operation, failure: failure), to: job.node)
    }
}
