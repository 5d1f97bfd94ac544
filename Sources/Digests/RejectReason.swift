// Why bytes from a medium are dropped. Each cause has its own counter.
import Messaging

/// The cause of a dropped message.
package enum RejectReason: Error, Equatable, Sendable {
    /// The bytes begin like no message.
    case garbage
    /// The message ends before its end, or a length lies.
    case truncated(WireError)
    /// A message or a length is larger than a message may be.
    case oversized(WireError)
    /// Anything else that the format does not allow.
    case malformed(WireError)
    /// There is no digest.
    case unsigned
    /// The digest names a key that authkeys does not list.
    case unknownKey(Int)
    /// The digest is not that of its key.
    case badSignature(Int)

    /// The causes in the order of their counters; equal to the `word` of each case.
    package static let words = [
        "garbage", "truncated", "oversized", "malformed", "unsigned", "unknown-key", "bad-signature",
    ]

    /// The counter of the cause, as a position in `words`.
    package var index: Int {
        switch self {
        case .garbage: 0
        case .truncated: 1
        case .oversized: 2
        case .malformed: 3
        case .unsigned: 4
        case .unknownKey: 5
        case .badSignature: 6
        }
    }

    /// The cause as a stable word for counters and logs.
    package var word: String { RejectReason.words[index] }

    init(_ error: WireError) {
        switch error.kind {
        case .format: self = .garbage
        case .truncated: self = .truncated(error)
        case .oversized: self = .oversized(error)
        case .syntax, .nesting, .fields, .name, .type, .value, .signature, .compression: self = .malformed(error)
        }
    }
}

extension RejectReason: CustomStringConvertible {
    /// The word, and what is known of the cause, for a log line.
    package var description: String {
        switch self {
        case .garbage, .unsigned: word
        case .truncated(let error), .oversized(let error), .malformed(let error): "\(word) (\(error))"
        case .unknownKey(let key), .badSignature(let key): "\(word) (key \(key))"
        }
    }
}
