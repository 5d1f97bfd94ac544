// hb freeze and hb unmanage: while a group is held still, nothing of it is started, stopped or moved by this node's own
// decision, nor granted to another. What safety demands is done all the same: a right that is lost, a rival with a
// better claim, and this daemon's own shutdown still stop.
import ClusterModel

/// What an operator orders.
package struct MaintenanceOrder: Equatable, Sendable {
    /// nil: all groups.
    package var group: String?
    package var isOn: Bool
    /// Ends by itself after that; nil: never.
    package var duration: Duration?
    package var user: String
    package var reason: String
    /// Wall-clock seconds since 1970.
    package var time: Int64

    package init(
        group: String?, isOn: Bool, duration: Duration? = nil, user: String = "", reason: String = "", time: Int64 = 0
    ) {
        self.group = group
        self.isOn = isOn
        self.duration = duration
        self.user = user
        self.reason = reason
        self.time = time
    }
}

/// An order that waits until all live nodes know of it.
struct PendingMaintenance: Sendable {
    var id: RequestID
    var mark: MaintenanceMark
    var deadline: Instant
}

extension Cluster {
    /// Between two reminders in the log.
    private static let reminderInterval = Duration.seconds(600)

    /// Whether nothing of a group may be started, stopped or moved now, as far as this node knows.
    package func isHeldStill(_ group: GroupID) -> Bool {
        maintenance.isHeldStill(group, lastHandled)
    }

    /// The groups of which that is true.
    package var groupsHeldStill: [GroupID] {
        let (table, now) = (maintenance, lastHandled)
        return groups.map(\.id).filter { table.isHeldStill($0, now) }
    }

    /// Whether a group that is held still may be stopped all the same: the daemon ends, the right is lost, or another
    /// node has it with a better claim.
    package func mayStop(_ group: GroupID) -> Bool {
        isLeaving || lastHandled >= heldUntil || groups[group.index].isForfeit
    }

    // MARK: Orders

    mutating func maintain(_ order: MaintenanceOrder, _ id: RequestID, _ now: Instant) {
        if let classic {
            let name = nodes[classic.node.index].name
            return refuse(id, "node \(name) runs heartbeat 3.0.6, which cannot be held still")
        }
        var group: GroupID?
        if let name = order.group {
            guard let found = coding.group(named: name) else {
                return refuse(id, "no resource group is named \(name): see hb status for the names")
            }
            group = found
        }
        guard order.isOn || maintenance.isOn(group, now) else {
            return effects.append(.reply(id, OperatorResponse(.done, "\(subject(group)) was not held still")))
        }
        func cut(_ text: String) -> String { String(text.prefix(MaintenanceWords.lengthMax)) }
        maintenance.set(
            group, isOn: order.isOn, until: order.duration.map { now + $0 },
            MaintenanceWords(
                node: configuration.localName, user: cut(order.user), reason: cut(order.reason), time: order.time))
        isUnsettled = true
        mayHaveNews = true
        say(maintenance[group], .notice)
        pendingMaintenance.append(
            PendingMaintenance(id: id, mark: maintenance[group], deadline: now + timing.deadtime))
    }

    /// Answers the orders that all live nodes know of, or that took too long.
    mutating func answerMaintenance(_ now: Instant) {
        guard !pendingMaintenance.isEmpty else { return }
        var waiting: [PendingMaintenance] = []
        for request in pendingMaintenance {
            let ignorant = board.alive.filter { id in
                let said = nodes[id.index].said?.maintenance ?? []
                return !said.contains {
                    $0.mark.group == request.mark.group && $0.mark.stamp >= request.mark.stamp
                }
            }
            let verb = request.mark.isOn ? "is held still" : "is managed again"
            if ignorant.isEmpty {
                effects.append(.reply(request.id, OperatorResponse(.done, "\(subject(request.mark.group)) \(verb)")))
            } else if now >= request.deadline {
                let names = ignorant.map { nodes[$0.index].name }.joined(separator: ", ")
                effects.append(
                    .reply(
                        request.id,
                        OperatorResponse(
                            .failed,
                            "\(subject(request.mark.group)) \(verb), but \(names) has not said that it knows;"
                                + " it will, as soon as it is heard")))
            } else {
                waiting.append(request)
            }
        }
        pendingMaintenance = waiting
    }

    /// The refusal of a request to move a group that is held still; nil where none of them is.
    func heldStillRefusal(_ selected: [LocalGroup]) -> String? {
        if maintenance.isOn(nil, lastHandled) { return "the cluster is frozen: end it with hb freeze --end" }
        guard let group = selected.first(where: { isHeldStill($0.id) }) else { return nil }
        return "\(group.name) is not managed: hb manage \(group.name)"
    }

    // MARK: What follows

    /// Takes over another node's register.
    mutating func learn(_ report: MaintenanceReport) {
        var mark = report.mark
        mark.until = report.remaining.map { lastHandled + $0 }
        guard maintenance.merge(mark) else { return }
        isUnsettled = true
        mayHaveNews = true
        say(mark, .notice)
    }

    /// Tells the resource manager what is held still, and sees to what was left undone.
    mutating func settleMaintenance(_ now: Instant) {
        for index in groups.indices {
            let group = groups[index].id
            let isHeld = isHeldStill(group)
            if isHeld != groups[index].isSuspended, groups[index].phase != .unknown {
                groups[index].isSuspended = isHeld
                effects.append(.suspend(group, isHeld))
            }
            guard !isHeld, let reason = groups[index].lossHeldBack else { continue }
            groups[index].lossHeldBack = nil
            lose(groups[index].name, reason)
        }
        remind(now)
    }

    private mutating func remind(_ now: Instant) {
        let active = maintenance.marks.filter { maintenance.isOn($0.group, now) }
        if active.isEmpty {
            remindAt = .distantFuture
        } else if remindAt == .distantFuture {
            remindAt = now + Cluster.reminderInterval
        } else if now >= remindAt {
            remindAt = now + Cluster.reminderInterval
            for mark in active { say(mark, .warning) }
        }
    }

    /// The next instant at which this has something to do.
    var maintenanceDeadline: Instant {
        min(
            maintenance.nextEnd(after: lastHandled), remindAt,
            pendingMaintenance.map(\.deadline).min() ?? .distantFuture)
    }

    private func subject(_ group: GroupID?) -> String {
        group.map { "resource group \(groups[$0.index].name)" } ?? "the cluster"
    }

    private mutating func say(_ mark: MaintenanceMark, _ level: LogLevel) {
        let words = mark.words
        let by = words.user.isEmpty ? "on \(words.node)" : "by \(words.user) on \(words.node)"
        let why = words.reason.isEmpty ? "" : ": \(words.reason)"
        let end = mark.until.map { ", for \(readable(max(.zero, $0 - lastHandled)))" } ?? ""
        let text = mark.isOn
            ? "\(subject(mark.group)) is held still\(end), nothing is started, stopped or moved (\(by)\(why))"
            : "\(subject(mark.group)) is managed again (\(by)\(why))"
        let fields = mark.group.map { [Setting(name: "GROUP", value: groups[$0.index].name)] } ?? []
        log(level, "maintenance", text, fields)
    }
}
