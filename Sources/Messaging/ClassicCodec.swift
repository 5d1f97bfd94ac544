// The classic text of a message, for serial lines, the FIFO and clients (specs/heartbeat.md 1.2): `>>>`, a line
// `[(<type>)]<name>=<value>` for each field, `<<<`. What the digest in the field `auth` covers is here too.

/// Reads and writes classic text.
package enum ClassicCodec {
    /// Stands for LF within a text value. A text that contains this byte is read back with LF in its place.
    static let textLineFeed: UInt8 = 19
    private static let lineFeed = UInt8(ascii: "\n")
    /// What ends the lines of a message nested in one of depth 0, 1, and so on.
    static let depthSymbols: [UInt8] = [20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 15, 16, 17, 18]

    /// What a signed text says of its digest, found without reading a field.
    package struct Outline: Equatable, Sendable {
        /// The classic body: every line but those of `auth`, and neither `>>>` nor `<<<`.
        package let covered: [UInt8]
        /// The last `auth` field; nil where there is none.
        package let signature: Signature?
    }

    /// Finds the classic body and the digest, so that a text can be verified before anything in it is believed. Takes
    /// time and memory in proportion to the text. What stands after `<<<` is ignored.
    package static func outline(of bytes: [UInt8]) throws(WireError) -> Outline {
        guard bytes.count <= WireLimit.messageSize else { throw FieldRules.tooLong() }
        var scanner = ByteScanner(bytes)
        try scanner.expect(Marker.classicStart, before: bytes.count, "'>>>' and LF")
        var covered: [UInt8] = []
        var signed: Range<Int>?
        let prefix = Array("\(Wire.FieldName.auth)=".utf8)
        while let line = try nextLine(&scanner, before: bytes.count, ending: lineFeed) {
            if bytes[line].starts(with: prefix) {
                signed = line.dropFirst(prefix.count)
            } else if !line.isEmpty {
                covered.append(contentsOf: bytes[line.lowerBound...line.upperBound])
            }
        }
        guard let signed else { return Outline(covered: covered, signature: nil) }
        return Outline(covered: covered, signature: try Signature(parsing: bytes[signed]))
    }

    /// Reads a whole text. What stands after `<<<`, such as the NUL that old versions send, is ignored.
    package static func decode(_ bytes: [UInt8]) throws(WireError) -> HAMessage {
        guard bytes.count <= WireLimit.messageSize else { throw FieldRules.tooLong() }
        var scanner = ByteScanner(bytes)
        return try message(&scanner, before: bytes.count, ending: lineFeed, depth: 0)
    }

    private static func message(
        _ scanner: inout ByteScanner, before end: Int, ending: UInt8, depth: Int
    ) throws(WireError) -> HAMessage {
        try scanner.expect(Marker.classicStart, ending: ending, before: end, "'>>>' and a line's end")
        var message = HAMessage()
        while let line = try nextLine(&scanner, before: end, ending: ending) {
            if line.isEmpty { continue }
            try scanner.countField()
            let next = scanner.position
            scanner.position = line.lowerBound
            message.fields.append(try field(&scanner, before: line.upperBound, depth: depth))
            scanner.position = next
        }
        return message
    }

    /// Steps over a line and returns its bytes without its end; nil for `<<<`.
    private static func nextLine(
        _ scanner: inout ByteScanner, before end: Int, ending: UInt8
    ) throws(WireError) -> Range<Int>? {
        let start = scanner.position
        while scanner.position < end, scanner.bytes[scanner.position] != ending {
            guard scanner.bytes[scanner.position] != 0 else { throw scanner.unexpected(.truncated, "a line's end") }
            scanner.position += 1
        }
        guard scanner.position < end else {
            throw WireError(.truncated, at: end, expected: "a line's end, and '<<<'")
        }
        let line = start..<scanner.position
        scanner.position += 1
        return scanner.bytes[line].elementsEqual(Marker.classicEnd.dropLast()) ? nil : line
    }

    /// Reads the line that ends before `end`.
    private static func field(_ scanner: inout ByteScanner, before end: Int, depth: Int) throws(WireError) -> Field {
        let isText = !scanner.isAt(UInt8(ascii: "("), before: end)
        let type = isText ? .string : try scanner.type(before: end)
        let name = try scanner.name(before: end)
        guard scanner.position < end else { throw WireError(.value, at: end, expected: "a value that is not empty") }
        let value: FieldValue
        switch type {
        case .string:
            value = .string(scanner.take(upTo: end).map { $0 == textLineFeed ? lineFeed : $0 })
        case .binary: value = .binary(try Base64.decode(scanner.bytes[scanner.position..<end]))
        case .compressed: value = .compressed(try Base64.decode(scanner.bytes[scanner.position..<end]))
        case .list: value = .list(try scanner.list(before: end))
        case .message, .uncompressed:
            guard depth < depthSymbols.count else { throw FieldRules.tooDeep(at: scanner.position) }
            value = .message(
                try message(&scanner, before: end, ending: depthSymbols[depth], depth: depth + 1))
            guard scanner.position == end else { throw scanner.unexpected(.syntax, "the end of a nested message") }
        }
        return Field(name, value)
    }

    /// Appends a message. Refuses what `decode` would refuse or read as something else, except for text with the byte
    /// 0x13; then the writer holds what it held before.
    package static func encode(_ message: HAMessage, into writer: inout ByteWriter) throws(WireError) {
        try write(message, into: &writer) { writer throws(WireError) in
            try append(message, ending: lineFeed, depth: 0, to: &writer)
        }
    }

    /// Appends the classic body of a message, which the digest of its `auth` field covers.
    package static func encodeBody(_ message: HAMessage, into writer: inout ByteWriter) throws(WireError) {
        try write(message, into: &writer) { writer throws(WireError) in
            for field in message.fields where field.name != Wire.FieldName.auth {
                try append(field, ending: lineFeed, depth: 0, to: &writer)
            }
        }
    }

    private static func write(
        _ message: HAMessage, into writer: inout ByteWriter,
        _ body: (inout ByteWriter) throws(WireError) -> Void
    ) throws(WireError) {
        let start = writer.count
        try FieldRules.check(message, at: start)
        do throws(WireError) {
            try body(&writer)
            guard writer.count - start <= WireLimit.messageSize else { throw FieldRules.tooLong() }
        } catch {
            writer.truncate(to: start)
            throw error
        }
    }

    private static func append(
        _ message: HAMessage, ending: UInt8, depth: Int, to writer: inout ByteWriter
    ) throws(WireError) {
        writer.append(">>>")
        writer.append(ending)
        for field in message.fields { try append(field, ending: ending, depth: depth, to: &writer) }
        writer.append("<<<")
        writer.append(ending)
    }

    private static func append(
        _ field: Field, ending: UInt8, depth: Int, to writer: inout ByteWriter
    ) throws(WireError) {
        if field.value.type != .string { writer.append(typePrefixOf: field.value) }
        writer.append(field.name)
        writer.append(UInt8(ascii: "="))
        let start = writer.count
        switch field.value {
        case .string(let bytes):
            for byte in bytes { writer.append(byte == lineFeed ? textLineFeed : byte) }
            try checkLine(writer.bytes[start...], depth: depth)
        case .binary(let bytes), .compressed(let bytes): Base64.encode(bytes, into: &writer)
        case .message(let nested):
            guard depth < depthSymbols.count else { throw FieldRules.tooDeep(at: start) }
            try append(nested, ending: depthSymbols[depth], depth: depth + 1, to: &writer)
        case .list(let elements):
            FieldRules.appendPacked(elements, to: &writer)
            try checkLine(writer.bytes[start...], depth: depth)
        }
        guard writer.count > start else { throw WireError(.value, at: start, expected: "a value that is not empty") }
        writer.append(ending)
    }

    /// Refuses bytes that would end the line of a field, or of a field that encloses it, so that no value can smuggle
    /// fields into a message.
    private static func checkLine(_ value: ArraySlice<UInt8>, depth: Int) throws(WireError) {
        let symbols = depthSymbols[..<depth]
        for index in value.indices {
            let byte = value[index]
            guard byte != 0, byte != lineFeed, depth == 0 || !symbols.contains(byte) else {
                throw WireError(.value, at: index, expected: "a text without the end of a line", found: byte)
            }
        }
    }
}
