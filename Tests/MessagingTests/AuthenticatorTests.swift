// Digests against published vectors and against heartbeat 3.0.6's own.
import ClusterModel
import Digests
import Messaging
import Testing

/// One HMAC of RFC 2202 or RFC 4231.
struct DigestVector: CustomTestStringConvertible, Sendable {
    let name: String
    let method: DigestMethod
    let key: [UInt8]
    let data: [UInt8]
    let digest: String

    var testDescription: String { name }

    init(_ name: String, _ method: DigestMethod, _ key: [UInt8], _ data: [UInt8], _ digest: String) {
        self.name = name
        self.method = method
        self.key = key
        self.data = data
        self.digest = digest
    }

    private static let ascending: [UInt8] = Array(1...25)
    private static let longKey = [UInt8](repeating: 0xAA, count: 80)
    private static let longKey131 = [UInt8](repeating: 0xAA, count: 131)
    private static let jefe = Array("Jefe".utf8)
    private static let want = Array("what do ya want for nothing?".utf8)
    private static let larger = Array("Test Using Larger Than Block-Size Key - Hash Key First".utf8)
    private static let largerData = Array(
        "Test Using Larger Than Block-Size Key and Larger Than One Block-Size Data".utf8)
    private static let hashed = Array(
        ("This is a test using a larger than block-size key and a larger than block-size data. "
            + "The key needs to be hashed before being used by the HMAC algorithm.").utf8)

    private static func times(_ byte: UInt8, _ count: Int) -> [UInt8] { [UInt8](repeating: byte, count: count) }

    static let all = [
        DigestVector(
            "RFC 2202 MD5 1", .md5, times(0x0B, 16), Array("Hi There".utf8), "9294727a3638bb1c13f48ef8158bfc9d"),
        DigestVector("RFC 2202 MD5 2", .md5, jefe, want, "750c783e6ab0b503eaa86e310a5db738"),
        DigestVector("RFC 2202 MD5 3", .md5, times(0xAA, 16), times(0xDD, 50), "56be34521d144c88dbb8c733f0e8b3f6"),
        DigestVector("RFC 2202 MD5 4", .md5, ascending, times(0xCD, 50), "697eaf0aca3a3aea3a75164746ffaa79"),
        DigestVector("RFC 2202 MD5 6", .md5, longKey, larger, "6b1ab7fe4bd7bf8f0b62e6ce61b9d0cd"),
        DigestVector("RFC 2202 MD5 7", .md5, longKey, largerData, "6f630fad67cda0ee1fb1f562db3aa53e"),
        DigestVector(
            "RFC 2202 SHA1 1", .sha1, times(0x0B, 20), Array("Hi There".utf8),
            "b617318655057264e28bc0b6fb378c8ef146be00"),
        DigestVector("RFC 2202 SHA1 2", .sha1, jefe, want, "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"),
        DigestVector(
            "RFC 2202 SHA1 3", .sha1, times(0xAA, 20), times(0xDD, 50), "125d7342b9ac11cd91a39af48aa17b4f63f175d3"),
        DigestVector("RFC 2202 SHA1 4", .sha1, ascending, times(0xCD, 50), "4c9007f4026250c6bc8414f9bf50c86c2d7235da"),
        DigestVector("RFC 2202 SHA1 6", .sha1, longKey, larger, "aa4ae5e15272d00e95705637ce8a3b55ed402112"),
        DigestVector("RFC 2202 SHA1 7", .sha1, longKey, largerData, "e8e99d0f45237d786d6bbaa7965c7808bbff1a91"),
        DigestVector(
            "RFC 4231 SHA256 1", .sha256, times(0x0B, 20), Array("Hi There".utf8),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
        DigestVector(
            "RFC 4231 SHA256 2", .sha256, jefe, want,
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
        DigestVector(
            "RFC 4231 SHA256 3", .sha256, times(0xAA, 20), times(0xDD, 50),
            "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"),
        DigestVector(
            "RFC 4231 SHA256 4", .sha256, ascending, times(0xCD, 50),
            "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"),
        DigestVector(
            "RFC 4231 SHA256 6", .sha256, longKey131, larger,
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"),
        DigestVector(
            "RFC 4231 SHA256 7", .sha256, longKey131, hashed,
            "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"),
    ]
}

@Suite("Authenticator")
struct AuthenticatorTests {
    @Test("W12: HMAC gives the published digests, again and again", arguments: DigestVector.all)
    func vectors(_ vector: DigestVector) throws {
        let key = AuthKey(number: 7, method: vector.method, secret: vector.key)
        let authenticator = try Authenticator(AuthKeys(signing: 7, keys: [key]))
        for _ in 0..<3 {
            let signature = authenticator.sign(vector.data[...])
            #expect(signature == Signature(key: 7, digest: Array(vector.digest.utf8)))
            #expect(authenticator.verify(signature, covers: vector.data[...]) == .ok)
            #expect(authenticator.verify(signature, covers: (vector.data + [0])[...]) == .mismatch)
        }
    }

    @Test(
        "W12: crc is heartbeat's, without leading zeros",
        arguments: [
            ("", "ffffffff"), ("123456789", "765e7680"), ("heartbeat", "f1d8e77c"), ("a", "579b24df"),
        ])
    func checksum(text: String, digest: String) throws {
        let authenticator = try Authenticator(.crc)
        #expect(authenticator.sign(Array(text.utf8)[...]) == Signature(key: 1, digest: Array(digest.utf8)))
    }

    @Test("a crc with a leading zero is shorter, and padded it is wrong")
    func shortChecksum() throws {
        let authenticator = try Authenticator(.crc)
        let data = try #require((0..<1000).lazy.map { Array("\($0)".utf8) }.first { CRC32.checksum($0[...]) < 1 << 28 })
        let signature = authenticator.sign(data[...])
        #expect(signature.digest.count < 8)
        #expect(authenticator.verify(signature, covers: data[...]) == .ok)
        let padded = Signature(key: 1, digest: [UInt8(ascii: "0")] + signature.digest)
        #expect(authenticator.verify(padded, covers: data[...]) == .mismatch)
    }

    @Test("W13: each key number is verified with its own key and method")
    func rightKeyOnly() throws {
        let secret = Array("one".utf8)
        let keys = [
            AuthKey(number: 0, method: .crc, secret: []),
            AuthKey(number: 2, method: .md5, secret: secret),
            AuthKey(number: 3, method: .sha1, secret: Array("two".utf8)),
            AuthKey(number: 15, method: .sha256, secret: secret),
        ]
        let data: ArraySlice<UInt8> = Array("t=status\n".utf8)[...]
        let receiver = try Authenticator(AuthKeys(signing: 2, keys: keys))
        for key in keys {
            let sender = try Authenticator(AuthKeys(signing: key.number, keys: [key]))
            let signature = sender.sign(data)
            #expect(signature.key == key.number)
            #expect(receiver.verify(signature, covers: data) == .ok)
            for other in keys where other.number != key.number {
                let moved = Signature(key: other.number, digest: Array(signature.digest))
                #expect(receiver.verify(moved, covers: data) == .mismatch)
            }
            let unknown = Signature(key: 1, digest: Array(signature.digest))
            #expect(receiver.verify(unknown, covers: data) == .unknownKey)
        }
        // heartbeat 3.0.6 makes the digest of number 3 with the key of its own signing number.
        let confused = try Authenticator(.one(3, .sha1, "one")).sign(data)
        #expect(receiver.verify(confused, covers: data) == .mismatch)
    }

    @Test("upper case, a missing digit or an added one make a digest wrong")
    func otherSpelling() throws {
        let authenticator = try Authenticator(.sha1)
        let data: ArraySlice<UInt8> = Array("abc".utf8)[...]
        let digest = Array(authenticator.sign(data).digest)
        let upper = Array(text(digest).uppercased().utf8)
        for changed in [upper, Array(digest.dropLast()), digest + [UInt8(ascii: "0")], []] {
            #expect(authenticator.verify(Signature(key: 3, digest: changed), covers: data) == .mismatch)
        }
    }

    @Test("keys without the signing one, or with a number twice, are refused")
    func unusableKeys() {
        let key = AuthKey(number: 3, method: .sha1, secret: [1])
        #expect(throws: AuthenticatorError.noSigningKey(2)) {
            try Authenticator(AuthKeys(signing: 2, keys: [key]))
        }
        #expect(throws: AuthenticatorError.duplicateKey(3)) {
            try Authenticator(AuthKeys(signing: 3, keys: [key, key]))
        }
    }

    @Test("an empty secret is a key like any other")
    func emptySecret() throws {
        let authenticator = try Authenticator(.one(1, .md5, ""))
        #expect(text(Array(authenticator.sign([]).digest)) == "74e6f7298a9c2d168935f58c001bad88")
    }
}
