// How requests and answers travel between the tools and the daemon: one ha_msg in netstring text, without digest, is
// one packet of a SOCK_SEQPACKET socket. Who may ask is decided by the socket's owner and by peer credentials.
import Messaging

/// One packet of the control socket.
package enum AdminMessage {
    /// Longest packet that either side sends or takes, in bytes.
    package static let sizeMax = 65_536

    /// The packet of a message. Throws where the message breaks the rules of the wire or is too long.
    package static func encode(_ message: HAMessage) throws(WireError) -> [UInt8] {
        var writer = ByteWriter()
        try NetstringCodec.encode(message, into: &writer)
        guard writer.count <= sizeMax else { throw tooLong }
        return writer.bytes
    }

    /// The message of a packet. Takes any bytes; a digest behind the message is ignored.
    package static func decode(_ bytes: [UInt8]) throws(WireError) -> HAMessage {
        guard bytes.count <= sizeMax else { throw tooLong }
        return try NetstringCodec.decode(bytes).message
    }

    private static var tooLong: WireError {
        WireError(.oversized, at: sizeMax, expected: "at most \(sizeMax) bytes")
    }
}
