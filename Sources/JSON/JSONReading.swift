// JSON texts read by jansson.
import CJansson

extension JSONValue {
    /// The value of a text; nil where it is no JSON. Reals and numbers beyond 64 bits become null.
    package init?(parsing text: [UInt8]) {
        let root = text.withUnsafeBytes { bytes in
            bytes.withMemoryRebound(to: CChar.self) { json_loadb($0.baseAddress, $0.count, 0, nil) }
        }
        guard let root else { return nil }
        defer { json_decref(root) }
        self.init(root)
    }

    private init(_ value: UnsafeMutablePointer<json_t>) {
        switch value.pointee.type {
        case JSON_OBJECT:
            var members: [(String, JSONValue)] = []
            var iterator = json_object_iter(value)
            while let entry = iterator {
                if let key = json_object_iter_key(entry), let member = json_object_iter_value(entry) {
                    members.append((String(cString: key), JSONValue(member)))
                }
                iterator = json_object_iter_next(value, entry)
            }
            self = .object(members)
        case JSON_ARRAY:
            self = .array((0..<json_array_size(value)).compactMap { json_array_get(value, $0).map { JSONValue($0) } })
        case JSON_STRING: self = .string(json_string_value(value).map { String(cString: $0) } ?? "")
        case JSON_INTEGER: self = .number(Int64(json_integer_value(value)))
        case JSON_TRUE: self = .bool(true)
        case JSON_FALSE: self = .bool(false)
        default: self = .null
        }
    }

    /// A member of an object; nil where there is none.
    package subscript(name: String) -> JSONValue? {
        if case .object(let members) = self { members.first { $0.0 == name }?.1 } else { nil }
    }

    /// nil: the value is of another kind.
    package var string: String? { if case .string(let text) = self { text } else { nil } }
    package var integer: Int64? { if case .number(let number) = self { number } else { nil } }
    package var array: [JSONValue]? { if case .array(let values) = self { values } else { nil } }
}
