// How messages travel on the connection of a client of heartbeat's library, in both directions (specs/heartbeat.md
// section 7): a header of two numbers in the byte order of the machine, the length and a magic number, then the text
// and a NUL.

/// Why a connection cannot be read any further: from here on nobody knows where a message begins.
package struct FramingLost: Error {}

/// Cuts what comes in on a connection into texts.
package struct ClientFraming {
    /// Longest text that the client service takes, in bytes.
    package static let clientTextMax = 16_384
    private static let headerSize = 8
    private static let magic: UInt32 = 0xABCD

    private let sizeMax: Int
    private var buffer: [UInt8] = []

    /// Takes texts of 1 to `sizeMax` bytes, with their NUL.
    package init(sizeMax: Int = clientTextMax) { self.sizeMax = sizeMax }

    /// Takes the next bytes; returns the texts that they complete, in order, each with its NUL.
    package mutating func accept(_ bytes: ArraySlice<UInt8>) throws(FramingLost) -> [[UInt8]] {
        buffer += bytes
        var texts: [[UInt8]] = []
        var start = 0
        while buffer.count - start >= ClientFraming.headerSize {
            let length = Int(Int32(truncatingIfNeeded: ClientFraming.number(buffer, at: start)))
            guard ClientFraming.number(buffer, at: start + 4) == ClientFraming.magic, (1...sizeMax).contains(length)
            else { throw FramingLost() }
            let end = start + ClientFraming.headerSize + length
            guard end <= buffer.count else { break }
            texts.append(Array(buffer[(start + ClientFraming.headerSize)..<end]))
            start = end
        }
        buffer.removeFirst(start)
        return texts
    }

    /// A text with its header, ready to be sent; the NUL is added.
    package static func frame(_ text: [UInt8]) -> [UInt8] {
        var frame: [UInt8] = []
        for number in [UInt32(text.count + 1), magic] {
            let ordered = number.littleEndian
            frame += (0..<4).map { UInt8(truncatingIfNeeded: ordered >> (8 * $0)) }
        }
        return frame + text + [0]
    }

    private static func number(_ bytes: [UInt8], at position: Int) -> UInt32 {
        UInt32(littleEndian: (0..<4).reduce(0) { $0 | UInt32(bytes[position + $1]) << UInt32(8 * $1) })
    }

    /// The message of a text in either format; nil for what is none.
    package static func message(_ text: [UInt8]) -> HAMessage? {
        if text.starts(with: "###".utf8) { return try? NetstringCodec.decode(text).message }
        return try? ClassicCodec.decode(text)
    }
}
