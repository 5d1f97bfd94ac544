// The netstring text of a message, which every datagram carries (specs/heartbeat.md 1.1):
// `###\n`, for each field `<length>:(<type>)<name>=<value>,`, `%%%\n`, and the trailer `<length>:<number> <digest>,`.

/// Reads and writes netstring text.
package enum NetstringCodec {
    /// The outline of a signed text, found without reading a field.
    package struct Outline: Equatable, Sendable {
        /// The bytes that the digest covers: from the first `#` to the LF of `%%%\n`.
        package let covered: Range<Int>
        /// The trailer; nil where none follows. What stands after it is ignored.
        package let signature: Signature?
    }

    /// A message and its outline.
    package struct Decoded: Equatable, Sendable {
        /// The message, with its `auth` field if it has one.
        package let message: HAMessage
        /// What `outline(of:)` finds in the same bytes.
        package let outline: Outline
    }

    /// Finds what the digest covers and the digest, so that a text can be verified before anything in it is believed.
    /// Checks that the lengths of the fields fit, nothing more; takes time in proportion to the text, and memory for
    /// the digest alone.
    package static func outline(of bytes: [UInt8]) throws(WireError) -> Outline {
        guard bytes.count <= WireLimit.messageSize else { throw FieldRules.tooLong() }
        var scanner = ByteScanner(bytes)
        let end = bytes.count
        try scanner.expect(Marker.netstringStart, before: end, "'###' and LF")
        while !scanner.isAt(UInt8(ascii: "%"), before: end) {
            try scanner.countField()
            scanner.position += try scanner.length(before: end)
            try scanner.expect(UInt8(ascii: ","), before: end, "',' after a field")
        }
        try scanner.expect(Marker.netstringEnd, before: end, "'%%%' and LF")
        return Outline(covered: 0..<scanner.position, signature: try signature(&scanner))
    }

    /// Reads a whole text: message, covered bytes and trailer.
    package static func decode(_ bytes: [UInt8]) throws(WireError) -> Decoded {
        guard bytes.count <= WireLimit.messageSize else { throw FieldRules.tooLong() }
        var scanner = ByteScanner(bytes)
        let message = try message(&scanner, before: bytes.count, depth: 0)
        let covered = 0..<scanner.position
        return Decoded(message: message, outline: Outline(covered: covered, signature: try signature(&scanner)))
    }

    private static func message(
        _ scanner: inout ByteScanner, before end: Int, depth: Int
    ) throws(WireError) -> HAMessage {
        guard depth <= WireLimit.nestingDepth else { throw FieldRules.tooDeep(at: scanner.position) }
        try scanner.expect(Marker.netstringStart, before: end, "'###' and LF")
        var message = HAMessage()
        while !scanner.isAt(UInt8(ascii: "%"), before: end) {
            try scanner.countField()
            let fieldEnd = try scanner.length(before: end) + scanner.position
            message.fields.append(try field(&scanner, before: fieldEnd, depth: depth))
            try scanner.expect(UInt8(ascii: ","), before: end, "',' after a field")
        }
        try scanner.expect(Marker.netstringEnd, before: end, "'%%%' and LF")
        return message
    }

    /// Reads `(<type>)<name>=<value>`, which fills the bytes up to `end`.
    private static func field(_ scanner: inout ByteScanner, before end: Int, depth: Int) throws(WireError) -> Field {
        let type = try scanner.type(before: end)
        let name = try scanner.name(before: end)
        let start = scanner.position
        let value: FieldValue
        switch type {
        case .string:
            if let nul = scanner.bytes[start..<end].firstIndex(of: 0) { throw FieldRules.nul(at: nul) }
            value = .string(scanner.take(upTo: end))
        case .binary: value = .binary(scanner.take(upTo: end))
        case .message, .uncompressed: value = .message(try message(&scanner, before: end, depth: depth + 1))
        case .list: value = .list(try scanner.list(before: end))
        case .compressed: value = .compressed(scanner.take(upTo: end))
        }
        guard scanner.position == end else { throw scanner.unexpected(.syntax, "the end of a nested message") }
        return Field(name, value)
    }

    /// Reads the trailer, if a digit says that there is one.
    private static func signature(_ scanner: inout ByteScanner) throws(WireError) -> Signature? {
        let end = scanner.bytes.count
        guard scanner.position < end, decimalDigit(scanner.bytes[scanner.position]) != nil else { return nil }
        let textEnd = try scanner.length(before: end) + scanner.position
        let signature = try Signature(parsing: scanner.bytes[scanner.position..<textEnd])
        scanner.position = textEnd
        try scanner.expect(UInt8(ascii: ","), before: end, "',' after the digest")
        return signature
    }

    /// Appends a message without trailer. Refuses what `decode` would refuse; then the writer holds what it held
    /// before.
    package static func encode(_ message: HAMessage, into writer: inout ByteWriter) throws(WireError) {
        let start = writer.count
        try FieldRules.check(message, at: start)
        append(message, to: &writer)
        guard writer.count - start <= WireLimit.messageSize else {
            writer.truncate(to: start)
            throw FieldRules.tooLong()
        }
    }

    /// Appends the trailer of a message.
    package static func appendTrailer(_ signature: Signature, to writer: inout ByteWriter) {
        writer.append(decimal: signature.length)
        writer.append(UInt8(ascii: ":"))
        signature.write(to: &writer)
        writer.append(UInt8(ascii: ","))
    }

    private static func append(_ message: HAMessage, to writer: inout ByteWriter) {
        writer.append(Marker.netstringStart)
        for field in message.fields {
            writer.append(decimal: contentLength(of: field))
            writer.append(UInt8(ascii: ":"))
            writer.append(typePrefixOf: field.value)
            writer.append(field.name)
            writer.append(UInt8(ascii: "="))
            switch field.value {
            case .string(let bytes), .binary(let bytes), .compressed(let bytes): writer.append(bytes)
            case .message(let nested): append(nested, to: &writer)
            case .list(let elements): FieldRules.appendPacked(elements, to: &writer)
            }
            writer.append(UInt8(ascii: ","))
        }
        writer.append(Marker.netstringEnd)
    }

    /// Bytes of a field between its `:` and its `,`.
    private static func contentLength(of field: Field) -> Int {
        let value =
            switch field.value {
            case .string(let bytes), .binary(let bytes), .compressed(let bytes): bytes.count
            case .message(let nested): length(of: nested)
            case .list(let elements): FieldRules.packedLength(elements)
            }
        return 4 + field.name.utf8.count + value
    }

    private static func length(of message: HAMessage) -> Int {
        message.fields.reduce(Marker.netstringStart.count + Marker.netstringEnd.count) { sum, field in
            let content = contentLength(of: field)
            return sum + decimalLength(content) + content + 2
        }
    }
}
