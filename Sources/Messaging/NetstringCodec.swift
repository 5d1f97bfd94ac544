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
    /// Checks that the lengths of the fields fit, nothing more; takes time in proportion to the text, and no memory.
    package static func outline(of bytes: [UInt8]) throws(WireError) -> Outline {
        var scanner = try ByteScanner(bytes, sizeMax: WireLimit.messageSize)
        let end = bytes.count
        try scanner.expect(.netstringStart, before: end, "'###' and LF")
        while !scanner.isAt(Marker.netstringEnd.byte, before: end) {
            try scanner.countField()
            scanner.position += try scanner.length(before: end)
            try scanner.expect(UInt8(ascii: ","), before: end, "',' after a field")
        }
        try scanner.expect(.netstringEnd, before: end, "'%%%' and LF")
        return Outline(covered: 0..<scanner.position, signature: try signature(&scanner))
    }

    /// Reads a whole text: message, covered bytes and trailer.
    package static func decode(_ bytes: [UInt8]) throws(WireError) -> Decoded {
        var message = HAMessage()
        let outline = try decode(bytes, into: &message)
        return Decoded(message: message, outline: outline)
    }

    /// The same into a message whose memory is used again; where this throws, it holds nothing of use. `sizeMax`: the
    /// longest text that is read.
    @discardableResult
    package static func decode(
        _ bytes: [UInt8], into message: inout HAMessage, sizeMax: Int = WireLimit.messageSize
    ) throws(WireError) -> Outline {
        var scanner = try ByteScanner(bytes, sizeMax: sizeMax)
        try read(&message, from: &scanner, before: bytes.count, depth: 0)
        let covered = 0..<scanner.position
        return Outline(covered: covered, signature: try signature(&scanner))
    }

    private static func read(
        _ message: inout HAMessage, from scanner: inout ByteScanner, before end: Int, depth: Int
    ) throws(WireError) {
        guard depth <= WireLimit.nestingDepth else { throw FieldRules.tooDeep(at: scanner.position) }
        let base = scanner.position
        message.begin(scanner.bytes[base..<end])
        try scanner.expect(.netstringStart, before: end, "'###' and LF")
        while !scanner.isAt(Marker.netstringEnd.byte, before: end) {
            try scanner.countField()
            let fieldEnd = try scanner.length(before: end) + scanner.position
            try readField(into: &message, base, from: &scanner, before: fieldEnd, depth: depth)
            try scanner.expect(UInt8(ascii: ","), before: end, "',' after a field")
        }
        try scanner.expect(.netstringEnd, before: end, "'%%%' and LF")
    }

    /// Reads `(<type>)<name>=<value>`, which fills the bytes up to `end`. `base`: where the message's content begins.
    private static func readField(
        into message: inout HAMessage, _ base: Int, from scanner: inout ByteScanner, before end: Int, depth: Int
    ) throws(WireError) {
        let type = try scanner.type(before: end)
        let name = try scanner.name(before: end)
        switch type {
        case .string, .binary, .compressed:
            if type == .string { try scanner.refuseNUL(before: end) }
            message.append(
                type, at: name.lowerBound - base, nameLength: name.count, length: end - name.lowerBound)
            scanner.position = end
        case .list: message.append(scanner.text(name), list: try scanner.list(before: end))
        case .message, .uncompressed:
            var nested = HAMessage()
            try read(&nested, from: &scanner, before: end, depth: depth + 1)
            guard scanner.position == end else { throw scanner.unexpected(.syntax, "the end of a nested message") }
            message.append(scanner.text(name), nested)
        }
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
    /// before. `sizeMax`: the longest text that is written.
    package static func encode(
        _ message: HAMessage, into writer: inout ByteWriter, sizeMax: Int = WireLimit.messageSize
    ) throws(WireError) {
        let start = writer.count
        try FieldRules.check(message, at: start)
        append(message, to: &writer)
        guard writer.count - start <= sizeMax else {
            writer.truncate(to: start)
            throw FieldRules.tooLong(sizeMax)
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
        writer.append(.netstringStart)
        defer { writer.append(.netstringEnd) }
        if message.isText { return writer.append(message.content) }
        var nested = message.nested.makeIterator()
        for entry in message.entries {
            // The value of this field, if it is a message.
            let inner = entry.type == .message ? nested.next() : nil
            writer.append(decimal: FieldRules.prefixLength + Int(entry.length) + (inner.map(length) ?? 0))
            writer.append(UInt8(ascii: ":"))
            writer.append(entry.type)
            writer.append(message.content[entry.range])
            if let inner { append(inner, to: &writer) }
            writer.append(UInt8(ascii: ","))
        }
    }

    private static func length(of message: HAMessage) -> Int {
        var nested = message.nested.makeIterator()
        return message.entries.reduce(2 * Marker.length) { sum, entry in
            let inner = entry.type == .message ? nested.next() : nil
            let content = FieldRules.prefixLength + Int(entry.length) + (inner.map(length) ?? 0)
            return sum + decimalLength(content) + content + 2
        }
    }
}
