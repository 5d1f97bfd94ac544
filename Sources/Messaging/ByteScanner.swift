// A position in a wire text that only moves forward and never leaves it. Shared by both decoders.

/// Reads a text byte by byte up to an end, which a nested message narrows.
struct ByteScanner {
    let bytes: [UInt8]
    var position = 0
    /// Fields seen so far, in this message and all that are nested in it.
    private var fieldCount = 0
    /// The longest text that is read; no length in it may say more.
    private let sizeMax: Int

    /// Refuses a text that is longer than `sizeMax`.
    init(_ bytes: [UInt8], sizeMax: Int) throws(WireError) {
        guard bytes.count <= sizeMax else { throw FieldRules.tooLong(sizeMax) }
        self.bytes = bytes
        self.sizeMax = sizeMax
    }

    /// Steps over a marker, whose line ends with `ending`: another byte than LF in a nested classic message.
    mutating func expect(
        _ marker: Marker, ending: UInt8 = UInt8(ascii: "\n"), before end: Int, _ meaning: StaticString
    ) throws(WireError) {
        for _ in 0..<Marker.repeats { try expect(marker.byte, before: end, meaning) }
        try expect(ending, before: end, meaning)
    }

    /// Steps over one exact byte.
    mutating func expect(_ wanted: UInt8, before end: Int, _ meaning: StaticString) throws(WireError) {
        guard position < end else { throw WireError(.truncated, at: position, expected: "\(meaning)") }
        guard bytes[position] == wanted else { throw unexpected(.syntax, "\(meaning)") }
        position += 1
    }

    /// Reads `<length>:` and checks that so many bytes and a comma follow. As heartbeat 3.0.6 does, it takes leading
    /// zeros and skips what stands between the digits and the colon (specs/heartbeat.md 1.1).
    mutating func length(before end: Int) throws(WireError) -> Int {
        let start = position
        var length = 0
        while position < end, let digit = decimalDigit(bytes[position]) {
            length = length * 10 + digit
            guard length <= sizeMax else {
                throw WireError(.oversized, at: start, expected: "a length of at most \(sizeMax)")
            }
            position += 1
        }
        guard position > start else {
            guard position < end else { throw WireError(.truncated, at: position, expected: "a length") }
            throw unexpected(.syntax, "a length")
        }
        let digitsEnd = position
        while position < end, bytes[position] != UInt8(ascii: ":") { position += 1 }
        guard position < end else { throw WireError(.truncated, at: digitsEnd, expected: "':' after a length") }
        position += 1
        guard end - position > length else {
            throw WireError(.truncated, at: start, expected: "\(length) bytes and ',' after the length")
        }
        return length
    }

    /// Checks that the bytes up to an end can be a text.
    func refuseNUL(before end: Int) throws(WireError) {
        for index in position..<end where bytes[index] == 0 { throw FieldRules.nul(at: index) }
    }

    /// The text in a range of the bytes.
    func text(_ range: Range<Int>) -> String { String(decoding: bytes[range], as: UTF8.self) }

    /// Whether the next byte is a certain one.
    func isAt(_ byte: UInt8, before end: Int) -> Bool { position < end && bytes[position] == byte }

    /// Counts a field, up to the limit.
    mutating func countField() throws(WireError) {
        fieldCount += 1
        guard fieldCount <= WireLimit.fieldCount else { throw FieldRules.tooManyFields(at: position) }
    }

    /// Reads `(<type>)`. heartbeat 3.0.6 ends itself where this is missing (specs/heartbeat.md 12.1).
    mutating func type(before end: Int) throws(WireError) -> FieldType {
        let meaning = "a field's type in parentheses"
        guard isAt(UInt8(ascii: "("), before: end), end - position > 2 else {
            throw WireError(.type, at: position, expected: meaning, found: position < end ? bytes[position] : nil)
        }
        position += 1
        guard let digit = decimalDigit(bytes[position]), let type = FieldType(rawValue: UInt8(digit)) else {
            throw unexpected(.type, "a type from 0 to 5")
        }
        position += 1
        guard isAt(UInt8(ascii: ")"), before: end) else { throw unexpected(.type, "')' after a type") }
        position += 1
        return type
    }

    /// Reads a name and the `=` after it; returns where the name stands.
    mutating func name(before end: Int) throws(WireError) -> Range<Int> {
        let start = position
        while position < end, bytes[position] != UInt8(ascii: "=") {
            guard FieldRules.isNameByte(bytes[position]) else { throw unexpected(.name, "printable ASCII in a name") }
            position += 1
        }
        guard position < end else { throw WireError(.syntax, at: end, expected: "'=' after a name") }
        guard position > start else { throw unexpected(.name, "a name before '='") }
        guard bytes[start] != UInt8(ascii: "(") else { throw FieldRules.typeAsName(at: start) }
        guard position - start <= WireLimit.nameLength else {
            throw WireError(.name, at: start, expected: "a name of at most \(WireLimit.nameLength) bytes")
        }
        position += 1
        return start..<position - 1
    }

    /// Reads a packed list that fills the bytes up to `end`.
    mutating func list(before end: Int) throws(WireError) -> [[UInt8]] {
        guard end - position <= WireLimit.listSize else { throw FieldRules.listTooLong(at: position) }
        var elements: [[UInt8]] = []
        while position < end {
            let length = try length(before: end)
            elements.append(Array(bytes[position..<position + length]))
            position += length
            try expect(UInt8(ascii: ","), before: end, "',' after an element")
        }
        return elements
    }

    /// The byte at the position is to blame.
    func unexpected(_ kind: WireError.Kind, _ expected: String) -> WireError {
        WireError(kind, at: position, expected: expected, found: bytes[position])
    }
}
