// Messages between clients of the daemons: the core numbers and passes them on, and does not look into them
// (specs/heartbeat.md 2.3, section 7).
import ClusterModel
import Messaging

extension Cluster {
    /// A local client speaks to the cluster, or to the node that `dest` names. What is also for this node comes back
    /// at once, as from every node (specs/heartbeat.md 2.4). Nothing is sent for clients of a node that is leaving.
    mutating func sendForClient(_ body: HAMessage, _ now: Instant) {
        guard status == .active, !isLeaving else { return }
        transmit(body, now)
        if let destination = body.text("dest")?.lowercased(), destination != configuration.localName { return }
        var returned = body
        returned.append("src", configuration.localName)
        deliverToClients(returned)
    }

    /// A message that is none of the core's: somebody's client sent it, or a newer version knows more.
    mutating func deliverToClients(_ message: HAMessage) { effects.append(.deliver(message)) }
}
