// The one buffer that messages are written into. It keeps its memory from message to message.

/// Bytes in the order in which they were appended.
package struct ByteWriter {
    /// Everything appended since the last `truncate`.
    package private(set) var bytes: [UInt8] = []

    /// A writer that takes `capacity` bytes before it allocates again.
    package init(capacity: Int = 512) { bytes.reserveCapacity(capacity) }

    /// Bytes appended so far.
    package var count: Int { bytes.count }

    /// Forgets everything but the first `count` bytes; the memory stays.
    package mutating func truncate(to count: Int = 0) {
        bytes.removeLast(bytes.count - count)
    }

    /// Appends one byte.
    package mutating func append(_ byte: UInt8) { bytes.append(byte) }

    /// Appends bytes.
    package mutating func append(_ more: [UInt8]) { bytes.append(contentsOf: more) }

    /// Appends bytes.
    package mutating func append(_ more: ArraySlice<UInt8>) { bytes.append(contentsOf: more) }

    /// Appends a text as UTF-8.
    package mutating func append(_ text: String) { bytes.append(contentsOf: text.utf8) }

    /// Appends a number that is not negative, without leading zeros.
    package mutating func append(decimal value: Int) {
        precondition(value >= 0, "\(value) has no place on the wire")
        if value >= 10 { append(decimal: value / 10) }
        bytes.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: value % 10))
    }

    /// Appends two lower-case hexadecimal digits for each byte.
    package mutating func append(hexadecimal more: [UInt8]) {
        for byte in more {
            bytes.append(hexadecimalLetter(byte >> 4))
            bytes.append(hexadecimalLetter(byte & 15))
        }
    }

    /// Appends a number as lower-case hexadecimal digits without leading zeros.
    package mutating func append(hexadecimal number: UInt32) { bytes.append(hexadecimal: UInt64(number)) }

    mutating func append(_ marker: Marker, ending: UInt8 = UInt8(ascii: "\n")) {
        for _ in 0..<Marker.repeats { bytes.append(marker.byte) }
        bytes.append(ending)
    }
}

extension [UInt8] {
    /// Appends a number as lower-case hexadecimal digits without leading zeros.
    package mutating func append(hexadecimal number: UInt64) {
        for digit in (0..<hexadecimalLength(number)).reversed() { append(hexadecimalLetter(number, digit)) }
    }
}

/// Hexadecimal digits of a number.
func hexadecimalLength(_ number: UInt64) -> Int {
    Swift.max(1, (UInt64.bitWidth - number.leadingZeroBitCount + 3) / 4)
}

/// A number's hexadecimal digit at a place; the last one is at 0.
func hexadecimalLetter(_ number: UInt64, _ place: Int) -> UInt8 {
    hexadecimalLetter(UInt8(truncatingIfNeeded: number >> UInt64(4 * place) & 15))
}

/// Digits of a number that is not negative.
func decimalLength(_ value: Int) -> Int {
    var length = 1
    var limit = 10
    while value >= limit, length < 18 {
        length += 1
        limit *= 10
    }
    return length
}

/// The value of an ASCII digit.
func decimalDigit(_ byte: UInt8) -> Int? {
    byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") ? Int(byte - UInt8(ascii: "0")) : nil
}

/// The value of a hexadecimal digit in either case.
func hexadecimalDigit(_ byte: UInt8) -> Int? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): Int(byte - UInt8(ascii: "0"))
    case UInt8(ascii: "a")...UInt8(ascii: "f"): Int(byte - UInt8(ascii: "a")) + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): Int(byte - UInt8(ascii: "A")) + 10
    default: nil
    }
}

/// The lower-case hexadecimal digit of a value below 16.
func hexadecimalLetter(_ value: UInt8) -> UInt8 {
    value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
}
