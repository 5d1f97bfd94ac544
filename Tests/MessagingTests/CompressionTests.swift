// Compressed messages (specs/heartbeat.md 1.6): understood in both modes, bounded in every way.
import ClusterModel
import Compression
import Digests
import Fuzzing
import Messaging
import Testing

@Suite("Compressed messages")
struct CompressionTests {
    private let plain = HAMessage([
        Field("t", .string(Array("status".utf8))), Field("src", .string(Array("alpha".utf8))),
        Field("m", .message(HAMessage([Field("crm_xml", .string([UInt8](repeating: 120, count: 5000)))]))),
    ])

    private func opened(_ message: HAMessage) throws(RejectReason) -> HAMessage {
        guard let authenticator = try? Authenticator(.sha1),
            let bytes = try? Envelope.encode(
                message, for: .datagram(classicInnerAuth: false), authenticator: authenticator)
        else { throw .garbage }
        return try Envelope.open(bytes, authenticator: authenticator)
    }

    private func reason(_ message: HAMessage) -> RejectReason? {
        do throws(RejectReason) {
            _ = try opened(message)
            return nil
        } catch {
            return error
        }
    }

    private func compressed(_ message: HAMessage, _ method: CompressionMethod) throws -> [UInt8] {
        try Compression.compress(try encoded(message), method)
    }

    @Test("W18: a whole message in compressed form stands for itself", arguments: CompressionMethod.allCases)
    func whole(_ method: CompressionMethod) throws {
        #expect(try opened(MessageExpansion.wrapped(try compressed(plain, method), method)) == plain)
        let classic = try Compression.compress(try classicText(plain), method)
        #expect(try opened(MessageExpansion.wrapped(classic, method)) == plain, "classic text within")
    }

    @Test("W17: a compressed field is a nested message, on every level", arguments: CompressionMethod.allCases)
    func fields(_ method: CompressionMethod) throws {
        let algorithm = Field("_compression_algorithm", .string(Array(method.rawValue.utf8)))
        let inner = HAMessage([Field("a", .string([98]))])
        let field = Field("m", .compressed(try compressed(inner, method)))
        let expected = Field("m", .message(inner))
        #expect(try opened(HAMessage([field, algorithm])) == HAMessage([expected]))
        #expect(try opened(HAMessage([algorithm, field])) == HAMessage([expected]))
        let nested = HAMessage([Field("n", .message(HAMessage([field, algorithm])))])
        #expect(try opened(nested) == HAMessage([Field("n", .message(HAMessage([expected])))]))
        let both = MessageExpansion.wrapped(try compressed(HAMessage([field, algorithm]), method), method)
        #expect(try opened(both) == HAMessage([expected]))
        let outer = Field("o", .compressed(try compressed(HAMessage([field, algorithm]), method)))
        let twice = HAMessage([outer, algorithm])
        #expect(try opened(twice) == HAMessage([Field("o", .message(HAMessage([expected])))]))
    }

    @Test("the libraries' own bytes are read")
    func vectors() throws {
        // Made with Python: zlib.compress and bz2.compress of the text "###\n6:(0)t=x,%%%\n".
        let text = Array("###\n6:(0)t=x,%%%\n".utf8)
        #expect(try Compression.decompress(CompressionVectors.zlib[...], .zlib, limit: 100) == text)
        #expect(try Compression.decompress(CompressionVectors.bz2[...], .bz2, limit: 100) == text)
    }

    @Test("W17, W18: what heartbeat's own library has compressed is read", arguments: CompressionMethod.allCases)
    func recorded(_ method: CompressionMethod) throws {
        let xml = String(String(repeating: #"<node id="x"/>"#, count: 500).prefix(5999))
        let head = [
            Field("t", .string(Array("example".utf8))), Field("src", .string(Array("node-a".utf8))),
            Field("srcuuid", .binary(Array("0123456789abcdef".utf8))),
        ]
        let large = Field("crm_xml", .string(Array(xml.utf8)))
        for (name, last) in [("field", Field("m", .message(HAMessage([large])))), ("whole", large)] {
            let bytes = try CaptureFile.hexadecimal("compressed.txt", label: "\(name)-\(method.rawValue)")
            #expect(try opened(try NetstringCodec.decode(bytes).message) == HAMessage(head + [last]))
        }
    }

    @Test(
        "W19: a value that holds more than 2 MiB is refused, however small it is",
        arguments: CompressionMethod.allCases)
    func bombs(_ method: CompressionMethod) throws {
        let limit = WireLimit.uncompressedSize
        let zeros = try Compression.compress([UInt8](repeating: 0, count: 20_000_000), method)
        #expect(zeros.count < 25_000)
        #expect(reason(MessageExpansion.wrapped(zeros, method))?.word == "oversized")
        let most = try Compression.compress([UInt8](repeating: 0, count: limit), method)
        #expect(try Compression.decompress(most[...], method, limit: limit).count == limit)
        let more = try Compression.compress([UInt8](repeating: 0, count: limit + 1), method)
        let error = wireError { () throws(WireError) in
            _ = try Compression.decompress(more[...], method, limit: limit)
        }
        #expect(error?.kind == .oversized)

        // Two fields, each below the limit, together above it.
        let half = HAMessage([Field("a", .binary([UInt8](repeating: 0, count: limit / 2)))])
        var text = ByteWriter()
        try NetstringCodec.encode(half, into: &text, sizeMax: limit)
        let field = Field("m", .compressed(try Compression.compress(text.bytes, method)))
        let algorithm = Field("_compression_algorithm", .string(Array(method.rawValue.utf8)))
        #expect(reason(HAMessage([field, algorithm])) == nil)
        #expect(reason(HAMessage([field, field, algorithm]))?.word == "oversized")
    }

    @Test(
        "W18, W19: damage, unknown algorithms and compression within compression are refused",
        arguments: CompressionMethod.allCases)
    func refused(_ method: CompressionMethod) throws {
        let bytes = try compressed(plain, method)
        let algorithm = Field("_compression_algorithm", .string(Array(method.rawValue.utf8)))
        func refusal(_ payload: [UInt8]) -> String? { reason(MessageExpansion.wrapped(payload, method))?.word }
        #expect(refusal([]) == "malformed")
        #expect(refusal(Array(bytes.dropLast())) == "malformed")
        #expect(refusal(bytes + [0]) == "malformed")
        #expect(refusal(try Compression.compress(Array("hello".utf8), method)) == "garbage")
        #expect(refusal(try Compression.compress([], method)) == "garbage")
        #expect(refusal(try compressed(MessageExpansion.wrapped(bytes, method), method)) == "malformed")
        let payload = Field("_compressed_payload", .binary(bytes))
        #expect(reason(HAMessage([payload]))?.word == "malformed")
        #expect(reason(HAMessage([payload, Field("_compression_algorithm", .string([120]))]))?.word == "malformed")
        #expect(reason(HAMessage([Field("m", .compressed(bytes))]))?.word == "malformed")
        #expect(reason(HAMessage([Field("m", .compressed([1, 2])), algorithm]))?.word == "malformed")
        let other: CompressionMethod = method == .zlib ? .bz2 : .zlib
        #expect(reason(MessageExpansion.wrapped(bytes, other))?.word == "malformed")
    }

    @Test("W19: levels and fields are limited after decompression too")
    func limits() throws {
        let algorithm = Field("_compression_algorithm", .string(Array("zlib".utf8)))
        var message = HAMessage([Field("z", .string([120]))])
        for _ in 0..<20 {
            message = HAMessage([Field("m", .compressed(try compressed(message, .zlib))), algorithm])
        }
        #expect(reason(message)?.word == "malformed")
        let many = HAMessage((0..<600).map { _ in Field("a", .string([])) })
        let field = Field("m", .compressed(try compressed(many, .zlib)))
        #expect(reason(HAMessage([field, algorithm])) == nil)
        #expect(reason(HAMessage([field, field, algorithm]))?.word == "malformed")
    }

    @Test("W14: nothing is decompressed before it is verified")
    func unverified() throws {
        let zeros = try Compression.compress([UInt8](repeating: 0, count: 20_000_000), .zlib)
        let bytes = try encoded(MessageExpansion.wrapped(zeros, .zlib))
        #expect(throws: RejectReason.unsigned) {
            try Envelope.open(bytes, authenticator: try Authenticator(.sha1))
        }
    }

    @Test("whatever is compressed comes back", arguments: CompressionMethod.allCases)
    func roundTrip(_ method: CompressionMethod) throws {
        var generator = MessageGenerator(seed: 0x5EED_0009)
        for length in [0, 1, 2, 100, 5000, 100_000] {
            let bytes = generator.bytes(length...length)
            let value = try Compression.compress(bytes, method)
            #expect(try Compression.decompress(value[...], method, limit: length) == bytes)
        }
        for _ in 0..<200 {
            let message = generator.message(classic: false, compressed: false)
            #expect(try opened(MessageExpansion.wrapped(try compressed(message, method), method)) == message)
        }
    }
}

private enum CompressionVectors {
    static let zlib: [UInt8] = [
        0x78, 0x9C, 0x53, 0x56, 0x56, 0xE6, 0x32, 0xB3, 0xD2, 0x30, 0xD0, 0x2C, 0xB1, 0xAD, 0xD0, 0x51, 0x55,
        0x55, 0xE5, 0x02, 0x00, 0x1B, 0xFA, 0x03, 0x33,
    ]
    static let bz2: [UInt8] = [
        0x42, 0x5A, 0x68, 0x39, 0x31, 0x41, 0x59, 0x26, 0x53, 0x59, 0x17, 0x82, 0x57, 0xEC, 0x00, 0x00, 0x02,
        0x58, 0x80, 0x00, 0x10, 0x0A, 0x64, 0x41, 0x12, 0x04, 0x40, 0x20, 0x00, 0x22, 0x0D, 0x00, 0x68, 0x40,
        0xD0, 0x34, 0x00, 0x50, 0x12, 0x72, 0xCD, 0xD6, 0x9E, 0x3E, 0x2E, 0xE4, 0x8A, 0x70, 0xA1, 0x20, 0x2F,
        0x04, 0xAF, 0xD8,
    ]
}
