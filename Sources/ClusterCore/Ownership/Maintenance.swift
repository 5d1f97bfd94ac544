// What operators hold still: the whole cluster (hb freeze), or one group (hb unmanage). Registers as those of
// `Marks.swift`: every node carries them in its status, and the greater stamp wins everywhere.
import ClusterModel

/// An operator's order that nothing is started, stopped or moved, or its end.
package struct MaintenanceMark: Equatable, Sendable {
    /// nil: of all groups.
    package var group: GroupID?
    package var isOn: Bool
    package var stamp: UInt64
    /// Until when, by this node's clock; nil: until it is ended.
    package var until: Instant?
    package var words: MaintenanceWords
}

/// A register as a status message says it: clocks differ, so what remains is told and not the end.
package struct MaintenanceReport: Equatable, Sendable {
    /// Without `until`.
    package var mark: MaintenanceMark
    /// nil: until it is ended.
    package var remaining: Duration?
}

/// Who ordered it, when and why: for people, nothing follows from it.
package struct MaintenanceWords: Equatable, Sendable {
    /// The node that was asked.
    package var node: String
    package var user: String
    package var reason: String
    /// Wall-clock seconds since 1970, as the operator's tool said.
    package var time: Int64

    /// Longer texts are cut.
    package static let lengthMax = 200

    package init(node: String, user: String, reason: String, time: Int64) {
        self.node = node
        self.user = user
        self.reason = reason
        self.time = time
    }

    /// What decides between two operators at the same time, everywhere alike.
    fileprivate var rank: [String] { [node, user, reason, String(time)] }
}

/// The registers of one node: of the cluster, then of each group.
struct MaintenanceTable: Sendable {
    private(set) var marks: [MaintenanceMark]

    init(groups: Int) {
        let words = MaintenanceWords(node: "", user: "", reason: "", time: 0)
        marks = (0...groups).map { index in
            MaintenanceMark(
                group: index == 0 ? nil : GroupID(index - 1), isOn: false, stamp: 0, until: nil, words: words)
        }
    }

    subscript(_ group: GroupID?) -> MaintenanceMark { marks[MaintenanceTable.index(group)] }

    private static func index(_ group: GroupID?) -> Int { group.map { $0.index + 1 } ?? 0 }

    var written: [MaintenanceMark] { marks.filter { $0.stamp > 0 } }

    func isOn(_ group: GroupID?, _ now: Instant) -> Bool {
        let mark = self[group]
        return mark.isOn && (mark.until.map { now < $0 } ?? true)
    }

    /// Whether a group is held still, by itself or with everything.
    func isHeldStill(_ group: GroupID, _ now: Instant) -> Bool { isOn(nil, now) || isOn(group, now) }

    /// The next end of one that ends by itself.
    func nextEnd(after now: Instant) -> Instant {
        var next = Instant.distantFuture
        for mark in marks where mark.isOn {
            if let until = mark.until, until > now { next = min(next, until) }
        }
        return next
    }

    /// Writes this node's own decision.
    mutating func set(_ group: GroupID?, isOn: Bool, until: Instant?, _ words: MaintenanceWords) {
        let index = MaintenanceTable.index(group)
        marks[index] = MaintenanceMark(
            group: group, isOn: isOn, stamp: marks[index].stamp + 1, until: until, words: words)
    }

    /// Takes over what another node's register says, if it is newer.
    mutating func merge(_ mark: MaintenanceMark) -> Bool {
        let index = MaintenanceTable.index(mark.group)
        let own = marks[index]
        guard mark.stamp >= own.stamp, Counter.isCredible(mark.stamp, after: own.stamp) else { return false }
        if mark.stamp == own.stamp {
            // Two orders with one stamp: a daemon that had forgotten the first gave the second. Every node must come to
            // the same of the two. Holding still is the safer one, and without an end.
            if mark.isOn != own.isOn {
                guard mark.isOn else { return false }
            } else if mark.words.rank == own.words.rank {
                guard mark.until == nil, own.until != nil else { return false }
            } else if !own.words.rank.lexicographicallyPrecedes(mark.words.rank) {
                return false
            }
        }
        marks[index] = mark
        return true
    }
}
