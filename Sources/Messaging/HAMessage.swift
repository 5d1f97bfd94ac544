// The message of the heartbeat family: an ordered list of typed fields (specs/heartbeat.md 1). What the fields mean
// is not known here. All names and values lie in one buffer, so that a message that is used again costs no memory.

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

/// Fields in order; names may repeat. Lookup finds the first of a name, as 3.0.6 does.
package struct HAMessage: Sendable {
    /// Where `<name>=<value>` of a field lies in `content`.
    struct Entry: Equatable, Sendable {
        var type: FieldType
        var start: Int32
        var nameLength: Int32
        /// Of the name, the `=` and the value; of a field that holds a message, only of the first two.
        var length: Int32

        var range: Range<Int> { Int(start)..<Int(start) + Int(length) }
        var name: Range<Int> { Int(start)..<Int(start) + Int(nameLength) }
        var value: Range<Int> { Int(start) + Int(nameLength) + 1..<Int(start) + Int(length) }
    }

    /// Names and values: binary values raw, lists packed.
    var content: [UInt8] = []
    var entries: [Entry] = []
    /// The values of the fields that hold messages, in their order.
    var nested: [HAMessage] = []
    /// Whether `content` is the netstring text of all fields and nothing else.
    var isText = true
    /// Whether every name and value was found to obey the rules of the wire. False: not known.
    var isChecked = true

    /// A message without fields.
    package init() {}

    /// A message without fields that takes so many, of so many bytes of text in all, before it allocates again.
    package init(capacity fields: Int, bytes: Int) {
        entries.reserveCapacity(fields)
        content.reserveCapacity(bytes)
    }

    /// A message of these fields.
    package init(_ fields: [Field]) {
        for field in fields { append(field) }
    }

    /// Number of fields; those of nested messages do not count.
    package var count: Int { entries.count }

    /// Whether a field holds a message, compressed or not.
    package var holdsMessages: Bool { !nested.isEmpty || entries.contains { $0.type == .compressed } }

    /// Every field, as copies; setting them builds the message anew.
    package var fields: [Field] {
        get { entries.indices.map(field) }
        set { self = HAMessage(newValue) }
    }

    /// The first value of a name.
    package subscript(_ name: String) -> FieldValue? { position(of: name).map(value) }

    /// The first value of a name if it is text; bytes that are not UTF-8 are replaced.
    package func text(_ name: String) -> String? {
        position(of: name, .string).map { String(decoding: content[entries[$0].value], as: UTF8.self) }
    }

    /// The first value of a name as a number; nil where it is missing or not wholly a number of that base, 2 to 16.
    package func number(_ name: String, radix: Int) -> UInt64? {
        guard let position = position(of: name, .string), !entries[position].value.isEmpty else { return nil }
        var number: UInt64 = 0
        for index in entries[position].value {
            guard let digit = hexadecimalDigit(content[index]), digit < radix else { return nil }
            let (product, isLarge) = number.multipliedReportingOverflow(by: UInt64(radix))
            let (sum, isLarger) = product.addingReportingOverflow(UInt64(digit))
            if isLarge || isLarger { return nil }
            number = sum
        }
        return number
    }

    /// The first value of a name if it is binary.
    package func binary(_ name: String) -> [UInt8]? {
        position(of: name, .binary).map { Array(content[entries[$0].value]) }
    }

    /// Whether the first value of a name is that one; nil: whether there is none.
    package func holds(_ value: FieldValue?, for name: String) -> Bool {
        guard let position = position(of: name) else { return value == nil }
        let entry = entries[position]
        switch value {
        case nil: return false
        case .string(let bytes): return entry.type == .string && spells(entry.value, bytes.span)
        case .binary(let bytes): return entry.type == .binary && spells(entry.value, bytes.span)
        case let value: return self.value(position) == value
        }
    }

    /// The position of the first field of a name, if it has that type.
    func position(of name: String, _ type: FieldType) -> Int? {
        position(of: name).flatMap { entries[$0].type == type ? $0 : nil }
    }

    func position(of name: String) -> Int? {
        let wanted = name.utf8.span
        return entries.indices.first { spells(entries[$0].name, wanted) }
    }

    private func spells(_ range: Range<Int>, _ wanted: Span<UInt8>) -> Bool {
        guard range.count == wanted.count else { return false }
        let content = content.span
        for index in wanted.indices where content[range.lowerBound + index] != wanted[index] { return false }
        return true
    }

    private func field(_ position: Int) -> Field {
        Field(String(decoding: content[entries[position].name], as: UTF8.self), value(position))
    }

    private func value(_ position: Int) -> FieldValue {
        let entry = entries[position]
        switch entry.type {
        case .string: return .string(Array(content[entry.value]))
        case .binary: return .binary(Array(content[entry.value]))
        case .compressed: return .compressed(Array(content[entry.value]))
        case .list: return .list(PackedList.elements(content[entry.value]))
        case .message, .uncompressed: return .message(nested[nestedPosition(before: position)])
        }
    }

    func nestedPosition(before position: Int) -> Int {
        entries[..<position].reduce(0) { $0 + ($1.type == .message ? 1 : 0) }
    }
}

extension HAMessage: Equatable {
    /// Whether two messages have the same fields in the same order.
    package static func == (one: HAMessage, other: HAMessage) -> Bool {
        guard one.entries.count == other.entries.count, one.nested == other.nested else { return false }
        return zip(one.entries, other.entries).allSatisfy { a, b in
            a.type == b.type && a.nameLength == b.nameLength && one.content[a.range] == other.content[b.range]
        }
    }
}
