// Signs and verifies with the keys of authkeys (specs/heartbeat.md 1.4, 6.2).
import ClusterModel
import Messaging

/// Why keys cannot be used.
package enum AuthenticatorError: Error, Equatable {
    /// The number that `auth` names has no line of its own.
    case noSigningKey(Int)
    /// Two lines have one number.
    case duplicateKey(Int)
    /// libgcrypt does not offer the method of a key here.
    case methodUnavailable(Int, DigestMethod)
}

/// What a digest says about a message.
package enum Verification: Equatable, Sendable {
    case ok
    /// authkeys has no key of that number.
    case unknownKey
    case mismatch
}

/// The keys in working order. New keys need a new authenticator; messages under way are judged by the old or the new
/// one, never by a mixture.
package final class Authenticator {
    private enum Method {
        case checksum
        case keyed(KeyedDigest)
    }

    private struct Key {
        let number: Int
        let method: Method
    }

    private let keys: [Key]
    private let signing: Key
    /// The text of the newest digest; kept, so that a message costs no memory.
    private var text = ByteWriter(capacity: WireLimit.digestLength)

    /// Every key is tried once; throws the first that cannot be used.
    package init(_ configured: AuthKeys) throws(AuthenticatorError) {
        var keys: [Key] = []
        for key in configured.keys {
            guard !keys.contains(where: { $0.number == key.number }) else { throw .duplicateKey(key.number) }
            guard let method = Authenticator.method(key) else { throw .methodUnavailable(key.number, key.method) }
            keys.append(Key(number: key.number, method: method))
        }
        guard let signing = keys.first(where: { $0.number == configured.signing }) else {
            throw .noSigningKey(configured.signing)
        }
        self.keys = keys
        self.signing = signing
    }

    /// The signing key's number and the digest of the bytes.
    package func sign(_ bytes: ArraySlice<UInt8>) -> Signature {
        write(bytes, signing.method)
        return Signature(key: signing.number, digest: text.bytes)
    }

    /// Appends the trailer of a netstring message: the signature of what the writer holds from `start` on.
    package func appendTrailer(covering start: Int, to writer: inout ByteWriter) {
        write(writer.bytes[start...], signing.method)
        NetstringCodec.appendTrailer(Signature(key: signing.number, digest: text.bytes), to: &writer)
    }

    /// Judges a signature by the key of the number that it names, and by no other: heartbeat 3.0.6 takes the key of its
    /// own signing number there (specs/heartbeat.md 12.2). Compares in constant time.
    package func verify(_ signature: Signature, covers bytes: ArraySlice<UInt8>) -> Verification {
        guard let key = keys.first(where: { $0.number == signature.key }) else { return .unknownKey }
        write(bytes, key.method)
        return text.bytes[...].isEqualInConstantTime(to: signature.digest) ? .ok : .mismatch
    }

    private static func method(_ key: AuthKey) -> Method? {
        switch key.method {
        case .crc: .checksum
        case .md5: KeyedDigest(hash: .md5, secret: key.secret).map(Method.keyed)
        case .sha1: KeyedDigest(hash: .sha1, secret: key.secret).map(Method.keyed)
        case .sha256: KeyedDigest(hash: .sha256, secret: key.secret).map(Method.keyed)
        }
    }

    /// Sets `text` to the digest as it is written: lower-case hexadecimal, for `crc` without leading zeros as heartbeat
    /// prints it.
    private func write(_ bytes: ArraySlice<UInt8>, _ method: Method) {
        text.truncate()
        switch method {
        case .checksum: text.append(hexadecimal: CRC32.checksum(bytes))
        case .keyed(let digest):
            // The context made a digest when it was built, and every later one is made of the same memory.
            guard digest.digest(bytes) else { preconditionFailure("libgcrypt makes no digest") }
            text.append(hexadecimal: digest.result)
        }
    }
}
