// What operators and single failures must do to a cluster at rest, tried on the cluster that a run has left.
import ClusterCore
import ClusterModel

extension World {
    /// Standby, the loss of a resource, and a crash with its return, one after the other; what went wrong, nil if
    /// nothing did. `node` is the one that suffers; the cluster MUST be at rest.
    mutating func trial(node: Int, within limit: Duration) -> String? {
        standbyTrial(node, limit) ?? lossTrial(node, limit) ?? crashTrial(node, limit)
    }

    private mutating func rest(_ limit: Duration, _ what: String) -> String? {
        let came = run(atMost: limit) { $0.isAtRest }
        // What was said is heard everywhere.
        run(.milliseconds(500))
        guard came, isAtRest else { return "\(what): not every group runs once: \(owners)" }
        return flawAtRest().map { "\(what): \($0)" }
    }

    private mutating func standbyTrial(_ node: Int, _ limit: Duration) -> String? {
        let request = request(.standby(.all), at: node)
        guard run(atMost: limit, until: { $0.response(to: request) != nil }), let response = response(to: request),
            response.outcome == .done
        else { return "standby: \(response(to: request)?.text ?? "no answer")" }
        if let text = rest(limit, "standby") { return text }
        return owners.contains(node) ? "standby: the node still has groups: \(owners)" : nil
    }

    private mutating func lossTrial(_ node: Int, _ limit: Duration) -> String? {
        let group = nodes[0].configuration.groups[node % nodes[0].configuration.groups.count].name
        guard let owner = owners(group).first else { return "loss: \(group) runs nowhere" }
        lose(group: group, at: owner, reason: "removed")
        if let text = rest(limit, "loss") { return text }
        if owners(group) == [owner] { return "loss: \(group) stayed where it failed" }
        let failures = failuresKnown
        guard failures.count == 1, failures[0].count == 1, failures[0].node == nodes[owner].name else {
            return "loss: wrong fail counts: \(failures)"
        }
        let place = owners
        _ = request(.cleanup(group: group), at: node)
        if let text = rest(limit, "cleanup") { return text }
        if !failuresKnown.isEmpty { return "cleanup: failures are still known" }
        let mayStay = nodes[0].configuration.autoFailback == .off && nodes[0].snapshot(now)?.groups.allSatisfy {
            $0.wanted == nil
        } == true
        return mayStay && owners != place ? "cleanup: groups moved without a reason" : nil
    }

    private mutating func crashTrial(_ node: Int, _ limit: Duration) -> String? {
        let before = owners
        crash(node)
        guard run(atMost: limit, until: { $0.isAtRest }) else { return "crash: not every group runs once: \(owners)" }
        let during = owners
        for (index, owner) in before.enumerated() where owner != node && during[index] != owner {
            return "crash: group \(index) moved though its node lives"
        }
        start(node)
        run(nodes[node].configuration.timing.initdead + .milliseconds(500))
        if let text = rest(limit, "return") { return text }
        let stays = nodes[0].configuration.autoFailback == .off
        return stays && owners != during ? "return: groups moved under auto_failback off" : nil
    }
}
