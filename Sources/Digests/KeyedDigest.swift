// One HMAC of libcrypto, keyed once and used for every message: setting up the key anew costs four times the digest.
import CCrypto

/// HMAC (RFC 2104) with one hash and one key.
final class KeyedDigest {
    private let context: OpaquePointer
    /// Bytes of a digest.
    private let size: Int
    /// The newest digest.
    private(set) var result: [UInt8]

    /// `hash` is libcrypto's name; nil where libcrypto refuses hash or key, as it may in FIPS mode.
    init?(hash: String, secret: [UInt8]) {
        guard let mac = EVP_MAC_fetch(nil, OSSL_MAC_NAME_HMAC, nil) else { return nil }
        // The context keeps its own reference.
        defer { EVP_MAC_free(mac) }
        guard let context = EVP_MAC_CTX_new(mac) else { return nil }
        let isKeyed = hash.withCString { name in
            var parameters = [
                OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, UnsafeMutablePointer(mutating: name), 0),
                OSSL_PARAM_construct_end(),
            ]
            return EVP_MAC_init(context, secret, secret.count, &parameters) == 1
        }
        size = EVP_MAC_CTX_get_mac_size(context)
        self.context = context
        result = [UInt8](repeating: 0, count: size)
        // A first digest proves that the key can be used again without being set, so that later ones do not fail.
        guard isKeyed, size > 0, digest([]) else { return nil }
    }

    deinit { EVP_MAC_CTX_free(context) }

    /// Makes the digest of bytes, which `result` then holds; false only where libcrypto finds no memory.
    func digest(_ bytes: ArraySlice<UInt8>) -> Bool {
        // Without a key, init begins a new message with the old key.
        guard EVP_MAC_init(context, nil, 0, nil) == 1 else { return false }
        let isUpdated = bytes.withUnsafeBufferPointer { EVP_MAC_update(context, $0.baseAddress, $0.count) == 1 }
        guard isUpdated else { return false }
        var written = 0
        return EVP_MAC_final(context, &result, &written, size) == 1 && written == size
    }
}
