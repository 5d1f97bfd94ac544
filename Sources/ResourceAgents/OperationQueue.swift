// Which operation may begin when very many are wanted at once: hundreds of groups that start together would else have
// the machine run hundreds of programs, and each of them would time out. Decides as a value; `OperationGate` acts.
import ClusterModel

/// The operations that run, and those that wait for a place, first come, first served within their urgency.
struct OperationQueue {
    typealias Ticket = UInt64

    /// In the order in which places are given: others may wait for what is stopped; what is only looked at can wait.
    enum Urgency: Int, CaseIterable, Sendable {
        case stop, start, monitor
    }

    /// Places. An operation that has run for `patience` gives its place up: it waits for something itself, and a few
    /// scripts that hang must not hold up all other groups. A stop waits for other stops only: the right to hold what
    /// it stops may be over.
    let placeCount: Int
    let patience: Duration

    private var waiting: [[Ticket]] = Urgency.allCases.map { _ in [] }
    /// Those that hold a place, in the order in which they began.
    private var placed: [(ticket: Ticket, urgency: Urgency, since: Instant)] = []
    private var last: Ticket = 0

    init(placeCount: Int, patience: Duration) {
        precondition(placeCount > 0, "without a place nothing would ever begin")
        self.placeCount = placeCount
        self.patience = patience
    }

    var waitingCount: Int { waiting.reduce(0) { $0 + $1.count } }

    /// When `next` is to be asked again although nothing has ended; nil where nothing waits.
    var nextDeadline: Instant? { waitingCount == 0 ? nil : placed.first.map { $0.since + patience } }

    /// Queues an operation.
    mutating func enter(_ urgency: Urgency) -> Ticket {
        last += 1
        waiting[urgency.rawValue].append(last)
        return last
    }

    /// The operation that begins now; nil where none waits or no place is free.
    mutating func next(_ now: Instant) -> Ticket? {
        placed.removeAll { now - $0.since >= patience }
        guard let urgency = Urgency.allCases.first(where: { !waiting[$0.rawValue].isEmpty }) else { return nil }
        let taken = urgency == .stop ? placed.count { $0.urgency == .stop } : placed.count
        guard taken < placeCount else { return nil }
        let ticket = waiting[urgency.rawValue].removeFirst()
        placed.append((ticket, urgency, now))
        return ticket
    }

    /// The operation has ended, or nobody wants it any more.
    mutating func leave(_ ticket: Ticket) {
        placed.removeAll { $0.ticket == ticket }
        for queue in waiting.indices { waiting[queue].removeAll { $0 == ticket } }
    }
}

extension OperationQueue.Urgency {
    init(_ operation: ResourceOperation) {
        switch operation {
        case .stop, .demote: self = .stop
        case .start, .promote, .status, .validate: self = .start
        case .monitor: self = .monitor
        }
    }
}
