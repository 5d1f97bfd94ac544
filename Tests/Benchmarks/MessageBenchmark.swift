// What a message costs the status process: building and writing it, reading it, signing, verifying; in time and in
// calls of malloc.
import AllocationCount
import CLinux
import ClusterModel
import Digests
import LinuxSystem
import Messaging

enum MessageBenchmark {
    private static let rounds = 20
    private static let perRound = 20_000

    /// Microseconds and allocations a message, for the codec and for each method of authkeys.
    static func measure() throws -> [Figure] {
        var bytes = try signed(.sha1).bytes
        var message = HAMessage()
        var writer = ByteWriter(capacity: 1024)
        var figures = try figures("encode a status", goal: 1, isFree: true) {
            fill(&message)
            writer.truncate()
            try NetstringCodec.encode(message, into: &writer)
        }
        figures += try self.figures("decode a status", goal: 1, isFree: true) {
            try NetstringCodec.decode(bytes, into: &message)
        }
        for method in DigestMethod.allCases {
            let (authenticator, signedBytes) = try signed(method)
            bytes = signedBytes
            let outline = try NetstringCodec.outline(of: bytes)
            guard let signature = outline.signature else { continue }
            let word = method.rawValue
            figures += try self.figures("verify a status, \(word)", goal: method == .sha1 ? 1 : nil) {
                _ = authenticator.verify(signature, covers: bytes[outline.covered])
            }
            figures += try self.figures("encode and sign a status, \(word)") {
                fill(&message)
                try Envelope.encode(
                    &message, for: .datagram(classicInnerAuth: false), authenticator: authenticator, into: &writer)
            }
            figures += try self.figures("verify and decode a status, \(word)") {
                try Envelope.open(bytes, authenticator: authenticator, into: &message)
            }
        }
        return figures
    }

    private static func signed(_ method: DigestMethod) throws -> (authenticator: Authenticator, bytes: [UInt8]) {
        let secret = method == .crc ? [] : Array("a-secret-of-some-length".utf8)
        let keys = AuthKeys(signing: 1, keys: [AuthKey(number: 1, method: method, secret: secret)])
        let authenticator = try Authenticator(keys)
        var message = HAMessage()
        fill(&message)
        let bytes = try Envelope.encode(
            message, for: .datagram(classicInnerAuth: false), authenticator: authenticator)
        return (authenticator, bytes)
    }

    /// Time, and allocations where there are any; `isFree`: there must be none.
    private static func figures(
        _ name: String, goal: Double? = nil, isFree: Bool = false, _ body: () throws -> Void
    ) throws -> [Figure] {
        var time = Figure(name, unit: "us", goal: goal)
        var allocations = Figure(name, unit: "allocations", goal: isFree ? 0 : nil)
        // The first messages grow the buffers.
        for _ in 0..<100 { try body() }
        for _ in 0..<rounds {
            let begin = processorTime()
            let before = allocation_count()
            for _ in 0..<perRound { try body() }
            let count = allocation_count() - before
            time.values.append(Double(processorTime() - begin) / 1000 / Double(perRound))
            allocations.values.append(Double(count) / Double(perRound))
        }
        return [time, allocations]
    }

    /// Nanoseconds that this process has had on a processor: other programs do not count.
    private static func processorTime() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }

    private static let uuid: [UInt8] = Array(0..<16)
    private static let texts = [
        ("t", "status"), ("st", "active"), ("dt", "7530"), ("protocol", "1"), ("hb_version", "1"),
        ("hb_config", "9f3a77c1d2e40b11"), ("hb_hears", "beta 6b00f81c 1f4 1388"),
        ("hb_groups", "10.0.0.1/24/eth0 h 5 0"), ("src", "alpha"), ("seq", "1f5"), ("hg", "6b00f81c"),
        ("ts", "6b00f81b"), ("ld", "n/a"), ("ttl", "3"),
    ]

    /// A status message of a node that holds one group, 15 fields.
    private static func fill(_ message: inout HAMessage) {
        message.removeAll()
        for (name, value) in texts { message.append(name, value) }
        message.append("srcuuid", binary: uuid)
    }
}
