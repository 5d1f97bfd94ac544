// The words of a list in a status message, which are separated by blanks, and texts of people among them.
import Messaging

/// The words of one list, written without a string for each: lists are in nearly every message.
struct StatusWords: Equatable, Sendable {
    private(set) var text: [UInt8]

    init(text: [UInt8] = []) { self.text = text }

    /// `word` MUST have no blank in it.
    mutating func append(_ word: String) {
        separate()
        text.append(contentsOf: word.utf8)
    }

    mutating func append(hexadecimal number: UInt64) {
        separate()
        text.append(hexadecimal: number)
    }

    private mutating func separate() {
        if !text.isEmpty { text.append(UInt8(ascii: " ")) }
    }
}

/// Writes a text as one word, and reads it.
enum StatusText {
    /// Longest text that is read, in bytes.
    private static let lengthMax = 800

    /// Letters, digits and a few marks stand for themselves, every other byte is `%` and two hexadecimal digits; an
    /// empty text is `-`.
    static func encode(_ text: String) -> String {
        if text.isEmpty { return "-" }
        var word: [UInt8] = []
        for byte in text.utf8 {
            if isPlain(byte), text != "-" {
                word.append(byte)
            } else {
                let digits = Array(String(byte, radix: 16).utf8)
                word += [UInt8(ascii: "%")] + (digits.count < 2 ? [UInt8(ascii: "0")] : []) + digits
            }
        }
        return String(decoding: word, as: UTF8.self)
    }

    /// Takes any word; control characters become `?`.
    static func decode(_ word: String) -> String {
        if word == "-" { return "" }
        var bytes: [UInt8] = []
        var rest = word.utf8.prefix(lengthMax * 3)
        while bytes.count < lengthMax, let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16)
            rest = rest.dropFirst(2)
            bytes.append(value ?? UInt8(ascii: "?"))
        }
        return String(decoding: bytes.map { $0 < 0x20 || $0 == 0x7f ? UInt8(ascii: "?") : $0 }, as: UTF8.self)
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: ","), UInt8(ascii: ":"),
            UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "/"), UInt8(ascii: "@"):
            true
        default: false
        }
    }
}
