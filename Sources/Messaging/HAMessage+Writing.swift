// Building messages. What is appended is at once written as netstring text and checked, so that most messages are
// encoded by copying.

extension HAMessage {
    /// Appends a text field.
    package mutating func append(_ name: String, _ text: String) {
        append(.string, name, valueLength: text.utf8.count) { output in
            let bytes = text.utf8.span
            var hasNUL = false
            for index in bytes.indices {
                hasNUL = hasNUL || bytes[index] == 0
                output.append(bytes[index])
            }
            return !hasNUL
        }
    }

    /// Appends a text field.
    package mutating func append(_ name: String, text: [UInt8]) {
        append(.string, name, valueLength: text.count) { HAMessage.append(text, to: &$0) }
    }

    /// Appends a binary field.
    package mutating func append(_ name: String, binary bytes: [UInt8]) {
        append(.binary, name, valueLength: bytes.count) { output in
            _ = HAMessage.append(bytes, to: &output)
            return true
        }
    }

    /// Appends a number as text in lower case, without prefix or leading zeros. `radix`: 2 to 16.
    package mutating func append(_ name: String, number: UInt64, radix: Int) {
        guard radix != 16 else { return append(name, hexadecimal: number) }
        let radix = UInt64(radix)
        var unit: UInt64 = 1
        var length = 1
        while number / unit >= radix {
            unit *= radix
            length += 1
        }
        append(.string, name, valueLength: length) { output in
            for _ in 0..<length {
                output.append(hexadecimalLetter(UInt8(truncatingIfNeeded: number / unit % radix)))
                unit /= radix
            }
            return true
        }
    }

    private mutating func append(_ name: String, hexadecimal number: UInt64) {
        let length = hexadecimalLength(number)
        append(.string, name, valueLength: length) { output in
            for place in (0..<length).reversed() { output.append(hexadecimalLetter(number, place)) }
            return true
        }
    }

    /// Appends a field.
    package mutating func append(_ field: Field) {
        switch field.value {
        case .string(let bytes): append(field.name, text: bytes)
        case .binary(let bytes): append(field.name, binary: bytes)
        case .compressed(let bytes): append(.compressed, field.name, bytes)
        case .list(let elements): append(field.name, list: elements)
        case .message(let message): append(field.name, message)
        }
    }

    /// Appends a list field.
    mutating func append(_ name: String, list elements: [[UInt8]]) {
        let packed = PackedList.packed(elements)
        append(.list, name, packed)
        if packed.count > WireLimit.listSize { isChecked = false }
    }

    /// Appends a field that holds a message.
    mutating func append(_ name: String, _ message: HAMessage) {
        append(.message, name, [])
        nested.append(message)
        isText = false
    }

    /// Appends a field of any type but a message, whose value is checked elsewhere.
    mutating func append(_ type: FieldType, _ name: String, _ value: [UInt8]) {
        append(type, name, valueLength: value.count) { output in
            _ = HAMessage.append(value, to: &output)
            return true
        }
    }

    /// Returns whether the bytes can be a text.
    private static func append(_ bytes: [UInt8], to output: inout OutputSpan<UInt8>) -> Bool {
        var hasNUL = false
        for byte in bytes {
            hasNUL = hasNUL || byte == 0
            output.append(byte)
        }
        return !hasNUL
    }

    /// Appends `<length>:(<type>)<name>=<value>,`. `write` writes `valueLength` bytes and returns whether they obey the
    /// rules of their type.
    private mutating func append(
        _ type: FieldType, _ name: String, valueLength: Int, _ write: (inout OutputSpan<UInt8>) -> Bool
    ) {
        let name = name.utf8.span
        let length = name.count + 1 + valueLength
        let digits = decimalLength(length + FieldRules.prefixLength)
        let start = content.count + digits + 1 + FieldRules.prefixLength
        precondition(length < Int(Int32.max) - start, "a field of \(length) bytes")
        var isRight = !name.isEmpty && name.count <= WireLimit.nameLength
        content.append(addingCapacity: start - content.count + length + 1) { output in
            output.append(decimal: length + FieldRules.prefixLength)
            output.append(UInt8(ascii: ":"))
            output.append(UInt8(ascii: "("))
            output.append(UInt8(ascii: "0") + type.rawValue)
            output.append(UInt8(ascii: ")"))
            for index in name.indices {
                isRight = isRight && FieldRules.isNameByte(name[index])
                output.append(name[index])
            }
            output.append(UInt8(ascii: "="))
            isRight = write(&output) && isRight
            output.append(UInt8(ascii: ","))
        }
        isChecked = isChecked && isRight && content[start] != UInt8(ascii: "(")
        entries.append(Entry(
            type: type, start: Int32(clamping: start), nameLength: Int32(clamping: name.count),
            length: Int32(clamping: length)))
    }

    /// Replaces the first value of a name, wherever it stands, with a text; nothing where there is none.
    package mutating func replace(_ name: String, with text: String) {
        guard let position = position(of: name) else { return }
        var fields = fields
        fields[position].value = .string(Array(text.utf8))
        self.fields = fields
    }

    /// Removes every field of a name.
    package mutating func removeAll(named name: String) {
        while let position = position(of: name) { remove(at: position) }
    }

    private mutating func remove(at position: Int) {
        let entry = entries[position]
        if entry.type == .message { nested.remove(at: nestedPosition(before: position)) }
        entries.remove(at: position)
        if isText, position == entries.endIndex {
            let digits = decimalLength(Int(entry.length) + FieldRules.prefixLength)
            content.removeLast(content.count - (Int(entry.start) - FieldRules.prefixLength - 1 - digits))
        } else {
            // The field's bytes stay behind, and are not written any more.
            isText = false
        }
    }

    /// Removes every field; the memory stays for the next ones.
    package mutating func removeAll() {
        content.removeAll(keepingCapacity: true)
        entries.removeAll(keepingCapacity: true)
        nested.removeAll()
        isText = true
        isChecked = true
    }

    /// Begins to read a text: the message has no fields, and `content` is the text.
    mutating func begin(_ text: ArraySlice<UInt8>) {
        removeAll()
        content.append(contentsOf: text)
        isText = false
    }

    /// Appends a field whose name begins at a place of `content`, and which was found right.
    mutating func append(_ type: FieldType, at start: Int, nameLength: Int, length: Int) {
        entries.append(Entry(
            type: type, start: Int32(clamping: start), nameLength: Int32(clamping: nameLength),
            length: Int32(clamping: length)))
    }
}

extension OutputSpan where Element == UInt8 {
    /// Appends a number that is not negative, without leading zeros.
    fileprivate mutating func append(decimal value: Int) {
        // Most fields have two digits.
        if value >= 100 { append(decimal: value / 100) }
        if value >= 10 { append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: value / 10 % 10)) }
        append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: value % 10))
    }
}
