// Each medium towards each node: up while authenticated packets come in, dead after the node's interval without one
// (specs/heartbeat.md 4.5).
import ClusterModel

/// A medium towards a node.
package enum LinkStatus: String, Sendable {
    case up
    case dead
}

/// All links of this node.
struct LinkTable: Sendable {
    struct Link: Sendable {
        var status = LinkStatus.dead
        var heardAt: Instant?
        /// Of the last numbered message.
        var sequence: UInt64?
    }

    private let mediumCount: Int
    private var links: [Link]

    init(members: Int, media: Int) {
        mediumCount = media
        links = Array(repeating: Link(), count: members * media)
    }

    subscript(node: NodeID, medium: MediumID) -> Link { links[node.index * mediumCount + medium.index] }

    /// Notes a packet. Returns whether the link came up with it.
    mutating func heard(_ node: NodeID, _ medium: MediumID, at: Instant, sequence: UInt64? = nil) -> Bool {
        guard medium.index < mediumCount else { return false }
        let position = node.index * mediumCount + medium.index
        links[position].heardAt = max(at, links[position].heardAt ?? at)
        if let sequence { links[position].sequence = sequence }
        if links[position].status == .up { return false }
        links[position].status = .up
        return true
    }

    /// The node's links that have been silent for `interval` now; they are dead from here on.
    mutating func expire(_ node: NodeID, after interval: Duration, now: Instant) -> [MediumID] {
        var expired: [MediumID] = []
        for index in 0..<mediumCount {
            let position = node.index * mediumCount + index
            guard links[position].status == .up, let heardAt = links[position].heardAt, heardAt + interval <= now else {
                continue
            }
            links[position].status = .dead
            expired.append(MediumID(index))
        }
        return expired
    }

    /// When the first of the node's links will have been silent for `interval`.
    func nextExpiry(_ node: NodeID, after interval: Duration) -> Instant? {
        var earliest: Instant?
        for index in 0..<mediumCount {
            let link = links[node.index * mediumCount + index]
            guard link.status == .up, let heardAt = link.heardAt else { continue }
            earliest = min(earliest ?? .distantFuture, heardAt + interval)
        }
        return earliest
    }
}
