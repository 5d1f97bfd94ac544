// Numbers as people read them, without a locale.

/// Numbers in decimal notation.
package enum Decimal {
    /// With so many digits behind the point, rounded; `-` for what is no number.
    package static func text(_ value: Double, digits: Int) -> String {
        guard value.isFinite, value.magnitude < 1e15 else { return "-" }
        var scale = 1
        for _ in 0..<digits { scale *= 10 }
        let units = Int((value.magnitude * Double(scale)).rounded())
        let sign = value < 0 && units > 0 ? "-" : ""
        guard digits > 0 else { return "\(sign)\(units)" }
        let fraction = String(units % scale)
        return "\(sign)\(units / scale)." + String(repeating: "0", count: digits - fraction.count) + fraction
    }

    /// With three digits or so, as its size asks for: `0.31`, `25.4`, `1159`.
    package static func spread(_ value: Double) -> String {
        let size = value.magnitude
        return text(value, digits: size < 10 ? 2 : size < 100 ? 1 : 0)
    }

    /// Without digits behind the point that say nothing: `15`, `0.4`.
    package static func short(_ value: Double) -> String {
        var text = text(value, digits: 2)
        guard text.contains(".") else { return text }
        while text.hasSuffix("0") { text.removeLast() }
        if text.hasSuffix(".") { text.removeLast() }
        return text
    }
}
