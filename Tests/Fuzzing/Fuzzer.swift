// Feeds damaged messages to everything that reads bytes of others: both decoders, the serial framer, the path of signed
// bytes to the core. What must hold afterwards is checked after each.
import ClusterCore
import ClusterModel
import Compression
import Digests
import Messaging

/// A promise that was broken.
package struct FuzzFailure: Error, CustomStringConvertible {
    /// Which execution it was.
    package let execution: UInt64
    /// What does not hold.
    package let promise: String
    /// The bytes that broke it.
    package let bytes: [UInt8]

    /// One line, the bytes in hexadecimal.
    package var description: String {
        let digits = bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        return "execution \(execution): \(promise): \(digits)"
    }
}

/// What became of the executions.
package struct FuzzCount: Sendable {
    /// Damaged messages that a decoder could read.
    package var decoded: UInt64 = 0
    /// Messages with the right digest, whatever is in them.
    package var verified: UInt64 = 0
    /// Of these, messages that reached the core.
    package var delivered: UInt64 = 0
    /// Messages that the framer found in its stream.
    package var framed: UInt64 = 0
}

/// One run, repeatable from its seed: each execution draws from its own number.
package struct Fuzzer {
    private let seed: UInt64
    private let corpus: [[UInt8]]
    private let authenticator: Authenticator
    private var framer = StreamFramer()
    private var fed: UInt64 = 0
    private var framed: UInt64 = 0
    private var cluster: Cluster
    private var effects: [Effect] = []
    private var now = Instant(nanoseconds: 0)
    private var message = HAMessage()
    private var writer = ByteWriter()
    /// What became of the executions so far.
    package private(set) var count = FuzzCount()

    /// Reads the corpus: the recorded traffic of heartbeat 3.0.6, and messages of every shape drawn from the seed.
    package init(seed: UInt64) throws {
        self.seed = seed
        authenticator = try Authenticator(Fuzzer.keys)
        var texts: [[UInt8]] = []
        for name in ["s1-crc-bcast", "s3-sha1-bcast-failback-off", "s4-sha1-bcast-netstring", "s7-sha1-mcast-ping"] {
            texts += try CaptureFile.messages(name + ".txt")
        }
        for name in ["s6-serial.a2b.raw", "s6-serial.b2a.raw"] {
            var framer = StreamFramer()
            texts += framer.accept(try CaptureFile.read(name)[...])
        }
        for label in ["field-zlib", "whole-zlib", "field-bz2", "whole-bz2"] {
            texts.append(try CaptureFile.hexadecimal("compressed.txt", label: label))
        }
        for label in ["netstring-1", "netstring-16", "classic-1", "classic-3", "classic-16"] {
            texts.append(try CaptureFile.hexadecimal("shapes.txt", label: label))
        }
        var generator = MessageGenerator(seed: seed)
        for _ in 0..<200 {
            let shape = generator.message(classic: true)
            texts += [try Fuzzer.netstring(shape), try Fuzzer.classic(shape)]
            for method in CompressionMethod.allCases {
                let wrapped = MessageExpansion.wrapped(
                    try Compression.compress(texts[texts.count - 2], method), method)
                texts.append(try Fuzzer.netstring(wrapped))
            }
        }
        texts += try Fuzzer.extendedStatuses()
        corpus = texts
        cluster = Fuzzer.cluster()
    }

    private static func netstring(_ message: HAMessage) throws(WireError) -> [UInt8] {
        var writer = ByteWriter()
        try NetstringCodec.encode(message, into: &writer)
        return writer.bytes
    }

    private static func classic(_ message: HAMessage) throws(WireError) -> [UInt8] {
        var writer = ByteWriter()
        try ClassicCodec.encode(message, into: &writer)
        return writer.bytes
    }

    private static let keys = AuthKeys(signing: 3, keys: [
        AuthKey(number: 1, method: .crc, secret: []),
        AuthKey(number: 3, method: .sha1, secret: Array("secret-sha1-key".utf8)),
    ])

    /// Two nodes and two groups, named as in the recorded traffic.
    private static func cluster() -> Cluster {
        var configuration = Configuration()
        configuration.members = ["node-a", "node-b"].map { Member(name: $0, kind: .normal) }
        configuration.members.append(Member(name: "10.77.3.2", kind: .ping))
        configuration.localName = "node-b"
        configuration.media = [
            .broadcast(interface: "eth0", port: 694), .serial(tty: "/dev/ttyS0", baud: 19_200),
            .serial(tty: "/dev/ttyS1", baud: 19_200), .ping(address: "10.77.3.2"),
        ]
        configuration.groups = ["ip1", "ip2"].map {
            ResourceGroup(name: $0, preferred: "node-a", resources: [], line: 1)
        }
        var cluster = Cluster(
            configuration: configuration, generation: 5, uuid: Array(0..<16), seed: 1, now: Instant(nanoseconds: 0))
        var effects: [Effect] = []
        cluster.handle(.inventory([], entitledUntil: nil), now: Instant(nanoseconds: 0), effects: &effects)
        return cluster
    }

    /// Status messages with the extension, from the other node.
    private static func extendedStatuses() throws -> [[UInt8]] {
        let texts = [
            ("t", "status"), ("st", "active"), ("dt", "7530"), ("protocol", "1"), ("hb_version", "1"),
            ("hb_config", "9f3a77c1d2e40b11"), ("hb_hears", "node-b 5 1f4 1388"), ("hb_groups", "ip1 h 5 0 ip2 c 6 1"),
            ("hb_grants", "ip1 node-b 7"), ("hb_marks", "ip1 node-a 3 ip2 - 4"), ("hb_clear", "ip2 2"),
            ("hb_leaving", "1"), ("hb_barred", "1"), ("src", "node-a"), ("hg", "6b00f81c"), ("ts", "6b00f81b"),
            ("ttl", "3"),
        ]
        return try (1...60).map { number in
            var message = HAMessage()
            for (name, value) in texts where number % 5 != 0 || !name.hasPrefix("hb_b") { message.append(name, value) }
            message.append("seq", number: UInt64(number * 3), radix: 16)
            return try netstring(message)
        }
    }

    /// One execution: draws a message, damages it, feeds it everywhere.
    package mutating func run(_ execution: UInt64) throws(FuzzFailure) {
        var generator = MessageGenerator(seed: seed &+ execution &* 0x9E37_79B9_7F4A_7C15)
        let original = corpus[Int.random(in: corpus.indices, using: &generator.random)]
        var bytes = generator.damaged(original)
        var sources = [original]
        if Int.random(in: 0..<16, using: &generator.random) == 0 {
            let other = corpus[Int.random(in: corpus.indices, using: &generator.random)]
            bytes = bytes.prefix(Int.random(in: 0...bytes.count, using: &generator.random)) + other.suffix(200)
            sources.append(other)
        }
        func demand(_ holds: Bool, _ promise: String) throws(FuzzFailure) {
            if !holds { throw FuzzFailure(execution: execution, promise: promise, bytes: bytes) }
        }
        let read = try? NetstringCodec.decode(bytes).message
        if let read {
            count.decoded += 1
            let again = try? Fuzzer.netstring(read)
            try demand(again.flatMap { try? NetstringCodec.decode($0).message } == read, "netstring text comes back")
        }
        if let read = try? ClassicCodec.decode(bytes) {
            count.decoded += 1
            let again = try? Fuzzer.classic(read)
            try demand(again.flatMap { try? ClassicCodec.decode($0) } == read, "classic text comes back")
        }
        fed += UInt64(bytes.count)
        let messages = framer.accept(bytes[...])
        framed += UInt64(messages.reduce(0) { $0 + $1.count })
        count.framed += UInt64(messages.count)
        try demand(framer.pendingBytes <= WireLimit.messageSize, "the framer holds one message")
        try demand(fed == framed + UInt64(framer.pendingBytes) + framer.discardedBytes, "every byte is accounted for")

        if !sources.contains(bytes), (try? Envelope.open(bytes, authenticator: authenticator, into: &message)) != nil {
            // Bytes after the digest, and lines without content, are not covered.
            let isKnown = sources.contains { (try? Envelope.open($0, authenticator: authenticator)) == message }
            try demand(isKnown || isChecksum(bytes), "nothing unsigned is let in")
        }
        try deliver(execution, bytes, MediumID(Int.random(in: 0..<4, using: &generator.random)))
    }

    /// A checksum proves nothing: damage that comes with its own is let in.
    private func isChecksum(_ bytes: [UInt8]) -> Bool {
        let netstring = (try? NetstringCodec.outline(of: bytes))?.signature
        return (netstring ?? (try? ClassicCodec.outline(of: bytes))?.signature)?.key == 1
    }

    /// Signs the damaged message rightly, so that what is behind the digest is reached too.
    private mutating func deliver(_ execution: UInt64, _ bytes: [UInt8], _ medium: MediumID) throws(FuzzFailure) {
        writer.truncate()
        if let outline = try? NetstringCodec.outline(of: bytes) {
            writer.append(bytes[outline.covered])
            authenticator.appendTrailer(covering: 0, to: &writer)
        } else if let outline = try? ClassicCodec.outline(of: bytes) {
            writer.append(">>>\n")
            writer.append(outline.covered)
            let signature = authenticator.sign(outline.covered[...])
            writer.append("auth=")
            signature.write(to: &writer)
            writer.append("\n<<<\n")
        } else {
            return
        }
        count.verified += 1
        do throws(RejectReason) {
            try Envelope.open(writer.bytes, authenticator: authenticator, into: &message)
        } catch {
            let isForged =
                switch error {
                case .unsigned, .unknownKey, .badSignature: true
                case .garbage, .truncated, .oversized, .malformed: false
                }
            if isForged {
                throw FuzzFailure(execution: execution, promise: "a right digest is accepted", bytes: writer.bytes)
            }
            return
        }
        count.delivered += 1
        now = now + .microseconds(50)
        cluster.handle(.received(message, medium: medium, arrival: now), now: now, effects: &effects)
        if let deadline = cluster.nextDeadline, deadline <= now { cluster.handle(.wake, now: now, effects: &effects) }
        effects.removeAll(keepingCapacity: true)
    }
}
