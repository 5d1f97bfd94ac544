// Messages as they go over a medium: signed on the way out, verified on the way in before a field of them is read
// (specs/heartbeat.md 1.1, 1.2, 11.1). Compressed ones are expanded once they are verified.
import Compression
import Messaging

/// Turns messages into signed bytes and back.
package enum Envelope {
    /// What carries a message.
    package enum Carrier: Equatable, Sendable {
        /// One message each: netstring text with a trailer. `classicInnerAuth` (`msgfmt classic`) puts the digest of
        /// the classic body into the message too, as heartbeat 3.0.6 does and no receiver checks; a message that
        /// classic text cannot express goes without it.
        case datagram(classicInnerAuth: Bool)
        /// A byte stream: classic text, the digest in its last field.
        case serial
    }

    /// The signed text of a message for a carrier. `auth` fields of the message are replaced. Throws where the carrier
    /// cannot hold the message: a name or value that the format cannot express, or too long even in compressed form
    /// (a datagram: more than `WireLimit.datagramSize`, a line: more than `WireLimit.messageSize`).
    package static func encode(
        _ message: HAMessage, for carrier: Carrier, authenticator: Authenticator
    ) throws(WireError) -> [UInt8] {
        var message = message
        var writer = ByteWriter()
        try encode(&message, for: carrier, authenticator: authenticator, into: &writer)
        return writer.bytes
    }

    /// The same, with the memory of an earlier message: replaces what the writer holds. `message` may keep the digest
    /// of its classic body.
    package static func encode(
        _ message: inout HAMessage, for carrier: Carrier, authenticator: Authenticator, into writer: inout ByteWriter
    ) throws(WireError) {
        message.removeAll(named: Wire.FieldName.auth)
        do throws(WireError) {
            try write(&message, for: carrier, authenticator, into: &writer)
        } catch where error.kind == .oversized {
            var wrapped = try compressed(message)
            try write(&wrapped, for: carrier, authenticator, into: &writer)
        }
    }

    private static func write(
        _ message: inout HAMessage, for carrier: Carrier, _ authenticator: Authenticator, into writer: inout ByteWriter
    ) throws(WireError) {
        switch carrier {
        case .datagram(let classicInnerAuth):
            if classicInnerAuth, !message.holdsMessages {
                // A message that classic text cannot express goes without.
                try? appendClassicSignature(to: &message, authenticator, &writer)
            }
            writer.truncate()
            try NetstringCodec.encode(message, into: &writer)
            authenticator.appendTrailer(covering: 0, to: &writer)
            guard writer.count <= WireLimit.datagramSize else {
                throw WireError(
                    .oversized, at: WireLimit.datagramSize, expected: "at most \(WireLimit.datagramSize) bytes")
            }
        case .serial:
            try appendClassicSignature(to: &message, authenticator, &writer)
            writer.truncate()
            try ClassicCodec.encode(message, into: &writer)
        }
    }

    private static func appendClassicSignature(
        to message: inout HAMessage, _ authenticator: Authenticator, _ writer: inout ByteWriter
    ) throws(WireError) {
        writer.truncate()
        try ClassicCodec.encodeBody(message, into: &writer)
        let signature = authenticator.sign(writer.bytes[...])
        writer.truncate()
        signature.write(to: &writer)
        message.append(Wire.FieldName.auth, text: writer.bytes)
    }

    /// What stands for a message that no carrier can hold as it is: all of it in one compressed value
    /// (specs/heartbeat.md 1.6).
    private static func compressed(_ message: HAMessage) throws(WireError) -> HAMessage {
        var message = message
        message.removeAll(named: Wire.FieldName.auth)
        var text = ByteWriter()
        try NetstringCodec.encode(message, into: &text, sizeMax: WireLimit.uncompressedSize)
        return MessageExpansion.wrapped(try Compression.compress(text.bytes, .zlib), .zlib)
    }

    /// The message in bytes of either format, if its digest is right. Its `auth` fields are removed, and what it holds
    /// in compressed form is expanded. Bytes that are not rightly signed are scanned once for the digest and neither
    /// decoded nor decompressed.
    package static func open(_ bytes: [UInt8], authenticator: Authenticator) throws(RejectReason) -> HAMessage {
        var message = HAMessage()
        try open(bytes, authenticator: authenticator, into: &message)
        return message
    }

    /// The same into a message whose memory is used again; where this throws, it holds nothing of use.
    package static func open(
        _ bytes: [UInt8], authenticator: Authenticator, into message: inout HAMessage
    ) throws(RejectReason) {
        switch WireFormat.detect(bytes[...]) {
        case nil:
            throw .garbage
        case .netstring:
            let outline = try reading { () throws(WireError) in try NetstringCodec.outline(of: bytes) }
            try demand(outline.signature, covers: bytes[outline.covered], authenticator)
            try reading { () throws(WireError) in _ = try NetstringCodec.decode(bytes, into: &message) }
        case .classic:
            let outline = try reading { () throws(WireError) in try ClassicCodec.outline(of: bytes) }
            try demand(outline.signature, covers: outline.covered[...], authenticator)
            message = try reading { () throws(WireError) in try ClassicCodec.decode(bytes) }
        }
        if MessageExpansion.isNeeded(message) {
            try reading { () throws(WireError) in try MessageExpansion.expand(&message, Compression.decompress) }
        }
        message.removeAll(named: Wire.FieldName.auth)
    }

    private static func demand(
        _ signature: Signature?, covers bytes: ArraySlice<UInt8>, _ authenticator: Authenticator
    ) throws(RejectReason) {
        guard let signature else { throw .unsigned }
        switch authenticator.verify(signature, covers: bytes) {
        case .ok: break
        case .unknownKey: throw .unknownKey(signature.key)
        case .mismatch: throw .badSignature(signature.key)
        }
    }

    private static func reading<Result>(_ body: () throws(WireError) -> Result) throws(RejectReason) -> Result {
        do {
            return try body()
        } catch {
            throw RejectReason(error)
        }
    }
}
