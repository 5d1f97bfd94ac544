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

extension ByteWriter {
    /// Appends `(<type>)`.
    mutating func append(_ type: FieldType) {
        append(UInt8(ascii: "("))
        append(UInt8(ascii: "0") + type.rawValue)
        append(UInt8(ascii: ")"))
    }
}

enum FieldRules {
    /// Bytes of `(<type>)`.
    static var prefixLength: Int { 3 }

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
        count += message.entries.count
        guard count <= WireLimit.fieldCount else { throw tooManyFields(at: offset) }
        for entry in message.entries where !message.isChecked {
            try check(name: message.content[entry.name], at: offset)
            switch entry.type {
            case .string:
                if message.content[entry.value].contains(0) { throw nul(at: offset) }
            case .list:
                guard entry.value.count <= WireLimit.listSize else { throw listTooLong(at: offset) }
            case .binary, .compressed, .message, .uncompressed: break
            }
        }
        for nested in message.nested { try check(nested, depth: depth + 1, count: &count, at: offset) }
    }

    private static func check(name: ArraySlice<UInt8>, at offset: Int) throws(WireError) {
        guard let first = name.first, name.count <= WireLimit.nameLength, name.allSatisfy(isNameByte) else {
            throw WireError(
                .name, at: offset, expected: "a name of 1 to \(WireLimit.nameLength) printable bytes without '='")
        }
        guard first != UInt8(ascii: "(") else { throw typeAsName(at: offset) }
    }

    // The errors that reading and writing share.

    static func tooDeep(at offset: Int) -> WireError {
        WireError(.nesting, at: offset, expected: "at most \(WireLimit.nestingDepth) levels of nested messages")
    }

    static func tooManyFields(at offset: Int) -> WireError {
        WireError(.fields, at: offset, expected: "at most \(WireLimit.fieldCount) fields")
    }

    static func tooLong(_ sizeMax: Int = WireLimit.messageSize) -> WireError {
        WireError(.oversized, at: sizeMax, expected: "at most \(sizeMax) bytes")
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
