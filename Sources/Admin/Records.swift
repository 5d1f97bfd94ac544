// Fields of records by name and type: what is written can always be sent, what is read was checked.
import ClusterModel
import Messaging

/// A message of the control socket that is not as it must be.
package struct AdminMessageError: Error, Equatable, CustomStringConvertible {
    /// What is wrong, as one clause.
    package let description: String

    /// An error with this clause.
    package init(_ description: String) { self.description = description }
}

/// Builds a record. Texts lose NUL bytes, which the wire cannot carry in a text, and what exceeds their limit.
struct RecordWriter {
    /// Bytes of one text in a record. A record has a handful of texts, so it stays far below `AdminMessage.sizeMax`.
    static let textLengthMax = 4096
    /// Bytes of the one long text of an answer.
    static let answerLengthMax = 32_768

    private(set) var message = HAMessage()

    init(type: String) { message.append("t", type) }

    mutating func add(_ name: String, _ text: String, limit: Int = textLengthMax) {
        var bytes = text.utf8.filter { $0 != 0 }
        if bytes.count > limit {
            // Not in the middle of a character: continuation bytes are 10xxxxxx.
            var end = limit
            while end > 0, bytes[end] & 0xC0 == 0x80 { end -= 1 }
            bytes.removeLast(bytes.count - end)
        }
        message.append(name, text: bytes)
    }

    mutating func add(_ name: String, _ text: String?) {
        if let text { add(name, text, limit: RecordWriter.textLengthMax) }
    }

    mutating func add(_ name: String, number: some BinaryInteger) { message.append(name, String(number)) }

    mutating func add(_ name: String, flag: Bool) { message.append(name, flag ? "yes" : "no") }

    /// Nanoseconds; negative ones become zero.
    mutating func add(_ name: String, _ duration: Duration?) {
        if let duration { add(name, number: max(0, duration.wholeNanoseconds)) }
    }
}

/// Reads a record; every accessor throws where a field is missing or not of its type.
struct RecordReader {
    private let message: HAMessage
    private let type: String

    init(_ message: HAMessage, type: String) throws(AdminMessageError) {
        guard message.text("t") == type else {
            throw AdminMessageError("expected t=\(type), found t=\(message.text("t") ?? "")")
        }
        self.message = message
        self.type = type
    }

    func optionalText(_ name: String) throws(AdminMessageError) -> String? {
        guard message[name] != nil else { return nil }
        guard let text = message.text(name) else { throw wrong(name, "a text") }
        return text
    }

    func text(_ name: String) throws(AdminMessageError) -> String {
        guard let text = try optionalText(name) else { throw wrong(name, "a text") }
        return text
    }

    func optionalNumber<Number: FixedWidthInteger>(_ name: String) throws(AdminMessageError) -> Number? {
        guard let text = try optionalText(name) else { return nil }
        guard let number = Number(text) else { throw wrong(name, "a number") }
        return number
    }

    func number<Number: FixedWidthInteger>(_ name: String) throws(AdminMessageError) -> Number {
        guard let number: Number = try optionalNumber(name) else { throw wrong(name, "a number") }
        return number
    }

    func flag(_ name: String) throws(AdminMessageError) -> Bool {
        switch try optionalText(name) {
        case "yes": true
        case "no": false
        default: throw wrong(name, "yes or no")
        }
    }

    func optionalDuration(_ name: String) throws(AdminMessageError) -> Duration? {
        guard let nanoseconds: Int64 = try optionalNumber(name) else { return nil }
        guard nanoseconds >= 0 else { throw wrong(name, "a time") }
        return .nanoseconds(nanoseconds)
    }

    func duration(_ name: String) throws(AdminMessageError) -> Duration {
        guard let duration = try optionalDuration(name) else { throw wrong(name, "a time") }
        return duration
    }

    func word<Word: RawRepresentable<String>>(_ name: String) throws(AdminMessageError) -> Word {
        guard let word = Word(rawValue: try text(name)) else { throw wrong(name, "a known word") }
        return word
    }

    private func wrong(_ name: String, _ expected: String) -> AdminMessageError {
        AdminMessageError("\(type): field '\(name)' is not \(expected)")
    }
}
