// Reads the recorded traffic of heartbeat 3.0.6 in Fixtures.
import CLinux
import ClusterModel
import Digests
import LinuxSystem
import Messaging
import Testing

struct CaptureError: Error {
    let text: String
}

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
    func messages() throws -> [[UInt8]] {
        try Capture.read(name + ".txt").split(separator: UInt8(ascii: "\n")).dropFirst().map { line in
            let columns = line.split(separator: UInt8(ascii: "\t"), omittingEmptySubsequences: false)
            guard columns.count == 6 else { throw CaptureError(text: "a line of \(columns.count) columns") }
            let content = try bytes(hexadecimal: columns[5])
            return columns[4].elementsEqual("icmp".utf8) ? Array(content.dropFirst(8)) : content
        }
    }

    /// A file of Fixtures.
    static func read(_ name: String, path: String = #filePath) throws -> [UInt8] {
        let folder = path.utf8.lastIndex(of: UInt8(ascii: "/")).map { path[..<$0] } ?? "."
        let file = try Descriptor.open("\(folder)/Fixtures/\(name)", O_RDONLY)
        var content: [UInt8] = []
        var block = [UInt8](repeating: 0, count: 65536)
        while true {
            let count = try retrying("read \(name)") { CLinux.read(file.raw, &block, block.count) }
            if count == 0 { return content }
            content.append(contentsOf: block[..<count])
        }
    }
}

extension AuthKeys {
    static let crc = AuthKeys(signing: 1, keys: [AuthKey(number: 1, method: .crc, secret: [])])
    static let sha1 = one(3, .sha1, "secret-sha1-key")

    static func one(_ number: Int, _ method: DigestMethod, _ secret: String) -> AuthKeys {
        AuthKeys(signing: number, keys: [AuthKey(number: number, method: method, secret: Array(secret.utf8))])
    }
}

func bytes(hexadecimal text: some Collection<UInt8>) throws -> [UInt8] {
    let digits = try text.map { digit -> UInt8 in
        guard let value = Character(UnicodeScalar(digit)).hexDigitValue else { throw CaptureError(text: "not a digit") }
        return UInt8(value)
    }
    return stride(from: 0, to: digits.count - 1, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
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
