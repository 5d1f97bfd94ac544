// Judges from outside the core: how many nodes have a group at each moment, and for how long more than one had it.
import ClusterModel

/// One stretch of time in which two nodes had a group.
package struct Overlap: Equatable, Sendable {
    package var group: String
    package var nodes: [Int]
    package var from: Instant
    package var duration: Duration
}

/// The owners of every group over a run.
package struct OwnershipChecker: Sendable {
    private var names: [String]
    private var owners: [[Int]]
    private var overlapSince: [Instant?]
    /// By group, who took it beside another one that ran, and had just been stopped: that excuses no start.
    private var intruders: [Int?]
    private var suspects: [Int] = []
    /// What could not be stopped: no decision of a core can give it up.
    private var stuck: [(group: String, node: Int)] = []
    /// Groups that nobody takes before their last node was powered off: that it was paused excuses nothing.
    private var fenced: [String] = []
    /// Overlaps that have ended, but for those of stopped processes and failed stops.
    package private(set) var overlaps: [Overlap] = []
    /// Number of times that any group was taken by a node.
    package private(set) var takes = 0

    init(groups: [String]) {
        names = groups
        owners = Array(repeating: [], count: groups.count)
        overlapSince = Array(repeating: nil, count: groups.count)
        intruders = Array(repeating: nil, count: groups.count)
    }

    mutating func protectedByFencing(_ group: String) {
        if !fenced.contains(group) { fenced.append(group) }
    }

    /// The overlaps of groups that fencing protects.
    package var overlapsDespiteFencing: [Overlap] { overlaps.filter { fenced.contains($0.group) } }

    mutating func occupied(_ group: String, node: Int, at now: Instant) {
        guard let index = names.firstIndex(of: group), !owners[index].contains(node) else { return }
        takes += 1
        owners[index].append(node)
        if owners[index].count == 2 { overlapSince[index] = now }
        let isAlone = owners[index].allSatisfy { $0 == node || isExcused(group, $0) }
        if !isAlone, suspects.contains(node) { intruders[index] = node }
    }

    mutating func released(_ group: String, node: Int, at now: Instant) {
        guard let index = names.firstIndex(of: group), owners[index].contains(node) else { return }
        let before = owners[index]
        owners[index].removeAll { $0 == node }
        if owners[index].count == 1, let since = overlapSince[index] {
            overlapSince[index] = nil
            let intruder = intruders[index]
            intruders[index] = nil
            if before.contains(where: { $0 != intruder && isExcused(group, $0) }) { return }
            overlaps.append(Overlap(group: group, nodes: before, from: since, duration: now - since))
        }
        stuck.removeAll { $0.group == group && $0.node == node }
    }

    private func isExcused(_ group: String, _ node: Int) -> Bool {
        suspects.contains(node) && !fenced.contains(group) || stuck.contains { $0.group == group && $0.node == node }
    }

    mutating func couldNotStop(_ group: String, node: Int) {
        if !stuck.contains(where: { $0.group == group && $0.node == node }) { stuck.append((group, node)) }
    }

    mutating func cleared(node: Int, at now: Instant) {
        for name in names { released(name, node: node, at: now) }
        trusted(node: node)
    }

    /// The node's processes were stopped: what it has it cannot give up before they run again.
    mutating func suspended(node: Int) {
        if !suspects.contains(node) { suspects.append(node) }
    }

    /// The node runs again, and has settled.
    mutating func trusted(node: Int) { suspects.removeAll { $0 == node } }

    /// Groups that more than one node has now.
    package var doublyOwned: [String] { names.indices.filter { owners[$0].count > 1 }.map { names[$0] } }
}
