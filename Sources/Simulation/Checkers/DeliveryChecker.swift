// Judges from outside the core that no daemon uses a message twice, however often the media bring it.
import ClusterModel
import Messaging

/// What each daemon has used of each sender's numbered messages.
package struct DeliveryChecker: Sendable {
    /// The numbers of one sender's daemon that one other has used.
    private struct Record: Sendable {
        var generation: UInt64 = 0
        /// A bit for each number from 0 on.
        var used: [UInt64] = []

        /// Notes a number; returns whether it is new.
        mutating func insert(_ number: UInt64) -> Bool {
            let (word, bit) = (Int(number / 64), UInt64(1) << (number % 64))
            while used.count <= word { used.append(0) }
            defer { used[word] |= bit }
            return used[word] & bit == 0
        }
    }

    /// Receiver by sender.
    private var records: [[Record]]
    private let names: [String]
    /// The first message that was used twice, in words; nil if none was.
    package private(set) var violation: String?

    init(names: [String]) {
        self.names = names
        records = Array(repeating: Array(repeating: Record(), count: names.count), count: names.count)
    }

    /// A daemon starts and knows nothing of what came before it.
    mutating func started(_ node: Int) {
        for sender in names.indices { records[node][sender] = Record() }
    }

    /// A daemon took a message in and did not drop it.
    mutating func used(_ message: HAMessage, by node: Int) {
        guard let sequence = message.number("seq", radix: 16), let generation = message.number("hg", radix: 16),
            let source = message.text("src"), let sender = names.firstIndex(of: source), sender != node
        else { return }
        if records[node][sender].generation != generation {
            guard records[node][sender].generation < generation else {
                return note("of an older daemon", sequence, sender, node)
            }
            records[node][sender] = Record(generation: generation)
        }
        if !records[node][sender].insert(sequence) { note("twice", sequence, sender, node) }
    }

    private mutating func note(_ what: String, _ sequence: UInt64, _ sender: Int, _ node: Int) {
        if violation == nil { violation = "message \(sequence) of \(names[sender]) used \(what) by \(names[node])" }
    }
}
