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
