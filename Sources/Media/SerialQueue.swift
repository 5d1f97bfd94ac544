// What a serial line has yet to send. Bounded by what the line sends in two seconds: a heartbeat that is older than
// that is better not sent at all.

/// Messages in order, the first of them possibly sent in part.
package struct SerialQueue {
    /// Bytes that may wait; one message may always wait, whatever its size.
    package let byteCountMax: Int
    private var messages: [[UInt8]] = []
    /// Bytes of the first message that are on the line.
    private var sentCount = 0
    private var byteCount = 0

    /// For a line of `baud` bits a second, ten of which make a byte.
    package init(baud: Int) { byteCountMax = max(4096, baud / 10 * 2) }

    /// Whether nothing waits.
    package var isEmpty: Bool { messages.isEmpty }

    /// What to write next; empty where nothing waits.
    package var next: ArraySlice<UInt8> { messages.first?.dropFirst(sentCount) ?? [] }

    /// Adds a message. Returns how many older ones were dropped for it: never the one that is partly sent, which the
    /// receiver could not tell from the next.
    package mutating func append(_ message: [UInt8]) -> Int {
        messages.append(message)
        byteCount += message.count
        var droppedCount = 0
        let oldest = sentCount > 0 ? 1 : 0
        while byteCount > byteCountMax && messages.count > oldest + 1 {
            byteCount -= messages.remove(at: oldest).count
            droppedCount += 1
        }
        return droppedCount
    }

    /// Takes bytes of `next` as written.
    package mutating func sent(_ count: Int) {
        guard let first = messages.first else { return }
        sentCount += count
        if sentCount >= first.count {
            byteCount -= first.count
            messages.removeFirst()
            sentCount = 0
        }
    }

    /// Forgets everything. Returns how many messages that were.
    package mutating func discard() -> Int {
        defer {
            messages = []
            sentCount = 0
            byteCount = 0
        }
        return messages.count
    }
}
