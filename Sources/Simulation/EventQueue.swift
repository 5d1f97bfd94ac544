// The future of a virtual cluster: a binary heap in the order of time, then of insertion.
import ClusterCore
import ClusterModel
import Messaging

/// What the resource manager's work on a group comes to.
enum Outcome: Sendable {
    case started, startFailed, stopped, stopFailed, verified
}

/// One order to a virtual resource manager.
struct Job: Sendable {
    var operation: OperationID
    var group: String
    /// Of the group's jobs; an older one was superseded.
    var number: Int
    var outcome: Outcome
    /// The daemon that is to be told; a later one knows nothing of the order.
    var session: Int
}

/// A fencing device at work.
struct FenceJob: Sendable {
    var operation: OperationID
    var target: Int
    /// Who ordered it, and which of its daemons and resource managers.
    var node: Int
    var session: Int
    var life: Int
}

enum QueuedKind: Sendable {
    case datagram(HAMessage, medium: MediumID, node: Int)
    /// `life` tells a job of a resource manager that is gone from those of the one that is there.
    case job(Job, node: Int, life: Int)
    case inventory(node: Int, session: Int, life: Int)
    case wake(node: Int, number: Int)
    case boot(node: Int)
    case fence(FenceJob)
    /// What came of it, where the resource manager stood still meanwhile.
    case fenced(FenceJob, failure: String?)
    case resume(node: Int)
    /// A node that was paused has had time to give up what it may not hold, unless it was paused again.
    case trust(node: Int, number: Int)
}

struct Queued: Sendable {
    var at: Instant
    var kind: QueuedKind
}

struct EventQueue: Sendable {
    /// What moves in the heap; what it stands for stays where it is.
    private struct Ticket: Sendable {
        var at: Instant
        var order: UInt64
        var slot: Int

        func precedes(_ other: Ticket) -> Bool { at != other.at ? at < other.at : order < other.order }
    }

    private var heap: [Ticket] = []
    private var slots: [QueuedKind?] = []
    private var free: [Int] = []
    private var orderLast: UInt64 = 0

    var nextTime: Instant? { heap.first?.at }

    mutating func push(at: Instant, _ kind: QueuedKind) {
        orderLast += 1
        var slot = slots.count
        if let reused = free.popLast() {
            slot = reused
            slots[slot] = kind
        } else {
            slots.append(kind)
        }
        heap.append(Ticket(at: at, order: orderLast, slot: slot))
        var child = heap.count - 1
        while child > 0, heap[child].precedes(heap[(child - 1) / 2]) {
            heap.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    mutating func pop() -> Queued? {
        guard let first = heap.first else { return nil }
        removeFirst()
        free.append(first.slot)
        return slots[first.slot].take().map { Queued(at: first.at, kind: $0) }
    }

    private mutating func removeFirst() {
        let last = heap.removeLast()
        guard !heap.isEmpty else { return }
        heap[0] = last
        var parent = 0
        while true {
            var least = parent
            for child in 2 * parent + 1..<2 * parent + 3 where child < heap.count && heap[child].precedes(heap[least]) {
                least = child
            }
            if least == parent { return }
            heap.swapAt(parent, least)
            parent = least
        }
    }
}
