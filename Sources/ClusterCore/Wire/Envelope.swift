// From fields to facts: what every message must carry (specs/heartbeat.md 2.1), and which of the core's messages it is.
import ClusterModel
import Messaging

/// A message's control fields and its typed body. Strings stop here.
struct Envelope {
    enum Body {
        case status
        /// `NS_st`: a ping node's answer.
        case pingReply(kind: String)
        /// `NS_ackmsg`.
        case acknowledgement(sequence: UInt64)
        /// `NS_rexmit`, both ends included.
        case retransmitRequest(first: UInt64, last: UInt64)
        /// `NS_nak_rexmit`.
        case refusal(sequence: UInt64)
        /// `shutdone`: the sender has released everything and ends.
        case shutdownDone
        /// What only nodes of heartbeat 3.0.6 say of their resources.
        case dialogue(ClassicMessage)
        /// Anything else; it still counts for links and sequence numbers.
        case other
    }

    var source: String
    var generation: UInt64
    /// nil for `NS_` messages.
    var sequence: UInt64?
    var destination: String?
    var ttl: Int
    var body: Body

    /// nil where a field that must be there is missing or is not a number.
    init?(_ message: HAMessage) {
        guard let type = message.text("t"), !type.isEmpty, let source = message.text("src"), !source.isEmpty,
            let timestamp = message.number("ts", radix: 16), timestamp != 0
        else { return nil }
        self.source = lowercase(source)
        generation = message.number("hg", radix: 16) ?? 0
        destination = message.text("dest").map(lowercase)
        ttl = message.number("ttl", radix: 10).map { Int(clamping: $0) } ?? 1
        if !type.utf8.starts(with: "NS_".utf8) {
            guard let sequence = message.number("seq", radix: 16), sequence > 0 else { return nil }
            self.sequence = sequence
        }
        guard let body = Envelope.body(type, message) else { return nil }
        self.body = body
    }

    private static func body(_ type: String, _ message: HAMessage) -> Body? {
        switch type {
        case "status": return .status
        case "NS_st": return .pingReply(kind: message.text("info") ?? "")
        case "NS_ackmsg": return message.number("ackseq", radix: 16).map { .acknowledgement(sequence: $0) }
        case "NS_rexmit":
            // Decimal, unlike every other sequence number of the protocol (specs/heartbeat.md 2.2).
            guard let first = message.number("firstseq", radix: 10), let last = message.number("lastseq", radix: 10),
                first <= last
            else { return nil }
            return .retransmitRequest(first: first, last: last)
        case "NS_nak_rexmit": return message.number("firstseq", radix: 16).map { .refusal(sequence: $0) }
        case "shutdone": return .shutdownDone
        case _ where ClassicMessage.isType(type): return ClassicMessage(type, message).map { .dialogue($0) }
        default: return .other
        }
    }
}

/// Names come in lower case but for those that somebody typed.
private func lowercase(_ name: String) -> String {
    let hasOnlySmall = name.utf8.allSatisfy { $0 < 0x80 && !(UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) }
    return hasOnlySmall ? name : name.lowercased()
}
