// What fields must obey whatever the format. Checked when writing too, so that no message leaves this node which
// another would refuse or misread.

/// The type digits of the wire (specs/heartbeat.md 1).
enum FieldType: UInt8 {
    case string = 0
    case binary = 1
    case message = 2
    case list = 3
    case compressed = 4
    /// A message that its sender meant to compress; on receipt the same as `message`.
    case uncompressed = 5
}

extension FieldValue {
    var type: FieldType {
        switch self {
        case .string: .string
        case .binary: .binary
        case .message: .message
        case .list: .list
        case .compressed: .compressed
        }
    }
}

extension ByteWriter {
    /// Appends `(<type>)`.
    mutating func append(typePrefixOf value: FieldValue) {
        append(UInt8(ascii: "("))
        append(UInt8(ascii: "0") + value.type.rawValue)
        append(UInt8(ascii: ")"))
    }
}

enum FieldRules {
    /// Printable ASCII; `=` ends a name.
    static func isNameByte(_ byte: UInt8) -> Bool {
        byte >= 0x20 && byte < 0x7F && byte != UInt8(ascii: "=")
    }

    /// Checks a message that is to be written; `offset` is for the error.
    static func check(_ message: HAMessage, at offset: Int) throws(WireError) {
        var count = 0
        try check(message, depth: 0, count: &count, at: offset)
    }

    private static func check(
        _ message: HAMessage, depth: Int, count: inout Int, at offset: Int
    ) throws(WireError) {
        guard depth <= WireLimit.nestingDepth else { throw tooDeep(at: offset) }
        count += message.fields.count
        guard count <= WireLimit.fieldCount else { throw tooManyFields(at: offset) }
        for field in message.fields {
            try check(name: field.name, at: offset)
            switch field.value {
            case .string(let bytes):
                if bytes.contains(0) { throw nul(at: offset) }
            case .binary, .compressed: break
            case .message(let nested): try check(nested, depth: depth + 1, count: &count, at: offset)
            case .list(let elements):
                guard packedLength(elements) <= WireLimit.listSize else { throw listTooLong(at: offset) }
            }
        }
    }

    private static func check(name: String, at offset: Int) throws(WireError) {
        let bytes = name.utf8
        guard let first = bytes.first, bytes.count <= WireLimit.nameLength, bytes.allSatisfy(isNameByte) else {
            throw WireError(
                .name, at: offset, expected: "a name of 1 to \(WireLimit.nameLength) printable bytes without '='")
        }
        guard first != UInt8(ascii: "(") else { throw typeAsName(at: offset) }
    }

    /// Bytes of a packed list.
    static func packedLength(_ list: [[UInt8]]) -> Int {
        list.reduce(0) { $0 + decimalLength($1.count) + 2 + $1.count }
    }

    /// Appends `<length>:<bytes>,` for each element.
    static func appendPacked(_ list: [[UInt8]], to writer: inout ByteWriter) {
        for element in list {
            writer.append(decimal: element.count)
            writer.append(UInt8(ascii: ":"))
            writer.append(element)
            writer.append(UInt8(ascii: ","))
        }
    }

    // The errors that reading and writing share.

    static func tooDeep(at offset: Int) -> WireError {
        WireError(.nesting, at: offset, expected: "at most \(WireLimit.nestingDepth) levels of nested messages")
    }

    static func tooManyFields(at offset: Int) -> WireError {
        WireError(.fields, at: offset, expected: "at most \(WireLimit.fieldCount) fields")
    }

    static func tooLong() -> WireError {
        WireError(.oversized, at: WireLimit.messageSize, expected: "at most \(WireLimit.messageSize) bytes")
    }

    static func listTooLong(at offset: Int) -> WireError {
        WireError(.value, at: offset, expected: "a list of at most \(WireLimit.listSize) bytes")
    }

    static func typeAsName(at offset: Int) -> WireError {
        WireError(.name, at: offset, expected: "a name that does not begin with '('", found: UInt8(ascii: "("))
    }

    static func nul(at offset: Int) -> WireError {
        WireError(.value, at: offset, expected: "a text without NUL", found: 0)
    }
}
