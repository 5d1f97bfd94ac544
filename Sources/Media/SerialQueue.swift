// What a serial line has yet to send. Bounded by what the line sends in two seconds: a heartbeat that is older than
// that is better not sent at all. Heartbeats go before everything else, or a client that says more than the line can
// carry would make this node look dead.

/// Heartbeats, the newest first, for it says all that those before it said; then other messages in their order. The
/// first of all is possibly sent in part.
package struct SerialQueue {
    /// How a status message begins (specs/heartbeat.md 1.2, 2.1).
    private static let heartbeatStart = Array(">>>\nt=status\n".utf8)

    /// Bytes that may wait; one message may always wait, whatever its size.
    package let byteCountMax: Int
    /// What is on the line already, so many heartbeats, and the rest.
    private var messages: [[UInt8]] = []
    private var urgentCount = 0
    /// Bytes of the first message that are on the line.
    private var sentCount = 0
    private var byteCount = 0

    /// For a line of `baud` bits a second, ten of which make a byte.
    package init(baud: Int) { byteCountMax = max(4096, baud / 10 * 2) }

    /// Whether nothing waits.
    package var isEmpty: Bool { messages.isEmpty }

    /// What to write next; empty where nothing waits.
    package var next: ArraySlice<UInt8> { messages.first?.dropFirst(sentCount) ?? [] }

    /// Adds a message. Returns how many were dropped for want of room: the oldest, but never the one that is partly
    /// sent, which the receiver could not tell from the next, and no heartbeat for anything else.
    package mutating func append(_ message: [UInt8]) -> Int {
        byteCount += message.count
        let isUrgent = message.starts(with: SerialQueue.heartbeatStart)
        if isUrgent {
            messages.insert(message, at: partialCount)
            urgentCount += 1
        } else {
            messages.append(message)
        }
        var droppedCount = 0
        while byteCount > byteCountMax, let oldest = oldest(isUrgentNewest: isUrgent) {
            if oldest < partialCount + urgentCount { urgentCount -= 1 }
            byteCount -= messages.remove(at: oldest).count
            droppedCount += 1
        }
        return droppedCount
    }

    private var partialCount: Int { sentCount > 0 ? 1 : 0 }

    /// What is dropped next: the oldest message that is no heartbeat, else the oldest heartbeat but the newest.
    private func oldest(isUrgentNewest: Bool) -> Int? {
        let ordinary = partialCount + urgentCount
        if ordinary == messages.count { return isUrgentNewest && urgentCount > 1 ? ordinary - 1 : nil }
        return isUrgentNewest || urgentCount > 0 || messages.count > ordinary + 1 ? ordinary : nil
    }

    /// Takes bytes of `next` as written.
    package mutating func sent(_ count: Int) {
        guard let first = messages.first, count > 0 else { return }
        // Once begun it is no heartbeat that waits any more.
        if sentCount == 0, urgentCount > 0 { urgentCount -= 1 }
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
            urgentCount = 0
            sentCount = 0
            byteCount = 0
        }
        return messages.count
    }
}
