// One message as a person wants to see it: what is in it, whether or not its digest is right.
import Compression
import Digests
import Messaging

/// What is found in bytes.
struct WireInspection {
    let byteCount: Int
    /// nil where the bytes are no message.
    let format: WireFormat?
    /// The number of the key, as the message says.
    let key: Int?
    /// Whether the digest is right; nil where that was not asked.
    let isVerified: Bool?
    /// Why the message would be refused; nil where it would not.
    let problem: String?
    /// The message as far as it can be read, compressed parts expanded; never to be trusted where `problem` says so.
    let message: HAMessage?

    var isRight: Bool { problem == nil }

    /// `authenticator` nil: digests are not verified. `damage`: why the bytes are not all of it.
    init(_ bytes: [UInt8], authenticator: Authenticator?, damage: String? = nil) {
        byteCount = bytes.count
        format = WireFormat.detect(bytes[...])
        let signature = WireInspection.signature(bytes, format)
        key = signature?.key
        var refusal: RejectReason?
        if let authenticator {
            do throws(RejectReason) {
                _ = try Envelope.open(bytes, authenticator: authenticator)
                isVerified = true
            } catch {
                refusal = error
                isVerified = false
            }
        } else {
            isVerified = nil
        }
        var failure: WireError?
        do throws(WireError) {
            message = try WireInspection.read(bytes, format)
        } catch {
            failure = error
            message = nil
        }
        problem = damage ?? refusal?.description ?? failure?.description
    }

    private static func signature(_ bytes: [UInt8], _ format: WireFormat?) -> Signature? {
        switch format {
        case .netstring: (try? NetstringCodec.outline(of: bytes))?.signature
        case .classic: (try? ClassicCodec.outline(of: bytes))?.signature
        case nil: nil
        }
    }

    private static func read(_ bytes: [UInt8], _ format: WireFormat?) throws(WireError) -> HAMessage {
        var message: HAMessage
        switch format {
        case .netstring: message = try NetstringCodec.decode(bytes).message
        case .classic: message = try ClassicCodec.decode(bytes)
        case nil: throw WireError(.format, at: 0, expected: "'###' or '>>>', and LF", found: bytes.first)
        }
        if MessageExpansion.isNeeded(message) { try MessageExpansion.expand(&message, Compression.decompress) }
        return message
    }
}
