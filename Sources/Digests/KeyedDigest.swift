// One HMAC of libgcrypt, keyed once and used for every message: setting up the key anew costs as much as a short
// digest. libgcrypt and not libcrypto, because libsystemd has it in every process of a node already: a second library
// costs each of them 400 kB of its own.
import CGcrypt

/// HMAC (RFC 2104) with one hash and one key.
final class KeyedDigest {
    /// The hashes of authkeys.
    enum Hash {
        case md5, sha1, sha256

        fileprivate var algorithm: gcry_md_algos {
            switch self {
            case .md5: GCRY_MD_MD5
            case .sha1: GCRY_MD_SHA1
            case .sha256: GCRY_MD_SHA256
            }
        }
    }

    /// Whether the library can be used. It must be prepared once, while no other thread does so or uses it.
    private static let isPrepared = cl_gcrypt_prepare() == 1

    private let context: gcry_md_hd_t
    /// Bytes of a digest.
    private let size: Int
    /// The newest digest.
    private(set) var result: [UInt8]

    /// nil where libgcrypt refuses hash or key, as it may in FIPS mode.
    init?(hash: Hash, secret: [UInt8]) {
        let algorithm = Int32(bitPattern: hash.algorithm.rawValue)
        var context: gcry_md_hd_t?
        guard KeyedDigest.isPrepared, gcry_md_open(&context, algorithm, GCRY_MD_FLAG_HMAC.rawValue) == 0,
            let context
        else { return nil }
        let isKeyed = gcry_md_setkey(context, secret, secret.count) == 0
        size = Int(gcry_md_get_algo_dlen(algorithm))
        self.context = context
        result = [UInt8](repeating: 0, count: size)
        // A first digest proves that the key can be used again without being set, so that later ones do not fail.
        guard isKeyed, size > 0, digest([]) else { return nil }
    }

    deinit { gcry_md_close(context) }

    /// Makes the digest of bytes, which `result` then holds; false only where libgcrypt has none.
    func digest(_ bytes: ArraySlice<UInt8>) -> Bool {
        // What `reset` begins with is the state after the key.
        let made = bytes.withUnsafeBufferPointer { cl_gcrypt_digest(context, $0.baseAddress, $0.count) }
        guard let made else { return false }
        result.withUnsafeMutableBytes { $0.copyMemory(from: UnsafeRawBufferPointer(start: made, count: size)) }
        return true
    }
}
