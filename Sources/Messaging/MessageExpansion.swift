// Compressed messages (specs/heartbeat.md 1.6). Field mode: a field of type 4 holds a message, and a text field of the
// same message names the algorithm. Traditional mode: one binary field holds the whole message. Both end here: what
// uses messages sees none of it. The algorithms themselves are not known here.

/// The algorithms of heartbeat; raw values are the words of the wire.
package enum CompressionMethod: String, Sendable, CaseIterable {
    /// A plain zlib stream.
    case zlib
    case bz2
}

/// Turns compressed values back into messages.
package enum MessageExpansion {
    /// Decompresses a value to at most so many bytes. Throws `WireError.Kind.oversized` where there are more, and
    /// `.compression` where the value is damaged.
    package typealias Decompress = (ArraySlice<UInt8>, CompressionMethod, Int) throws(WireError) -> [UInt8]

    /// Whether a message is compressed, or holds a compressed value.
    package static func isNeeded(_ message: HAMessage) -> Bool {
        message.entries.contains { $0.type == .compressed } || message.nested.contains(where: isNeeded)
            || message.binary(Wire.FieldName.compressedMessage) != nil
    }

    /// Replaces a message by the one that it holds in compressed form, and each compressed field by the message in it.
    /// All compressed values of a message together may hold `WireLimit.uncompressedSize` bytes, and the result obeys
    /// the limits of any message but for its size; throws where they do not.
    package static func expand(_ message: inout HAMessage, _ decompress: Decompress) throws(WireError) {
        var allowance = WireLimit.uncompressedSize
        if case .binary(let payload)? = message[Wire.FieldName.compressedMessage] {
            message = try contents(payload[...], of: message, &allowance, decompress)
            guard message.binary(Wire.FieldName.compressedMessage) == nil else {
                throw WireError(.compression, at: 0, expected: "a message that is compressed once")
            }
        }
        try expandFields(of: &message, depth: 0, &allowance, decompress)
        try FieldRules.check(message, at: 0)
    }

    private static func expandFields(
        of message: inout HAMessage, depth: Int, _ allowance: inout Int, _ decompress: Decompress
    ) throws(WireError) {
        guard isNeeded(message) else { return }
        guard depth <= WireLimit.nestingDepth else { throw FieldRules.tooDeep(at: 0) }
        var expanded = HAMessage()
        for field in message.fields {
            switch field.value {
            case .compressed(let bytes):
                var inner = try contents(bytes[...], of: message, &allowance, decompress)
                try expandFields(of: &inner, depth: depth + 1, &allowance, decompress)
                expanded.append(Field(field.name, .message(inner)))
            case .message(var inner):
                try expandFields(of: &inner, depth: depth + 1, &allowance, decompress)
                expanded.append(Field(field.name, .message(inner)))
            case .string where field.name == Wire.FieldName.compressionAlgorithm: break
            case .string, .binary, .list: expanded.append(field)
            }
        }
        message = expanded
    }

    /// The message in a compressed value; the algorithm stands beside it.
    private static func contents(
        _ bytes: ArraySlice<UInt8>, of message: HAMessage, _ allowance: inout Int, _ decompress: Decompress
    ) throws(WireError) -> HAMessage {
        guard let method = message.text(Wire.FieldName.compressionAlgorithm).flatMap(CompressionMethod.init) else {
            throw WireError(.compression, at: 0, expected: "an algorithm, zlib or bz2")
        }
        let text = try decompress(bytes, method, allowance)
        allowance -= text.count
        switch WireFormat.detect(text[...]) {
        case .netstring:
            var inner = HAMessage()
            try NetstringCodec.decode(text, into: &inner, sizeMax: WireLimit.uncompressedSize)
            return inner
        case .classic: return try ClassicCodec.decode(text, sizeMax: WireLimit.uncompressedSize)
        case nil: throw WireError(.format, at: 0, expected: "a message in a compressed value")
        }
    }

    /// The message that stands for another one (traditional mode). `payload`: its netstring text, compressed.
    package static func wrapped(_ payload: [UInt8], _ method: CompressionMethod) -> HAMessage {
        var message = HAMessage()
        message.append(Wire.FieldName.compressedMessage, binary: payload)
        message.append(Wire.FieldName.compressionAlgorithm, method.rawValue)
        return message
    }
}
