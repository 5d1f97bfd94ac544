// The two texts that an ha_msg is written in, told apart by their first four bytes, and the limits of both.

/// How a message is written (specs/heartbeat.md 1.1, 1.2).
package enum WireFormat: Equatable, Sendable {
    /// `###`: what datagrams carry. Every byte string can be a value.
    case netstring
    /// `>>>`: lines of text, for serial lines, the FIFO and clients.
    case classic

    /// The format that bytes begin with; nil where they are no message at all.
    package static func detect(_ bytes: ArraySlice<UInt8>) -> WireFormat? {
        if begins(bytes, with: .netstringStart) { return .netstring }
        if begins(bytes, with: .classicStart) { return .classic }
        return nil
    }

    private static func begins(_ bytes: ArraySlice<UInt8>, with marker: Marker) -> Bool {
        guard bytes.count >= Marker.length, bytes[bytes.startIndex + Marker.repeats] == UInt8(ascii: "\n") else {
            return false
        }
        return bytes.prefix(Marker.repeats).allSatisfy { $0 == marker.byte }
    }
}

/// The lines that enclose a message: one byte three times, and LF. In a nested classic message another byte stands for
/// LF.
struct Marker {
    static let netstringStart = Marker(byte: UInt8(ascii: "#"))
    static let netstringEnd = Marker(byte: UInt8(ascii: "%"))
    static let classicStart = Marker(byte: UInt8(ascii: ">"))
    static let classicEnd = Marker(byte: UInt8(ascii: "<"))

    let byte: UInt8

    static var repeats: Int { 3 }
    static var length: Int { repeats + 1 }

    /// The line with LF.
    var bytes: [UInt8] { [byte, byte, byte, UInt8(ascii: "\n")] }
}

/// What a message may not exceed, in either direction. Sizes are in bytes.
package enum WireLimit {
    /// heartbeat's MAXMSG, with markers and digest (specs/heartbeat.md 1.5).
    package static let messageSize = 262_144
    /// heartbeat's MAXUNCOMPRESSED: all that one message holds in compressed form (specs/heartbeat.md 1.5, 1.6).
    package static let uncompressedSize = 2_097_152
    /// The largest UDP or ICMP echo content over IPv4.
    package static let datagramSize = 65_507
    /// Levels of nested messages below the outermost one: as many as there are depth symbols.
    package static let nestingDepth = 16
    /// Fields of a message and of all messages nested in it. heartbeat 3.0.6 has no such limit and sends about 15.
    package static let fieldCount = 1024
    /// heartbeat 3.0.6 has no such limit; its longest name has 22 bytes.
    package static let nameLength = 128
    /// A packed list, which MUST be shorter than 1024 bytes (specs/heartbeat.md 1).
    package static let listSize = 1023
    /// The text of a digest; sha256 takes 64.
    package static let digestLength = 128
}
