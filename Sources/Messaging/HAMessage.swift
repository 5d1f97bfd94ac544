// The message of the heartbeat family: an ordered list of typed fields (specs/heartbeat.md 1). What the fields mean
// is not known here.

/// A field's value, by the type digit of the wire.
package enum FieldValue: Equatable, Sendable {
    /// Type 0: text without NUL. Bytes, because a peer's text need not be UTF-8.
    case string([UInt8])
    /// Type 1.
    case binary([UInt8])
    /// Type 2 (and 5 on receipt).
    case message(HAMessage)
    /// Type 3.
    case list([[UInt8]])
    /// Type 4: a compressed message, as it came.
    case compressed([UInt8])
}

/// A name and its value.
package struct Field: Equatable, Sendable {
    /// Printable ASCII without `=`, not beginning with `(`, 1 to `WireLimit.nameLength` bytes; else it is not written.
    package var name: String
    /// The value, which tells the type.
    package var value: FieldValue

    /// A field as given; it is checked when it is written.
    package init(_ name: String, _ value: FieldValue) {
        self.name = name
        self.value = value
    }
}

/// Fields in order. Lookup finds the first of a name, as 3.0.6 does.
package struct HAMessage: Equatable, Sendable {
    /// In the order of the wire; names may repeat.
    package var fields: [Field]

    /// A message of these fields.
    package init(_ fields: [Field] = []) { self.fields = fields }

    /// Appends a text field.
    package mutating func append(_ name: String, _ text: String) {
        fields.append(Field(name, .string(Array(text.utf8))))
    }

    /// Appends a binary field.
    package mutating func append(_ name: String, binary bytes: [UInt8]) {
        fields.append(Field(name, .binary(bytes)))
    }

    /// The first value of a name.
    package subscript(_ name: String) -> FieldValue? { fields.first { $0.name == name }?.value }

    /// The first value of a name if it is text; bytes that are not UTF-8 are replaced.
    package func text(_ name: String) -> String? {
        guard case .string(let bytes)? = self[name] else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The first value of a name as a number; nil where it is missing or not wholly a number of that base.
    package func number(_ name: String, radix: Int) -> UInt64? {
        guard let text = text(name), let first = text.utf8.first, first != UInt8(ascii: "+") else { return nil }
        return UInt64(text, radix: radix)
    }

    /// The first value of a name if it is binary.
    package func binary(_ name: String) -> [UInt8]? {
        guard case .binary(let bytes)? = self[name] else { return nil }
        return bytes
    }

    /// Appends a number as text in lower case, without prefix or leading zeros.
    package mutating func append(_ name: String, number: UInt64, radix: Int) {
        append(name, String(number, radix: radix))
    }

    /// Removes every field of a name.
    package mutating func removeAll(named name: String) { fields.removeAll { $0.name == name } }
}
