// When each resource that runs here is looked at next, and what follows when it is found dead, as a value: it starts
// nothing and reads no clock. `handle` takes what happened and appends what must be done.
import ClusterModel

/// The monitoring of all resources of a node.
package struct MonitorPlan: Sendable {
    /// A resource, by numbers that the shell gives out: of its group, and its place in it.
    package struct ID: Equatable, Sendable {
        package var group: Int
        package var resource: Int

        package init(group: Int, resource: Int) {
            self.group = group
            self.resource = resource
        }
    }

    /// Names one check; never used twice.
    package typealias CheckID = UInt64

    /// What a check has found.
    package enum Finding: Equatable, Sendable {
        case running
        /// It surely does not run as it should.
        case failed(String)
        /// It cannot be told: the check took too long, or was killed. Twice in a row it counts as failed.
        case unclear(String)
        /// Nothing could be asked. It says nothing of the resource, so nothing follows.
        case unasked(String)
    }

    /// What happens.
    package enum Event: Sendable {
        /// A group is held: these of its resources are watched from now on, instead of those before.
        case held(group: Int, [(resource: Int, policy: MonitorPolicy)])
        /// The group is operated on, or gone: nothing of it is watched.
        case left(group: Int)
        /// The answer to `.check`; of one that was given up it is ignored.
        case finished(CheckID, Finding)
        /// Something may have happened to a resource: it is looked at now.
        case noticed(ID)
        /// Somebody else found a resource dead. It need not be watched; its group MUST be held.
        case reported(ID, MonitorPolicy, String)
        /// Whether failures are only told, for an operator wants nothing to be started or stopped.
        case suspended(group: Int, Bool)
        /// An operator's cleanup: earlier restarts do not count any more.
        case forgotten(group: Int)
        /// `nextDeadline` has come.
        case wake
    }

    /// What the shell is to do.
    package enum Effect: Equatable, Sendable {
        /// MUST be answered by `.finished`.
        case check(ID, CheckID, MonitorPolicy)
        /// The check is not wanted any more; its answer is ignored.
        case cancel(CheckID)
        /// The resource has failed: count it.
        case failed(ID, String)
        /// Nothing could be asked; said once until something can.
        case unasked(ID, String)
        /// Stop what comes after it in its group and itself, and start them again: the n-th time in the window.
        case restart(ID, String, attempt: Int)
        /// Give the group up: it has failed too often.
        case giveUp(ID, String)
    }

    private struct Entry {
        var id: ID
        var policy: MonitorPolicy
        var due: Instant
        /// The check under way.
        var check: CheckID?
        /// It was noticed while a check was under way.
        var isStale = false
        var unclear = 0
        var isUnasked = false
        /// Its failure was told and nothing was done about it.
        var isDown = false
    }

    /// Checks that run at once. More are due later, whatever their number.
    package static let checksMax = 8
    /// After an answer that says nothing, if the interval is not shorter.
    private static let secondLook: Duration = .seconds(2)

    private var entries: [Entry] = []
    /// When each was restarted, oldest first.
    private var restarts: [(id: ID, at: [Instant])] = []
    private var suspended: [Int] = []
    private var checkLast: CheckID = 0
    private var checksRunning = 0
    /// Counts what was ever watched, for the spread of first checks.
    private var watched: UInt64 = 0

    package init() {}

    /// When `.wake` is due; nil: not before something else happens.
    package var nextDeadline: Instant? {
        if checksRunning >= MonitorPlan.checksMax { return nil }
        return entries.lazy.filter { $0.check == nil }.map(\.due).min()
    }

    /// Applies one event; appends effects in the order in which they must be carried out.
    package mutating func handle(_ event: Event, now: Instant, effects: inout [Effect]) {
        switch event {
        case .held(let group, let resources):
            leave(group, &effects)
            for (resource, policy) in resources { watch(ID(group: group, resource: resource), policy, now) }
        case .left(let group): leave(group, &effects)
        case .finished(let check, let finding): finish(check, finding, now, &effects)
        case .noticed(let id):
            guard let index = entries.firstIndex(where: { $0.id == id }) else { break }
            entries[index].due = min(entries[index].due, now)
            entries[index].isStale = entries[index].check != nil
        case .reported(let id, let policy, let reason): fail(id, policy, reason, now, &effects)
        case .suspended(let group, let isSuspended): suspend(group, isSuspended, now)
        case .forgotten(let group): restarts.removeAll { $0.id.group == group }
        case .wake: break
        }
        begin(now, &effects)
    }

    // MARK: When

    /// The first checks of many resources are spread evenly over their interval, however many are watched at once.
    private mutating func watch(_ id: ID, _ policy: MonitorPolicy, _ now: Instant) {
        watched &+= 1
        // Steps of the golden ratio never fall together.
        let part = Double((watched &* 0x9E37_79B9_7F4A_7C15) >> 11) / Double(1 << 53 as UInt64)
        let interval = Double(policy.interval.wholeNanoseconds)
        entries.append(Entry(id: id, policy: policy, due: now + .nanoseconds(Int64(interval * (0.5 + part / 2)))))
    }

    private mutating func leave(_ group: Int, _ effects: inout [Effect]) {
        for entry in entries where entry.id.group == group {
            guard let check = entry.check else { continue }
            checksRunning -= 1
            effects.append(.cancel(check))
        }
        entries.removeAll { $0.id.group == group }
    }

    private mutating func suspend(_ group: Int, _ isSuspended: Bool, _ now: Instant) {
        suspended.removeAll { $0 == group }
        if isSuspended { return suspended.append(group) }
        for index in entries.indices where entries[index].id.group == group && entries[index].isDown {
            entries[index].isDown = false
            entries[index].due = min(entries[index].due, now)
        }
    }

    /// Begins what is due, the longest overdue first.
    private mutating func begin(_ now: Instant, _ effects: inout [Effect]) {
        while checksRunning < MonitorPlan.checksMax {
            let due = entries.indices.filter { entries[$0].check == nil && entries[$0].due <= now }
            guard let index = due.min(by: { entries[$0].due < entries[$1].due }) else { return }
            checkLast += 1
            checksRunning += 1
            entries[index].check = checkLast
            entries[index].isStale = false
            effects.append(.check(entries[index].id, checkLast, entries[index].policy))
        }
    }

    // MARK: What follows

    private mutating func finish(_ check: CheckID, _ finding: Finding, _ now: Instant, _ effects: inout [Effect]) {
        guard let index = entries.firstIndex(where: { $0.check == check }) else { return }
        checksRunning -= 1
        entries[index].check = nil
        entries[index].due = entries[index].isStale ? now : now + entries[index].policy.interval
        switch finding {
        case .running:
            entries[index].unclear = 0
            entries[index].isUnasked = false
            entries[index].isDown = false
        case .failed(let reason): fail(entries[index].id, entries[index].policy, reason, now, &effects)
        case .unclear(let reason):
            entries[index].unclear += 1
            if entries[index].unclear >= 2 {
                return fail(entries[index].id, entries[index].policy, reason, now, &effects)
            }
            entries[index].due = now + min(entries[index].policy.interval, MonitorPlan.secondLook)
        case .unasked(let reason):
            if !entries[index].isUnasked { effects.append(.unasked(entries[index].id, reason)) }
            entries[index].isUnasked = true
        }
    }

    private mutating func fail(
        _ id: ID, _ policy: MonitorPolicy, _ reason: String, _ now: Instant, _ effects: inout [Effect]
    ) {
        let index = entries.firstIndex { $0.id == id }
        if let index { entries[index].unclear = 0 }
        if suspended.contains(id.group) {
            if let index, entries[index].isDown { return }
            effects.append(.failed(id, reason))
            if let index { entries[index].isDown = true }
            return
        }
        effects.append(.failed(id, reason))
        var past = restarts.first { $0.id == id }?.at ?? []
        past.removeAll { $0 + policy.window <= now }
        if past.count < policy.restarts {
            past.append(now)
            effects.append(.restart(id, reason, attempt: past.count))
        } else {
            // What happens elsewhere begins without a past, and so does a later return.
            past = []
            effects.append(.giveUp(id, reason))
        }
        restarts.removeAll { $0.id == id }
        if !past.isEmpty { restarts.append((id, past)) }
        // Nothing more is seen of the group until it is held again.
        leave(id.group, &effects)
    }
}
