// Base64 of binary values in classic text: the usual alphabet, padded, in one piece (specs/heartbeat.md 1).

enum Base64 {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    static func encode(_ bytes: ArraySlice<UInt8>, into writer: inout ByteWriter) {
        let alphabet = alphabet
        var position = bytes.startIndex
        while position < bytes.endIndex {
            let available = min(3, bytes.endIndex - position)
            var group: UInt32 = 0
            for index in 0..<3 {
                group = group << 8 | (index < available ? UInt32(bytes[position + index]) : 0)
            }
            for index in 0..<4 {
                let letter = alphabet[Int(group >> UInt32(18 - 6 * index) & 63)]
                writer.append(index <= available ? letter : UInt8(ascii: "="))
            }
            position += 3
        }
    }

    /// Accepts what `encode` writes and nothing else, so that equal values have equal texts. Offsets of errors are the
    /// slice's own indices.
    static func decode(_ text: ArraySlice<UInt8>) throws(WireError) -> [UInt8] {
        guard text.count.isMultiple(of: 4) else {
            throw WireError(.value, at: text.endIndex, expected: "base64 in groups of four letters")
        }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count / 4 * 3)
        var position = text.startIndex
        while position < text.endIndex {
            let padding = position + 4 < text.endIndex ? 0 : paddingLength(text[position..<position + 4])
            var group: UInt32 = 0
            for index in position..<position + 4 - padding {
                guard let value = value(of: text[index]) else {
                    throw WireError(.value, at: index, expected: "a letter of base64", found: text[index])
                }
                group = group << 6 | value
            }
            group <<= UInt32(6 * padding)
            guard group & (1 << UInt32(8 * padding) - 1) == 0 else {
                throw WireError(.value, at: position + 3 - padding, expected: "zero bits before the padding")
            }
            for index in 0..<3 - padding { bytes.append(UInt8(truncatingIfNeeded: group >> UInt32(16 - 8 * index))) }
            position += 4
        }
        return bytes
    }

    private static func paddingLength(_ group: ArraySlice<UInt8>) -> Int {
        let padding = UInt8(ascii: "=")
        guard group[group.endIndex - 1] == padding else { return 0 }
        return group[group.endIndex - 2] == padding ? 2 : 1
    }

    private static func value(of letter: UInt8) -> UInt32? {
        switch letter {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt32(letter - UInt8(ascii: "A"))
        case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt32(letter - UInt8(ascii: "a")) + 26
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(letter - UInt8(ascii: "0")) + 52
        case UInt8(ascii: "+"): 62
        case UInt8(ascii: "/"): 63
        default: nil
        }
    }
}
