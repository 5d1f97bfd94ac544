import ClusterModel
import Media
import Testing

@Suite struct SerialQueueTests {
    private func message(_ number: UInt8, _ count: Int = 1000) -> [UInt8] { [UInt8](repeating: number, count: count) }

    @Test("the queue holds what the line sends in two seconds, and never less than a few messages")
    func bound() {
        #expect(SerialQueue(baud: 9600).byteCountMax == 4096)
        #expect(SerialQueue(baud: 115_200).byteCountMax == 23040)
    }

    @Test("messages leave in order, in as many pieces as the line takes")
    func order() {
        var queue = SerialQueue(baud: 9600)
        #expect(queue.isEmpty && queue.next.isEmpty)
        #expect(queue.append([1, 2, 3]) == 0)
        #expect(queue.append([4]) == 0)
        queue.sent(2)
        #expect(Array(queue.next) == [3])
        queue.sent(1)
        #expect(Array(queue.next) == [4])
        queue.sent(1)
        #expect(queue.isEmpty)
    }

    @Test("the oldest are dropped, but not the one that is partly sent")
    func overrun() {
        var queue = SerialQueue(baud: 9600)
        for number in 1...4 { #expect(queue.append(message(UInt8(number))) == 0) }
        #expect(queue.append(message(5)) == 1)
        #expect(queue.next.first == 2)
        queue.sent(500)
        #expect(queue.append(message(6)) == 1)
        #expect(queue.append(message(7)) == 1)
        var rest: [UInt8] = []
        while !queue.isEmpty {
            rest.append(queue.next.first ?? 0)
            queue.sent(queue.next.count)
        }
        #expect(rest == [2, 5, 6, 7])
    }

    @Test("heartbeats go before what else waits, the newest first, and are dropped after it")
    func heartbeats() {
        func heartbeat(_ number: Int, _ count: Int = 0) -> [UInt8] {
            Array(">>>\nt=status\nseq=\(number)\n\(String(repeating: "x", count: count))<<<\n".utf8)
        }
        var queue = SerialQueue(baud: 9600)
        for number in 1...3 { #expect(queue.append(message(UInt8(number))) == 0) }
        queue.sent(10)
        #expect(queue.append(heartbeat(1)) == 0)
        #expect(queue.append(heartbeat(2)) == 0)
        for number in 4...9 { _ = queue.append(message(UInt8(number))) }
        queue.sent(990)
        #expect(Array(queue.next) == heartbeat(2))
        queue.sent(5)
        #expect(queue.append(heartbeat(3)) == 0)
        #expect(Array(queue.next) == Array(heartbeat(2).dropFirst(5)))
        queue.sent(queue.next.count)
        for number in [3, 1] {
            #expect(Array(queue.next) == heartbeat(number))
            queue.sent(queue.next.count)
        }
        #expect(queue.next.first == 7)
        // Too many of them: the oldest goes, after all that are none, and the newest stays.
        #expect(queue.append(heartbeat(4, 2000)) == 1)
        #expect(queue.append(heartbeat(5, 2000)) == 2)
        #expect(queue.append(heartbeat(6, 2000)) == 1)
        // Nothing else pushes one out.
        #expect(queue.append(message(10)) == 1)
        for number in [6, 5] {
            #expect(Array(queue.next) == heartbeat(number, 2000))
            queue.sent(queue.next.count)
        }
        #expect(queue.isEmpty)
    }

    @Test("whatever comes in whatever size, a message is lost or sent whole")
    func everything() {
        var random = RandomSource(seed: 7)
        var queue = SerialQueue(baud: 9600)
        var (appended, dropped, sent) = (0, 0, 0)
        for _ in 0..<20_000 {
            if Bool.random(using: &random) {
                let isLong = Int.random(in: 0..<20, using: &random) == 0
                let size = Int.random(in: 1...(isLong ? 9000 : 900), using: &random)
                let start = Bool.random(using: &random) ? Array(">>>\nt=status\n".utf8) : []
                dropped += queue.append(start + message(1, size))
                appended += 1
            } else if !queue.isEmpty {
                let rest = queue.next.count
                let count = Int.random(in: 1...rest, using: &random)
                queue.sent(count)
                sent += count == rest ? 1 : 0
            }
        }
        while !queue.isEmpty {
            queue.sent(queue.next.count)
            sent += 1
        }
        #expect(sent + dropped == appended)
        #expect(sent > 1000 && dropped > 1000)
    }

    @Test("one message waits whatever its size")
    func large() {
        var queue = SerialQueue(baud: 9600)
        #expect(queue.append(message(1, 262_144)) == 0)
        #expect(queue.next.count == 262_144)
        #expect(queue.append(message(2, 10)) == 1)
        #expect(queue.next.count == 10)
    }

    @Test("a line that does not drain is given up whole, and starts anew")
    func discard() {
        var queue = SerialQueue(baud: 9600)
        _ = queue.append(message(1))
        _ = queue.append(message(2))
        queue.sent(10)
        #expect(queue.discard() == 2)
        #expect(queue.isEmpty)
        _ = queue.append([7])
        #expect(Array(queue.next) == [7])
    }
}
