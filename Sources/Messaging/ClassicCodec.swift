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
        var scanner = try ByteScanner(bytes, sizeMax: WireLimit.messageSize)
        try scanner.expect(.classicStart, before: bytes.count, "'>>>' and LF")
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

    /// Reads a whole text. What stands after `<<<`, such as the NUL that old versions send, is ignored. `sizeMax`: the
    /// longest text that is read.
    package static func decode(
        _ bytes: [UInt8], sizeMax: Int = WireLimit.messageSize
    ) throws(WireError) -> HAMessage {
        var scanner = try ByteScanner(bytes, sizeMax: sizeMax)
        return try message(&scanner, before: bytes.count, ending: lineFeed, depth: 0)
    }

    private static func message(
        _ scanner: inout ByteScanner, before end: Int, ending: UInt8, depth: Int
    ) throws(WireError) -> HAMessage {
        try scanner.expect(.classicStart, ending: ending, before: end, "'>>>' and a line's end")
        var message = HAMessage()
        while let line = try nextLine(&scanner, before: end, ending: ending) {
            if line.isEmpty { continue }
            try scanner.countField()
            let next = scanner.position
            scanner.position = line.lowerBound
            try readField(into: &message, from: &scanner, before: line.upperBound, depth: depth)
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
        let isEnd = line.count == Marker.repeats && scanner.bytes[line].allSatisfy { $0 == Marker.classicEnd.byte }
        return isEnd ? nil : line
    }

    /// Reads the line that ends before `end`.
    private static func readField(
        into message: inout HAMessage, from scanner: inout ByteScanner, before end: Int, depth: Int
    ) throws(WireError) {
        let isText = !scanner.isAt(UInt8(ascii: "("), before: end)
        let type = isText ? .string : try scanner.type(before: end)
        let name = scanner.text(try scanner.name(before: end))
        guard scanner.position < end else { throw WireError(.value, at: end, expected: "a value that is not empty") }
        let value = scanner.bytes[scanner.position..<end]
        switch type {
        case .string: message.append(name, text: value.map { $0 == textLineFeed ? lineFeed : $0 })
        case .binary, .compressed: message.append(type, name, try Base64.decode(value))
        case .list: message.append(name, list: try scanner.list(before: end))
        case .message, .uncompressed:
            guard depth < depthSymbols.count else { throw FieldRules.tooDeep(at: scanner.position) }
            let nested = try self.message(&scanner, before: end, ending: depthSymbols[depth], depth: depth + 1)
            guard scanner.position == end else { throw scanner.unexpected(.syntax, "the end of a nested message") }
            message.append(name, nested)
        }
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
            try appendFields(of: message, ending: lineFeed, depth: 0, withAuth: false, to: &writer)
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
        writer.append(.classicStart, ending: ending)
        try appendFields(of: message, ending: ending, depth: depth, withAuth: true, to: &writer)
        writer.append(.classicEnd, ending: ending)
    }

    private static func appendFields(
        of message: HAMessage, ending: UInt8, depth: Int, withAuth: Bool, to writer: inout ByteWriter
    ) throws(WireError) {
        var nested = message.nested.makeIterator()
        for entry in message.entries {
            let inner = entry.type == .message ? nested.next() : nil
            let name = message.content[entry.name]
            if !withAuth && name.elementsEqual(Wire.FieldName.auth.utf8) { continue }
            if entry.type != .string { writer.append(entry.type) }
            writer.append(name)
            writer.append(UInt8(ascii: "="))
            let start = writer.count
            if let inner {
                guard depth < depthSymbols.count else { throw FieldRules.tooDeep(at: start) }
                try append(inner, ending: depthSymbols[depth], depth: depth + 1, to: &writer)
            } else {
                try append(entry.type, message.content[entry.value], depth: depth, to: &writer)
            }
            guard writer.count > start else {
                throw WireError(.value, at: start, expected: "a value that is not empty")
            }
            writer.append(ending)
        }
    }

    private static func append(
        _ type: FieldType, _ value: ArraySlice<UInt8>, depth: Int, to writer: inout ByteWriter
    ) throws(WireError) {
        let start = writer.count
        switch type {
        case .string:
            for byte in value { writer.append(byte == lineFeed ? textLineFeed : byte) }
            try checkLine(writer.bytes[start...], depth: depth)
        case .binary, .compressed: Base64.encode(value, into: &writer)
        case .list:
            writer.append(value)
            try checkLine(writer.bytes[start...], depth: depth)
        case .message, .uncompressed: break
        }
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
