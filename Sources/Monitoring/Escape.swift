// How the client protocol, traps and the state file carry any byte in one word (specs/mon.md 10).

/// Escapes and unescapes.
package enum Escape {
    /// Every byte up to 0x20, above 0x7e, `"` and `'` becomes a backslash and two lower-case hexadecimal digits.
    /// `quoted`: backslashes are doubled too, as values of status lines have them.
    package static func escaped<Bytes: Sequence<UInt8>>(_ bytes: Bytes, quoted: Bool = false) -> [UInt8] {
        let digits = Array("0123456789abcdef".utf8)
        var text: [UInt8] = []
        text.reserveCapacity(bytes.underestimatedCount)
        for byte in bytes {
            switch byte {
            case 0...0x20, 0x7f..., UInt8(ascii: "\""), UInt8(ascii: "'"):
                text.append(UInt8(ascii: "\\"))
                text.append(digits[Int(byte >> 4)])
                text.append(digits[Int(byte & 15)])
            case UInt8(ascii: "\\") where quoted:
                text.append(byte)
                text.append(byte)
            default: text.append(byte)
            }
        }
        return text
    }

    /// The same for text.
    package static func escaped(_ text: String, quoted: Bool = false) -> String {
        String(decoding: escaped(text.utf8, quoted: quoted), as: UTF8.self)
    }

    /// Replaces a backslash and two hexadecimal digits by their byte, and nothing else.
    package static func unescaped<Bytes: Collection<UInt8>>(_ bytes: Bytes) -> [UInt8] {
        var text: [UInt8] = []
        text.reserveCapacity(bytes.count)
        var rest = bytes[...]
        while let byte = rest.first {
            rest.removeFirst()
            if byte == UInt8(ascii: "\\"), let high = rest.first.flatMap(nibble),
                let low = rest.dropFirst().first.flatMap(nibble)
            {
                text.append(high << 4 | low)
                rest.removeFirst(2)
            } else {
                text.append(byte)
            }
        }
        return text
    }

    private static func nibble(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
