// One line of JSON: an object of texts and numbers.

/// An object, its members in order.
struct JSONLine {
    enum Value {
        case text(String)
        case texts([String])
        case number(Double)
        case numbers([Double])
    }

    let text: String

    init(_ members: [(name: String, value: Value)]) {
        let parts = members.map { member in
            let value: String =
                switch member.value {
                case .text(let text): JSONLine.quoted(text)
                case .texts(let list): "[" + list.map(JSONLine.quoted).joined(separator: ",") + "]"
                case .number(let value): JSONLine.number(value)
                case .numbers(let list): "[" + list.map(JSONLine.number).joined(separator: ",") + "]"
                }
            return JSONLine.quoted(member.name) + ":" + value
        }
        text = "{" + parts.joined(separator: ",") + "}"
    }

    /// JSON knows no infinity.
    private static func number(_ value: Double) -> String { value.isFinite ? "\(value)" : "null" }

    private static func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": quoted += "\\\""
            case "\\": quoted += "\\\\"
            case _ where scalar.value < 0x20:
                let digits = String(scalar.value, radix: 16)
                quoted += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }
}
