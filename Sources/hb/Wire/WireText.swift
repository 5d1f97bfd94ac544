// A message as one line: for people, or as a JSON object.
import Admin
import JSON
import Messaging

/// Where a message was found.
struct WireOrigin {
    /// `line` of hexadecimal text, `packet` of a file; nil for what is heard now.
    var kind: String?
    var number = 0
    /// Nanoseconds since 1970; nil where it is not known.
    var time: Int64?
    /// What stands before the message in hexadecimal text.
    var label = ""
    var source: String?
    var destination: String?
}

/// Prints messages.
enum WireText {
    static func line(_ origin: WireOrigin, _ found: WireInspection) -> String {
        var words: [String] = []
        if let kind = origin.kind { words.append("\(kind) \(origin.number)") }
        if let time = origin.time { words.append(clock(time)) }
        if !origin.label.isEmpty { words.append(Terminal.printableWord(origin.label)) }
        if let source = origin.source, let destination = origin.destination {
            words.append("\(source) > \(destination)")
        }
        words.append(verdict(found))
        if let message = found.message { words.append(fields(message)) }
        return words.joined(separator: "  ")
    }

    private static func verdict(_ found: WireInspection) -> String {
        if let problem = found.problem { return "REFUSED: \(Terminal.printableWord(problem))" }
        guard found.isVerified == true else { return "not verified" }
        return found.key.map { "ok (key \($0))" } ?? "ok"
    }

    /// `2026-11-21 04:48:07.123456`
    private static func clock(_ time: Int64) -> String {
        let micros = String(time % 1_000_000_000 / 1000)
        return WallClock.text(time / 1_000_000_000) + "." + String(repeating: "0", count: 6 - micros.count) + micros
    }

    private static func fields(_ message: HAMessage) -> String {
        message.fields.map { "\($0.name)=\(value($0.value))" }.joined(separator: " ")
    }

    private static func value(_ value: FieldValue) -> String {
        switch value {
        case .string(let bytes): quoted(bytes)
        case .binary(let bytes): bytes.count == 16 ? uuid(bytes) : "0x" + hexadecimal(bytes)
        case .compressed(let bytes): "compressed:0x" + hexadecimal(bytes)
        case .list(let elements): "[" + elements.map(quoted).joined(separator: " ") + "]"
        case .message(let message): "{" + fields(message) + "}"
        }
    }

    /// As it is where that is clear, else in quotes with `\`, `"` and unprintable bytes escaped.
    private static func quoted(_ bytes: [UInt8]) -> String {
        let isPlain = !bytes.isEmpty && bytes.allSatisfy { $0 > 32 && $0 < 127 && !#""\[]{}"#.utf8.contains($0) }
        if isPlain { return String(decoding: bytes, as: UTF8.self) }
        var text = "\""
        for byte in bytes {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): text += "\\" + String(UnicodeScalar(byte))
            case 32..<127: text += String(UnicodeScalar(byte))
            default: text += "\\x" + hexadecimal([byte])
            }
        }
        return text + "\""
    }

    private static func uuid(_ bytes: [UInt8]) -> String {
        let text = Array(hexadecimal(bytes))
        return [0..<8, 8..<12, 12..<16, 16..<20, 20..<32].map { String(text[$0]) }.joined(separator: "-")
    }

    private static func hexadecimal(_ bytes: [UInt8]) -> String {
        var writer = ByteWriter()
        writer.append(hexadecimal: bytes)
        return String(decoding: writer.bytes, as: UTF8.self)
    }

    /// The same as one JSON object.
    static func json(_ origin: WireOrigin, _ found: WireInspection) -> String {
        var members: [(String, JSONValue)] = []
        if let kind = origin.kind { members.append((kind, .number(Int64(origin.number)))) }
        if let time = origin.time { members.append(("time_ns", .number(time))) }
        if !origin.label.isEmpty { members.append(("label", .string(origin.label))) }
        if let source = origin.source { members.append(("source", .string(source))) }
        if let destination = origin.destination { members.append(("destination", .string(destination))) }
        members.append(("bytes", .number(Int64(found.byteCount))))
        members.append(("format", JSONValue(found.format) { .string($0 == .netstring ? "netstring" : "classic") }))
        members.append(("key", JSONValue(found.key) { .number(Int64($0)) }))
        members.append(("verified", JSONValue(found.isVerified) { .bool($0) }))
        members.append(("problem", JSONValue(found.problem) { .string($0) }))
        members.append(("fields", JSONValue(found.message, list)))
        return JSONValue.object(members).text(isCompact: true)
    }

    private static func list(_ message: HAMessage) -> JSONValue {
        .array(message.fields.map { field in
            let (type, value) = typed(field.value)
            return .object([("name", .string(field.name)), ("type", .string(type)), ("value", value)])
        })
    }

    /// Binary values as hexadecimal digits; bytes of texts that are not UTF-8 are replaced.
    private static func typed(_ value: FieldValue) -> (String, JSONValue) {
        switch value {
        case .string(let bytes): ("string", .string(String(decoding: bytes, as: UTF8.self)))
        case .binary(let bytes): ("binary", .string(hexadecimal(bytes)))
        case .compressed(let bytes): ("compressed", .string(hexadecimal(bytes)))
        case .list(let elements): ("list", .array(elements.map { .string(String(decoding: $0, as: UTF8.self)) }))
        case .message(let message): ("message", list(message))
        }
    }
}
