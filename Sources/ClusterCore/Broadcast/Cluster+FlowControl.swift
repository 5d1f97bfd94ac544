// How far the others are behind this node's messages, and whether its clients must wait for them
// (specs/heartbeat.md 3.4).
import ClusterModel

extension Cluster {
    /// A classic node has all of this node's messages up to a number.
    mutating func receiveAcknowledgement(_ sequence: UInt64, from id: NodeID) {
        if sent.acknowledge(sequence, by: id) {
            guard classic?.node == id, let promise = sent.promise(of: sequence) else { return }
            // It does not say in its status what it has heard.
            nodes[id.index].promisedUntil = max(promise, nodes[id.index].promisedUntil ?? promise)
            hasRightChanged = true
            return
        }
        log(
            .error, "ack-corrupted",
            "corrupted ackseq \(sequence) from \(nodes[id.index].name), \(sent.last) is the newest number")
    }

    /// Whether clients may send messages: no live node is further behind than `SendWindow.clientWindow`. A classic node
    /// is as far as it has acknowledged, any other as far as its newest status message says. Never asked for the
    /// daemon's own messages.
    package var clientsMaySend: Bool {
        others.allSatisfy { id in
            guard nodes[id.index].isAlive, nodes[id.index].cached != nil else { return true }
            let reached = max(sent.acknowledged(by: id), heardOfUs(id))
            return sent.last - min(reached, sent.last) <= SendWindow.clientWindow
        }
    }

    private func heardOfUs(_ id: NodeID) -> UInt64 {
        guard let hearing = nodes[id.index].said?.hears[configuration.localName], hearing.generation == generation
        else { return 0 }
        return hearing.sequence
    }
}
