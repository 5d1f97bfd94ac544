// The windows against slow, obvious models: sets of numbers from which everything is worked out anew each time.
import ClusterModel
import Testing
@testable import ClusterCore

/// What specs/heartbeat.md 3.2 says of one node's numbers, by keeping all of them.
private struct ReceiveModel {
    var seen: Set<UInt64> = []
    /// Numbers below it are not asked for: they came before the first one, or were given up.
    var base: UInt64 = 0
    var refused: Set<UInt64> = []
    var isInterrupted = false
    var newest: UInt64? { seen.max() }

    /// Every number that is asked for.
    var missing: [UInt64] {
        guard let newest, base <= newest else { return [] }
        return (base...newest).filter { !seen.contains($0) && !refused.contains($0) && newest - $0 < 500 }
    }

    mutating func receive(_ sequence: UInt64) -> ReceiveWindow.Verdict {
        guard let newest else {
            base = sequence
            seen = [sequence]
            return .accepted(lost: 0, abandoned: false)
        }
        if sequence <= newest {
            guard missing.contains(sequence) else { return .duplicate }
            seen.insert(sequence)
            return .filled(complete: missing.isEmpty)
        }
        seen.insert(sequence)
        let lost = sequence - newest - 1
        if isInterrupted || lost > 250 { base = sequence }
        defer { isInterrupted = false }
        return isInterrupted ? .accepted(lost: 0, abandoned: false) : .accepted(lost: lost, abandoned: lost > 250)
    }

    /// The largest number of a residue below which nothing is missing.
    func acknowledgement(_ trigger: UInt64) -> UInt64? {
        guard let newest else { return nil }
        let top = missing.first.map { $0 - 1 } ?? newest
        return (1...max(1, top)).last { $0 <= top && $0 % 10 == trigger }
    }
}

@Suite("Windows against models (specs/heartbeat.md 3)")
struct WindowModelTests {
    private static let start = Instant(nanoseconds: 0)

    @Test(
        "R1, R2, R3, R4, R7, R8, R10, R16: a receiver does what the model does, whatever comes in whatever order",
        arguments: 0..<60)
    func receiver(_ seed: Int) {
        var random = RandomSource(seed: UInt64(seed))
        let trigger = random.next() % 10
        var window = ReceiveWindow(acknowledgeTrigger: trigger)
        var model = ReceiveModel()
        var head: UInt64 = 1 + random.next() % 1000
        for step in 0..<1500 {
            let now = WindowModelTests.start + .milliseconds(Int64(step))
            switch random.next() % 400 {
            case 0:
                window.reset()
                model = ReceiveModel()
                head = 1 + random.next() % 5
            case 1:
                window.interrupt()
                model.base = (model.newest ?? 0) + 1
                model.isInterrupted = model.newest != nil
            case 2: head += 200 + random.next() % 400
            case 3..<8:
                let sequence = model.missing.randomElement(using: &random) ?? head
                let isMissed = model.missing.contains(sequence)
                let wasMissed = window.refused(sequence)
                #expect(wasMissed == isMissed)
                if isMissed { model.refused.insert(sequence) }
            default:
                let sequence: UInt64
                switch random.next() % 10 {
                case 0: sequence = max(1, head - min(head - 1, random.next() % 30))
                case 1: sequence = max(1, head - min(head - 1, random.next() % 600))
                case 2, 3: sequence = model.missing.randomElement(using: &random) ?? head
                default:
                    head += 1 + (random.next() % 8 == 0 ? random.next() % 5 : 0)
                    sequence = head
                }
                let firstMissing = model.missing.first
                let expected = model.receive(sequence)
                let verdict = window.receive(sequence) { now + .milliseconds(100) }
                #expect(verdict == expected, "seed \(seed), step \(step), number \(sequence)")
                checkAcknowledgement(window, model, trigger, sequence, verdict, firstMissing)
            }
            #expect(window.missing.map(\.sequence) == model.missing, "seed \(seed), step \(step)")
            #expect(window.last == model.newest)
        }
    }

    private func checkAcknowledgement(
        _ window: ReceiveWindow, _ model: ReceiveModel, _ trigger: UInt64, _ sequence: UInt64,
        _ verdict: ReceiveWindow.Verdict, _ firstMissing: UInt64?
    ) {
        switch verdict {
        case .duplicate: break
        case .accepted:
            let said = window.acknowledgement(after: sequence, filledGap: false)
            let expected = sequence % 10 == trigger && model.missing.isEmpty ? sequence : nil
            #expect(said == expected)
        case .filled:
            let said = window.acknowledgement(after: sequence, filledGap: true)
            #expect(said == (sequence == firstMissing ? model.acknowledgement(trigger) : nil))
        }
    }

    @Test("R5, R6: every missing number is asked for at its time, then again and again", arguments: 0..<20)
    func requests(_ seed: Int) {
        var random = RandomSource(seed: UInt64(seed))
        var window = ReceiveWindow(acknowledgeTrigger: 0)
        var due: [UInt64: Int64] = [:]
        var head: UInt64 = 1
        for step: Int64 in 0..<2000 {
            let now = WindowModelTests.start + .milliseconds(step)
            if random.next() % 4 == 0 {
                let next = head + 1 + (random.next() % 3 == 0 ? random.next() % 4 : 0)
                _ = window.receive(next) {
                    let delay = 50 + Int64(random.next() % 200)
                    head += 1
                    due[head] = step + delay
                    return now + .milliseconds(delay)
                }
                head = next
            }
            if let any = due.keys.sorted().randomElement(using: &random), random.next() % 50 == 0 {
                _ = window.receive(any) { now }
                due[any] = nil
            }
            for old in due.keys where head - old >= 500 { due[old] = nil }
            let asked = window.dueRequests(now: now, interval: .milliseconds(250))
            #expect(asked == due.filter { $0.value <= step }.keys.sorted(), "seed \(seed), step \(step)")
            for sequence in asked { due[sequence] = step + 250 }
            #expect(window.nextRequest == due.values.min().map { WindowModelTests.start + .milliseconds($0) })
        }
    }

    @Test("R12, R13, R14: a sender answers as the model does", arguments: 0..<40)
    func sender(_ seed: Int) {
        var random = RandomSource(seed: UInt64(seed))
        var window = SendWindow()
        var sent: UInt64 = 0
        var acknowledged: [Int: UInt64] = [:]
        var again: [UInt64: Int64] = [:]
        for step: Int64 in 0..<1500 {
            let now = WindowModelTests.start + .milliseconds(step)
            let node = Int(random.next() % 3)
            switch random.next() % 8 {
            case 0..<5:
                _ = window.next(promise: now)
                sent += 1
                again[sent] = nil
            case 5:
                let number = random.next() % (sent + 3)
                let isTaken = window.acknowledge(number, by: NodeID(node))
                #expect(isTaken == (number <= sent))
                if isTaken { acknowledged[node] = max(acknowledged[node] ?? 0, number) }
            default:
                let first = random.next() % (sent + 10)
                let last = random.next() % 20 == 0 ? .max : first + random.next() % 80
                var expected: [SendWindow.Answer] = []
                var refused = 0
                var retransmitted = 0
                for number in first...min(last, sent + 100) {
                    if number == 0 || number > sent || number <= acknowledged[node] ?? 0 { continue }
                    if sent - number >= 500 {
                        if refused < 50 { expected.append(.refuse(number, reason: "seqno too low")) }
                        refused += 1
                    } else if retransmitted < 50, again[number].map({ step - $0 >= 240 }) ?? true {
                        again[number] = step
                        expected.append(.retransmit(number))
                        retransmitted += 1
                    }
                }
                let answers = window.answer(
                    first: first, last: last, from: NodeID(node), interval: .milliseconds(250), now: now)
                #expect(answers == expected, "seed \(seed), step \(step), \(first) to \(last)")
            }
        }
    }
}
