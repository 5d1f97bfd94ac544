// Who is told of what next, as a value: in order for each target, again after a failure, within bounds. It does nothing
// itself: `NotifierProcess` carries it out.
import ClusterModel

/// Transitions that targets are still to be told of.
struct DeliveryPlan {
    /// What became of telling one target of one transition.
    enum Outcome: Equatable {
        case delivered
        /// It may succeed later.
        case failed(String)
        /// It never will: the target refuses it.
        case refused(String)
    }

    /// What the shell is to do next.
    enum Effect: Equatable {
        /// MUST be answered by `finished`. One at a time for each target. `dropped`: transitions before this one that
        /// the target was never told of.
        case deliver(target: String, number: UInt64, Transition, dropped: UInt64)
        case keep(SpoolNote)
        case log(LogRecord)
    }

    /// What the spool is to remember: up to `number` the target needs nothing any more.
    struct SpoolNote: Equatable {
        var target: String
        var number: UInt64
        var dropped: UInt64
    }

    struct Event: Equatable {
        var number: UInt64
        var transition: Transition
    }

    private struct Target {
        let rule: NotificationRule
        /// Everything up to this is done with.
        var done: UInt64
        /// Never delivered, and not yet told of.
        var dropped: UInt64
        /// What of `dropped` the delivery under way tells.
        var droppedTold: UInt64 = 0
        var isRunning = false
        var failures = 0
        var retryAt: Instant?
    }

    /// Transitions that are kept for targets that do not answer.
    static let eventsMax = 2000
    static let firstPause: Duration = .seconds(1)
    static let longestPause: Duration = .seconds(60)
    /// A program that fails so often on one transition will not do better, and others wait behind it.
    static let programAttempts = 5

    private(set) var events: [Event] = []
    private(set) var last: UInt64
    private var targets: [Target] = []

    /// `events` and `last` as they were left by an earlier notifier, in ascending order.
    init(events: [Event] = [], last: UInt64 = 0) {
        self.events = events
        self.last = max(last, events.last?.number ?? 0)
    }

    /// When `wake` is due; nil where nothing waits for a time.
    var nextDeadline: Instant? { targets.lazy.filter { !$0.isRunning }.compactMap(\.retryAt).min() }

    /// Whether nobody is being told of anything.
    var isIdle: Bool { !targets.contains(where: \.isRunning) }

    /// Where each target is, for a spool that is written anew.
    var notes: [SpoolNote] {
        targets.map { SpoolNote(target: $0.rule.target.text, number: $0.done, dropped: $0.dropped) }
    }

    /// The targets from now on. `known`: what the spool remembers of them; one that is not among them is told of what
    /// comes from now on.
    mutating func configure(_ rules: [NotificationRule], known: [SpoolNote], effects: inout [Effect], now: Instant) {
        let old = targets
        targets = rules.map { rule in
            let note = known.first { $0.target == rule.target.text }
            var target = Target(rule: rule, done: note?.number ?? last, dropped: note?.dropped ?? 0)
            if let before = old.first(where: { $0.rule.target == rule.target }) {
                target.done = before.done
                target.dropped = before.dropped
                target.isRunning = before.isRunning
                target.droppedTold = before.droppedTold
            }
            return target
        }
        effects += notes.map { .keep($0) }
        proceed(&effects, now)
    }

    /// A transition to tell of; returns its number. `missed`: so many before it were lost on their way here.
    mutating func take(_ transition: Transition, missed: UInt64, effects: inout [Effect], now: Instant) -> UInt64 {
        last += 1
        events.append(Event(number: last, transition: transition))
        if missed > 0 {
            for index in targets.indices { targets[index].dropped += missed }
            log("\(missed) transitions were lost before the notifier had them", &effects)
        }
        forgetOldest(&effects)
        return last
    }

    /// Has whoever is free told; for after `take`, so that the spool has a transition before anybody is told of it.
    mutating func proceed(_ effects: inout [Effect], _ now: Instant) {
        for index in targets.indices { proceed(index, &effects, now) }
        let done = targets.map(\.done).min() ?? last
        events.removeAll { $0.number <= done }
    }

    /// A delivery is over.
    mutating func finished(
        _ name: String, _ number: UInt64, _ outcome: Outcome, effects: inout [Effect], now: Instant
    ) {
        guard let index = targets.firstIndex(where: { $0.rule.target.text == name }) else { return }
        targets[index].isRunning = false
        targets[index].retryAt = nil
        switch outcome {
        case .delivered:
            if targets[index].failures > 0 { log("\(targets[index].rule.target.name) takes them again", &effects) }
            // Its own may have been dropped, as one of the oldest, while it was told.
            let counted = targets[index].droppedTold + (targets[index].done >= number ? 1 : 0)
            targets[index].dropped -= min(counted, targets[index].dropped)
            done(index, number, &effects)
        case .refused(let reason): drop(index, number, reason, &effects)
        case .failed(let reason):
            targets[index].failures += 1
            let attempts = targets[index].failures
            if case .program = targets[index].rule.target, attempts >= DeliveryPlan.programAttempts {
                drop(index, number, reason, &effects)
                break
            }
            let pause = min(DeliveryPlan.longestPause, DeliveryPlan.firstPause * (1 << min(attempts - 1, 10)))
            targets[index].retryAt = now + pause
            if attempts == 1 {
                let name = targets[index].rule.target.name
                log("\(name) was not told: \(reason); it is tried again until it is", &effects)
            }
        }
        proceed(&effects, now)
    }

    // MARK: One target

    private mutating func proceed(_ index: Int, _ effects: inout [Effect], _ now: Instant) {
        guard !targets[index].isRunning else { return }
        if let retryAt = targets[index].retryAt, now < retryAt { return }
        targets[index].retryAt = nil
        let target = targets[index]
        guard let next = events.first(where: { $0.number > target.done && target.rule.wants($0.transition) }) else {
            // What it does not want is done with: nothing is kept for it.
            targets[index].done = last
            return
        }
        targets[index].isRunning = true
        targets[index].droppedTold = target.dropped
        effects.append(
            .deliver(
                target: target.rule.target.text, number: next.number, next.transition, dropped: target.dropped))
    }

    private mutating func done(_ index: Int, _ number: UInt64, _ effects: inout [Effect]) {
        targets[index].failures = 0
        targets[index].done = max(targets[index].done, number)
        note(index, &effects)
    }

    private mutating func drop(_ index: Int, _ number: UInt64, _ reason: String, _ effects: inout [Effect]) {
        let target = targets[index]
        // Where it was dropped as one of the oldest meanwhile, it is counted already.
        if number > target.done { targets[index].dropped += 1 }
        log("\(target.rule.target.name) was not told, and will not be: \(reason)", &effects)
        done(index, number, &effects)
    }

    private mutating func forgetOldest(_ effects: inout [Effect]) {
        while events.count > DeliveryPlan.eventsMax {
            let oldest = events.removeFirst()
            for index in targets.indices where targets[index].done < oldest.number {
                targets[index].done = oldest.number
                guard targets[index].rule.wants(oldest.transition) else { continue }
                targets[index].dropped += 1
                let count = targets[index].dropped
                // Not a line for each: a server that is down for a day must not fill the log.
                if count.nonzeroBitCount == 1 {
                    log("\(count) transitions were dropped for \(targets[index].rule.target.name)", &effects)
                }
                note(index, &effects)
            }
        }
    }

    private func note(_ index: Int, _ effects: inout [Effect]) {
        let target = targets[index]
        effects.append(
            .keep(SpoolNote(target: target.rule.target.text, number: target.done, dropped: target.dropped)))
    }

    private func log(_ text: String, _ effects: inout [Effect]) {
        effects.append(.log(LogRecord(.warning, "notify", text)))
    }
}
