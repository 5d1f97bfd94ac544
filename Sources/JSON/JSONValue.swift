// JSON as a value, printed by jansson.
import CJansson

/// A JSON text. Members of objects keep their order.
package indirect enum JSONValue {
    case null
    case bool(Bool)
    case number(Int64)
    case string(String)
    case array([JSONValue])
    case object([(String, JSONValue)])

    /// A value or null.
    package init<Value>(_ value: Value?, _ convert: (Value) -> JSONValue) { self = value.map(convert) ?? .null }

    /// One line, or many that are easy to read; without LF at the end. Empty only where memory has run out.
    package func text(isCompact: Bool) -> String {
        guard let root = build() else { return "" }
        defer { json_decref(root) }
        // JSON_INDENT(2) is 2; objects keep their order unless told otherwise.
        guard let text = json_dumps(root, isCompact ? 0 : 2) else { return "" }
        defer { free(text) }
        return String(cString: text)
    }

    /// A new reference; nil where memory has run out.
    private func build() -> UnsafeMutablePointer<json_t>? {
        switch self {
        case .null: return json_null()
        case .bool(let value): return value ? json_true() : json_false()
        case .number(let value): return json_integer(json_int_t(value))
        case .string(let value):
            var value = value
            return value.withUTF8 { bytes in
                bytes.withMemoryRebound(to: CChar.self) { characters in
                    characters.baseAddress.map { json_stringn_nocheck($0, characters.count) } ?? json_string("")
                }
            }
        case .array(let values):
            let array = json_array()
            for value in values { json_array_append_new(array, value.build()) }
            return array
        case .object(let members):
            let object = json_object()
            for (name, value) in members { json_object_set_new(object, name, value.build()) }
            return object
        }
    }
}
