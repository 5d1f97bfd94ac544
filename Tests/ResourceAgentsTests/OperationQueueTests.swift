// Who begins when more is wanted than there are places.
import ClusterModel
import Testing

@testable import ResourceAgents

@Suite("The queue of operations")
struct OperationQueueTests {
    private func at(_ milliseconds: Int64) -> Instant { Instant(nanoseconds: milliseconds * 1_000_000) }

    private func begin(_ queue: inout OperationQueue, _ time: Int64) -> [OperationQueue.Ticket] {
        var begun: [OperationQueue.Ticket] = []
        while let ticket = queue.next(at(time)) { begun.append(ticket) }
        return begun
    }

    @Test("No more begin than there are places, first come, first served; what ends lets the next one in")
    func places() {
        var queue = OperationQueue(placeCount: 2, patience: .seconds(1))
        let tickets = (0..<5).map { _ in queue.enter(.start) }
        #expect(begin(&queue, 0) == [tickets[0], tickets[1]])
        #expect(begin(&queue, 1).isEmpty && queue.waitingCount == 3)
        queue.leave(tickets[1])
        #expect(begin(&queue, 2) == [tickets[2]])
        queue.leave(tickets[0])
        queue.leave(tickets[2])
        #expect(begin(&queue, 3) == [tickets[3], tickets[4]] && queue.waitingCount == 0)
        #expect(queue.nextDeadline == nil)
    }

    @Test("A stop goes before starts, and a monitor behind them, however late it comes")
    func urgency() {
        var queue = OperationQueue(placeCount: 1, patience: .seconds(1))
        let first = queue.enter(.monitor)
        #expect(begin(&queue, 0) == [first])
        let monitor = queue.enter(.monitor)
        let start = queue.enter(.start)
        let stops = [queue.enter(.stop), queue.enter(.stop)]
        // It does not wait for the monitor either, only for another stop.
        #expect(begin(&queue, 1) == [stops[0]])
        queue.leave(stops[0])
        #expect(begin(&queue, 2) == [stops[1]])
        queue.leave(stops[1])
        #expect(begin(&queue, 3).isEmpty)
        queue.leave(first)
        #expect(begin(&queue, 4) == [start])
        queue.leave(start)
        #expect(begin(&queue, 5) == [monitor])
    }

    @Test("What hangs gives its place up after a while, and takes none away when it ends")
    func patience() {
        var queue = OperationQueue(placeCount: 2, patience: .seconds(1))
        let hanging = [queue.enter(.start), queue.enter(.start)]
        #expect(begin(&queue, 0) == hanging)
        let waiting = (0..<3).map { _ in queue.enter(.start) }
        #expect(queue.nextDeadline == at(1000))
        #expect(begin(&queue, 999).isEmpty)
        #expect(begin(&queue, 1000) == [waiting[0], waiting[1]])
        queue.leave(hanging[0])
        #expect(begin(&queue, 1001).isEmpty)
        #expect(queue.nextDeadline == at(2000))
    }

    @Test("Who is not wanted any more never begins")
    func abandoned() {
        var queue = OperationQueue(placeCount: 1, patience: .seconds(1))
        let tickets = (0..<3).map { _ in queue.enter(.start) }
        #expect(begin(&queue, 0) == [tickets[0]])
        queue.leave(tickets[1])
        queue.leave(tickets[0])
        #expect(begin(&queue, 1) == [tickets[2]])
    }
}
