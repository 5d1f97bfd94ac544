// Lets no more operations of resources begin at once than the machine has room for.
import CLinux
import ClusterModel
import LinuxSystem
import Reactor

/// Begins operations in the order that `OperationQueue` gives.
final class OperationGate {
    /// Programs for each processor that are no more than busy; never fewer than sixteen in all, for most of them wait.
    private static let perProcessor = 4
    private static let leastCount = 16
    private static let patience: Duration = .seconds(1)

    /// One operation on its way through the gate.
    private final class Passage: RunningOperation {
        var ticket: OperationQueue.Ticket = 0
        /// nil from its beginning on.
        var begin: (() -> (any RunningOperation)?)?
        var running: (any RunningOperation)?
        let abandon: () -> Void
        private unowned let gate: OperationGate

        init(_ gate: OperationGate, abandon: @escaping () -> Void) {
            self.gate = gate
            self.abandon = abandon
        }

        func cancel() {
            if begin == nil { running?.cancel() } else { gate.abandon(self) }
        }
    }

    private let loop: EventLoop
    private var queue: OperationQueue
    private var passages: [OperationQueue.Ticket: Passage] = [:]
    private var timer: EventSource?
    private var isAdmitting = false

    init(loop: EventLoop) {
        self.loop = loop
        let processors = max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))))
        queue = OperationQueue(
            placeCount: max(OperationGate.leastCount, processors * OperationGate.perProcessor),
            patience: OperationGate.patience)
    }

    /// Calls `begin`, here or later. It starts an operation, and MUST have `end` called once when that is over; what it
    /// returns can be cancelled. `abandon` is called in its place where the operation is cancelled before it began.
    /// Returns what can be cancelled; nil where the operation is over.
    func pass(
        _ urgency: OperationQueue.Urgency, begin: @escaping (_ end: @escaping () -> Void) -> (any RunningOperation)?,
        abandon: @escaping () -> Void
    ) -> (any RunningOperation)? {
        let passage = Passage(self, abandon: abandon)
        let ticket = queue.enter(urgency)
        passage.ticket = ticket
        passage.begin = { [unowned self] in begin { [self] in leave(ticket) } }
        passages[ticket] = passage
        admit()
        return passages[ticket]
    }

    /// Begins whatever has a place. What ends at once lets the next one in by this same loop.
    private func admit() {
        if isAdmitting { return }
        isAdmitting = true
        while let ticket = queue.next(Clock.now()) {
            guard let passage = passages[ticket], let begin = passage.begin else { continue }
            passage.begin = nil
            passage.running = begin()
        }
        isAdmitting = false
        wakeUp()
    }

    private func leave(_ ticket: OperationQueue.Ticket) {
        queue.leave(ticket)
        passages[ticket] = nil
        admit()
    }

    private func abandon(_ passage: Passage) {
        passage.begin = nil
        queue.leave(passage.ticket)
        passages[passage.ticket] = nil
        passage.abandon()
    }

    private func wakeUp() {
        guard let deadline = queue.nextDeadline else { return timer = nil }
        // Without a timer what waits begins when something ends.
        if let timer { return timer.schedule(deadline) }
        timer = try? loop.onTime(deadline) { [unowned self] in admit() }
    }
}
