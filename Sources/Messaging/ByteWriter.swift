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

    /// Appends a text as UTF-8.
    package mutating func append(_ text: String) { bytes.append(contentsOf: text.utf8) }

    /// Appends a number that is not negative, without leading zeros.
    package mutating func append(decimal value: Int) {
        precondition(value >= 0, "\(value) has no place on the wire")
        let start = bytes.count
        var rest = value
        repeat {
            bytes.append(UInt8(ascii: "0") + UInt8(rest % 10))
            rest /= 10
        } while rest > 0
        bytes[start...].reverse()
    }
}

/// Digits of a number that is not negative.
func decimalLength(_ value: Int) -> Int {
    var length = 1
    var rest = value
    while rest > 9 {
        rest /= 10
        length += 1
    }
    return length
}

/// The value of an ASCII digit.
func decimalDigit(_ byte: UInt8) -> Int? {
    byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") ? Int(byte - UInt8(ascii: "0")) : nil
}
