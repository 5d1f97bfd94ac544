// The recorded traffic of heartbeat 3.0.6 in Fixtures, with its keys.
import ClusterModel
import Digests
import Fuzzing
import Messaging
import Testing

/// One scenario: the messages of its datagrams in order.
struct Capture: CustomTestStringConvertible {
    let name: String
    let keys: AuthKeys
    /// Whether the nodes ran with `msgfmt classic`.
    let isClassic: Bool
    /// Number of messages, so that a file that is cut short is noticed.
    let count: Int

    var testDescription: String { name }

    static let all = [
        Capture(name: "s1-crc-bcast", keys: .crc, isClassic: true, count: 936),
        Capture(name: "s3-sha1-bcast-failback-off", keys: .sha1, isClassic: true, count: 566),
        Capture(name: "s4-sha1-bcast-netstring", keys: .sha1, isClassic: false, count: 198),
        Capture(name: "s7-sha1-mcast-ping", keys: .sha1, isClassic: true, count: 415),
    ]

    /// The messages, one each datagram, without the header of ICMP.
    func messages() throws -> [[UInt8]] { try CaptureFile.messages(name + ".txt") }
}

extension AuthKeys {
    static let crc = AuthKeys(signing: 1, keys: [AuthKey(number: 1, method: .crc, secret: [])])
    static let sha1 = one(3, .sha1, "secret-sha1-key")

    static func one(_ number: Int, _ method: DigestMethod, _ secret: String) -> AuthKeys {
        AuthKeys(signing: number, keys: [AuthKey(number: number, method: method, secret: Array(secret.utf8))])
    }
}

func encoded(_ message: HAMessage) throws(WireError) -> [UInt8] {
    var writer = ByteWriter()
    try NetstringCodec.encode(message, into: &writer)
    return writer.bytes
}

func classicText(_ message: HAMessage) throws(WireError) -> [UInt8] {
    var writer = ByteWriter()
    try ClassicCodec.encode(message, into: &writer)
    return writer.bytes
}

func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
