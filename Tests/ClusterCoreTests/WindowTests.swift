import ClusterModel
import Testing
@testable import ClusterCore

@Suite("Sequence windows (specs/heartbeat.md 3)")
struct WindowTests {
    private static let start = Instant(nanoseconds: 0)

    private func receive(_ window: inout ReceiveWindow, _ sequence: UInt64) -> ReceiveWindow.Verdict {
        window.receive(sequence) { WindowTests.start + .milliseconds(100) }
    }

    @Test("R1, R2, R3, R4: the first number may be any, then gaps are asked for and filled")
    func gaps() {
        var window = ReceiveWindow(acknowledgeTrigger: 0)
        do { let verdict = receive(&window, 41); #expect(verdict == .accepted(lost: 0, abandoned: false)) }
        do { let verdict = receive(&window, 44); #expect(verdict == .accepted(lost: 2, abandoned: false)) }
        let early = window.dueRequests(now: WindowTests.start, interval: .milliseconds(250))
        #expect(early == [])
        let due = window.dueRequests(now: WindowTests.start + .milliseconds(100), interval: .milliseconds(250))
        #expect(due == [42, 43])
        #expect(window.nextRequest == WindowTests.start + .milliseconds(350))
        do { let verdict = receive(&window, 42); #expect(verdict == .filled(complete: false)) }
        do { let verdict = receive(&window, 42); #expect(verdict == .duplicate) }
        let missed = window.refused(43)
        #expect(missed)
        #expect(window.nextRequest == nil)
        do { let verdict = receive(&window, 40); #expect(verdict == .duplicate) }
    }

    @Test("R8: more than 250 lost at once are given up")
    func abandoned() {
        var window = ReceiveWindow(acknowledgeTrigger: 0)
        _ = receive(&window, 1)
        do { let verdict = receive(&window, 300); #expect(verdict == .accepted(lost: 298, abandoned: true)) }
        #expect(window.missing.isEmpty)
    }

    @Test("R7: the missing list never grows beyond its bound: what the sender has forgotten is not missed")
    func bounded() {
        var window = ReceiveWindow(acknowledgeTrigger: 0)
        for index: UInt64 in 0..<200 { _ = receive(&window, 1 + index * 200) }
        #expect(window.missing.count < ReceiveWindow.missingMax)
        #expect(window.missing.first?.sequence == 1 + 199 * 200 - 499)
    }

    @Test("R10: a node that was gone goes on with whatever number it has, and its old messages stay duplicates")
    func interrupted() {
        var window = ReceiveWindow(acknowledgeTrigger: 0)
        _ = receive(&window, 10)
        _ = receive(&window, 15)
        window.interrupt()
        #expect(window.missing.isEmpty)
        do { let verdict = receive(&window, 15); #expect(verdict == .duplicate) }
        do { let verdict = receive(&window, 12); #expect(verdict == .duplicate) }
        do { let verdict = receive(&window, 40); #expect(verdict == .accepted(lost: 0, abandoned: false)) }
        do { let verdict = receive(&window, 42); #expect(verdict == .accepted(lost: 1, abandoned: false)) }
    }

    @Test("R16: every tenth number in order is acknowledged, and the largest below a gap once it moves")
    func acknowledgements() {
        var window = ReceiveWindow(acknowledgeTrigger: 7)
        var acknowledged: [UInt64] = []
        for sequence: UInt64 in 1...40 where sequence != 25 {
            _ = receive(&window, sequence)
            if let number = window.acknowledgement(after: sequence, filledGap: false) { acknowledged.append(number) }
        }
        #expect(acknowledged == [7, 17])
        _ = receive(&window, 25)
        #expect(window.acknowledgement(after: 25, filledGap: true) == 37)
    }

    @Test("against an obvious model: every number is used exactly once, whatever the order and the repeats")
    func model() {
        var random = RandomSource(seed: 5)
        for _ in 0..<200 {
            var window = ReceiveWindow(acknowledgeTrigger: 3)
            _ = receive(&window, 1)
            var deliveries: [UInt64] = (2...120).flatMap { [$0, $0] }
            // Reordered within twenty places, as a network does.
            for index in deliveries.indices {
                deliveries.swapAt(index, min(deliveries.count - 1, index + Int(random.next() % 20)))
            }
            var used: [UInt64] = [1]
            for sequence in deliveries {
                switch receive(&window, sequence) {
                case .accepted, .filled: used.append(sequence)
                case .duplicate: break
                }
            }
            // What came before the first gap was noticed is a duplicate by rule; nothing is used twice or lost.
            #expect(used.sorted() == Array(1...120))
        }
    }

    @Test("R11, R12, R13, R14: a sender answers from its history, refuses what is older, and spares the wire")
    func history() {
        var window = SendWindow()
        for _ in 0..<600 { _ = window.next(promise: WindowTests.start) }
        let later = WindowTests.start + .seconds(1)
        func answer(_ first: UInt64, _ last: UInt64, from node: Int = 1) -> [SendWindow.Answer] {
            window.answer(
                first: first, last: last, from: NodeID(node), interval: .milliseconds(250), now: later)
        }
        let answers = [answer(600, 605), answer(600, 600), answer(100, 100), answer(.max - 1, .max)]
        #expect(answers == [[.retransmit(600)], [], [.refuse(100, reason: "seqno too low")], []])
        let most = answer(200, .max)
        let next = answer(200, 260)
        let early = answer(0, 2)
        #expect(most == (200..<250).map { .retransmit($0) })
        #expect(next == (250...260).map { .retransmit($0) }, "what has just gone out is passed over")
        #expect(early == [.refuse(1, reason: "seqno too low"), .refuse(2, reason: "seqno too low")])
        let across = answer(98, 102)
        let refused: [SendWindow.Answer] = (98...100).map { .refuse($0, reason: "seqno too low") }
        #expect(across == refused + [.retransmit(101), .retransmit(102)])
        let refusals = answer(1, .max).filter { if case .refuse = $0 { true } else { false } }
        #expect(refusals.count == 50)
        let taken = [500, 601, 400].map { window.acknowledge($0, by: NodeID(2)) }
        #expect(taken == [true, false, true], "an older number changes nothing")
        let others = [answer(498, 502, from: 2), answer(498, 500, from: 1)]
        #expect(others[0] == [.retransmit(501), .retransmit(502)])
        #expect(others[1] == (498...500).map { .retransmit($0) }, "each node for itself")
        #expect(window.promise(of: 600) == WindowTests.start)
        #expect(window.promise(of: 99) == nil)
    }

    @Test("changes are told at once, floods are not")
    func pacing() {
        var pacing = SendPacing(now: WindowTests.start)
        let keepalive = Duration.milliseconds(80)
        for _ in 0..<SendPacing.burst {
            do { let taken = pacing.take(now: WindowTests.start, keepalive: keepalive); #expect(taken) }
        }
        do { let taken = pacing.take(now: WindowTests.start, keepalive: keepalive); #expect(!taken) }
        let next = pacing.nextAllowed(keepalive: keepalive)
        #expect(next == WindowTests.start + .milliseconds(10))
        do { let taken = pacing.take(now: next, keepalive: keepalive); #expect(taken) }
        do { let taken = pacing.take(now: next, keepalive: keepalive); #expect(!taken) }
    }
}
