// Messages as they go over a medium: signed on the way out, verified on the way in before a field of them is read
// (specs/heartbeat.md 1.1, 1.2, 11.1).
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
    /// cannot hold the message: too long (a datagram: more than `WireLimit.datagramSize`), or a name or value that the
    /// format cannot express.
    package static func encode(
        _ message: HAMessage, for carrier: Carrier, authenticator: Authenticator
    ) throws(WireError) -> [UInt8] {
        var message = message
        message.removeAll(named: Wire.FieldName.auth)
        var writer = ByteWriter()
        switch carrier {
        case .datagram(let classicInnerAuth):
            if classicInnerAuth, message.fields.allSatisfy(\.allowsInnerAuth),
                let auth = try? classicSignature(of: message, authenticator)
            {
                message.fields.append(auth)
            }
            try NetstringCodec.encode(message, into: &writer)
            NetstringCodec.appendTrailer(authenticator.sign(writer.bytes[...]), to: &writer)
            guard writer.count <= WireLimit.datagramSize else {
                throw WireError(
                    .oversized, at: WireLimit.datagramSize, expected: "at most \(WireLimit.datagramSize) bytes")
            }
        case .serial:
            message.fields.append(try classicSignature(of: message, authenticator))
            try ClassicCodec.encode(message, into: &writer)
        }
        return writer.bytes
    }

    /// The message in bytes of either format, if its digest is right. Its `auth` fields are removed. Bytes that are not
    /// rightly signed are scanned once for the digest and never decoded.
    package static func open(_ bytes: [UInt8], authenticator: Authenticator) throws(RejectReason) -> HAMessage {
        switch WireFormat.detect(bytes[...]) {
        case nil:
            throw .garbage
        case .netstring:
            let outline = try reading { () throws(WireError) in try NetstringCodec.outline(of: bytes) }
            try demand(outline.signature, covers: bytes[outline.covered], authenticator)
            return try withoutAuth { () throws(WireError) in try NetstringCodec.decode(bytes).message }
        case .classic:
            let outline = try reading { () throws(WireError) in try ClassicCodec.outline(of: bytes) }
            try demand(outline.signature, covers: outline.covered[...], authenticator)
            return try withoutAuth { () throws(WireError) in try ClassicCodec.decode(bytes) }
        }
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

    private static func withoutAuth(
        _ decode: () throws(WireError) -> HAMessage
    ) throws(RejectReason) -> HAMessage {
        var message = try reading(decode)
        message.removeAll(named: Wire.FieldName.auth)
        return message
    }

    private static func reading<Result>(_ body: () throws(WireError) -> Result) throws(RejectReason) -> Result {
        do {
            return try body()
        } catch {
            throw RejectReason(error)
        }
    }

    private static func classicSignature(
        of message: HAMessage, _ authenticator: Authenticator
    ) throws(WireError) -> Field {
        var writer = ByteWriter()
        try ClassicCodec.encodeBody(message, into: &writer)
        let signature = authenticator.sign(writer.bytes[...])
        writer.truncate()
        signature.write(to: &writer)
        return Field(Wire.FieldName.auth, .string(writer.bytes))
    }
}

extension Field {
    /// Messages in messages have no inner digest (specs/heartbeat.md 1.1).
    fileprivate var allowsInnerAuth: Bool {
        switch value {
        case .string, .binary, .list: true
        case .message, .compressed: false
        }
    }
}
