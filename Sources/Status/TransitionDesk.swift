// Which of what is logged is a transition that the world outside may want to be told of, and what waits for the
// notifier to take it.
import ClusterModel
import LinuxSystem
import Privsep

extension Transition {
    /// The transition behind a record; nil for all others.
    init?(_ record: LogRecord, localName: String, time: Int64) {
        func field(_ name: String) -> String? { record.fields.first { $0.name == name }?.value }
        let kind: Kind
        switch record.event {
        case "group-start": kind = .starting
        // A reassertion repeats it: clients may have been led elsewhere meanwhile.
        case "group-held", "group-found", "group-reassert": kind = .held
        case "group-stop": kind = .stopping
        case "group-released": kind = .released
        case "group-failed": kind = .failed
        case "group-blocked", "group-reboot", "group-left-behind": kind = .blocked
        case "address-contested": kind = .contested
        case "node-status" where field("STATUS") == NodeStatus.active.rawValue: kind = .joined
        case "node-dead": kind = .dead
        default: return nil
        }
        self.init(
            kind: kind, node: kind.isOfGroup ? localName : field("NODE") ?? "",
            group: kind.isOfGroup ? field("GROUP") ?? "" : nil,
            epoch: kind.isOfGroup ? field("EPOCH").flatMap { UInt64($0) } ?? 0 : nil, cause: record.text, time: time)
    }
}

/// Transitions in order, each until the notifier has it.
struct TransitionDesk {
    /// For a notifier that is being started again. Where none is configured, nothing more is kept than what happens
    /// before that is known.
    private static let waitingMax = 4096
    private static let waitingWithoutNotifierMax = 64

    /// Nanoseconds.
    private static let oldestUntold: Int64 = 60_000_000_000

    /// What the notifier has not taken yet, with its number.
    private(set) var waiting: [(number: UInt64, transition: Transition)] = []
    private var last: UInt64 = 0
    private var missed: UInt64 = 0
    /// Whether there was a notifier.
    private var isServed = false
    /// The last number that was sent on the channel of now.
    private var sent: UInt64 = 0

    mutating func add(_ transition: Transition) {
        last += 1
        waiting.append((last, transition))
        guard waiting.count > (isServed ? TransitionDesk.waitingMax : TransitionDesk.waitingWithoutNotifierMax) else {
            return
        }
        waiting.removeFirst()
        if isServed { missed += 1 }
    }

    /// There is a new notifier: it is told everything that the last one has not confirmed.
    mutating func connected(at time: Int64) {
        // The first one is told how the daemon has started, not what happened long before somebody wanted to know.
        if !isServed { waiting.removeAll { time - $0.transition.time > TransitionDesk.oldestUntold } }
        isServed = true
        sent = 0
    }

    /// What is to be sent next; nil where there is nothing. MUST be followed by `noteSent` when it was sent.
    func next(life: UInt64) -> (number: UInt64, frame: StatusToNotifier)? {
        guard let next = waiting.first(where: { $0.number > sent }) else { return nil }
        return (next.number, .transition(life: life, number: next.number, next.transition, missed: missed))
    }

    mutating func noteSent(_ number: UInt64) {
        sent = number
        missed = 0
    }

    /// The notifier has everything up to a number.
    mutating func kept(_ number: UInt64) { waiting.removeAll { $0.number <= number } }
}
