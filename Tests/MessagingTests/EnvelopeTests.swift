// What is let in and what is not, by cause.
import ClusterModel
import Digests
import Messaging
import Testing

@Suite("Envelope")
struct EnvelopeTests {
    private let message = HAMessage([
        Field("t", .string(Array("status".utf8))), Field("srcuuid", .binary([UInt8](repeating: 7, count: 16))),
    ])

    private func reason(_ bytes: [UInt8], _ keys: AuthKeys = .sha1) throws -> RejectReason? {
        let authenticator = try Authenticator(keys)
        do throws(RejectReason) {
            _ = try Envelope.open(bytes, authenticator: authenticator)
            return nil
        } catch {
            return error
        }
    }

    @Test("W4, W5, W9, W15: the three forms, byte by byte")
    func forms() throws {
        let authenticator = try Authenticator(.crc)
        let message = HAMessage([Field("t", .string(Array("status".utf8))), Field("auth", .string([120]))])
        func form(_ carrier: Envelope.Carrier) throws -> String {
            text(try Envelope.encode(message, for: carrier, authenticator: authenticator))
        }
        let plain = "###\n11:(0)t=status,%%%\n"
        #expect(try form(.datagram(classicInnerAuth: false)) == plain + trailer(plain))
        let inner = "1 \(crc("t=status\n"))"
        #expect(try form(.serial) == ">>>\nt=status\nauth=\(inner)\n<<<\n")
        let covered = "###\n11:(0)t=status,\(inner.utf8.count + 8):(0)auth=\(inner),%%%\n"
        #expect(try form(.datagram(classicInnerAuth: true)) == covered + trailer(covered))
    }

    private func trailer(_ covered: String) -> String {
        let digest = "1 \(crc(covered))"
        return "\(digest.utf8.count):\(digest),"
    }

    private func crc(_ text: String) -> String { String(CRC32.checksum(Array(text.utf8)[...]), radix: 16) }

    @Test("W15: no inner auth in a message that holds a message, or that classic text cannot express")
    func withoutInnerAuth() throws {
        let authenticator = try Authenticator(.sha1)
        for value: FieldValue in [.message(HAMessage()), .compressed([1]), .string([])] {
            var message = message
            message.fields.append(Field("x", value))
            let plain = try Envelope.encode(
                message, for: .datagram(classicInnerAuth: false), authenticator: authenticator)
            #expect(
                try Envelope.encode(
                    message, for: .datagram(classicInnerAuth: true), authenticator: authenticator) == plain)
        }
        var listed = message
        listed.fields.append(Field("x", .list([[97]])))
        let bytes = try Envelope.encode(listed, for: .datagram(classicInnerAuth: true), authenticator: authenticator)
        #expect(try NetstringCodec.decode(bytes).message.fields.last?.name == "auth")
    }

    @Test("W10: classic text is let in from a datagram too, with and without its NUL")
    func classicDatagram() throws {
        let authenticator = try Authenticator(.sha1)
        let bytes = try Envelope.encode(message, for: .serial, authenticator: authenticator)
        #expect(try Envelope.open(bytes, authenticator: authenticator) == message)
        #expect(try Envelope.open(bytes + [0], authenticator: authenticator) == message)
    }

    @Test(
        "bytes that are no message are garbage",
        arguments: ["", "#", "hello", "GET / HTTP/1.1\r\n", "\0\0\0\0", "<<<\n"])
    func garbage(text: String) throws {
        #expect(try reason(Array(text.utf8)) == .garbage)
    }

    @Test("W14: the datagram that ends heartbeat 3.0.6 is unsigned, and signed it is malformed")
    func assertion() throws {
        let bytes = Array("###\n5:hello,%%%\n".utf8)
        #expect(try reason(bytes) == .unsigned)
        var writer = ByteWriter()
        writer.append(bytes)
        NetstringCodec.appendTrailer(try Authenticator(.sha1).sign(bytes[...]), to: &writer)
        let malformed = try reason(writer.bytes)
        #expect(malformed?.word == "malformed")
        #expect(
            malformed?.description
                == "malformed (type: byte 6: expected a field's type in parentheses, found 0x68)")
    }

    @Test("each cause has its own word")
    func causes() throws {
        let authenticator = try Authenticator(.sha1)
        let carriers: [Envelope.Carrier] = [
            .datagram(classicInnerAuth: true), .datagram(classicInnerAuth: false), .serial,
        ]
        for carrier in carriers {
            let bytes = try Envelope.encode(message, for: carrier, authenticator: authenticator)
            #expect(try reason(bytes) == nil)
            #expect(try reason(bytes, .one(3, .sha1, "another")) == .badSignature(3))
            #expect(try reason(bytes, .one(4, .sha1, "secret-sha1-key")) == .unknownKey(3))
            for count in 4..<bytes.count - 1 {
                let word = try reason(Array(bytes[..<count]))?.word
                #expect(word == "truncated" || word == "unsigned", "cut at \(count)")
            }
        }
        let unsigned = [try encoded(message), try classicText(message)]
        for bytes in unsigned { #expect(try reason(bytes) == .unsigned) }
        #expect(try reason(Array("###\n999999:(0)t=x,%%%\n".utf8))?.word == "oversized")
        #expect(try reason(Array("###\n".utf8) + [UInt8](repeating: 48, count: 262_144))?.word == "oversized")
        #expect(try reason(Array(">>>\n".utf8) + [UInt8](repeating: 48, count: 262_144))?.word == "oversized")
        #expect(
            RejectReason.words == [
                "garbage", "truncated", "oversized", "malformed", "unsigned", "unknown-key", "bad-signature",
            ])
    }

    @Test("the inner auth of a datagram proves nothing without the trailer")
    func innerAuthAlone() throws {
        let authenticator = try Authenticator(.sha1)
        let bytes = try Envelope.encode(message, for: .datagram(classicInnerAuth: true), authenticator: authenticator)
        let outline = try NetstringCodec.outline(of: bytes)
        #expect(try reason(Array(bytes[outline.covered])) == .unsigned)
    }

    @Test("W13: keys change with a new authenticator; a listed old key still verifies")
    func rotation() throws {
        let old = AuthKey(number: 1, method: .sha1, secret: Array("old".utf8))
        let new = AuthKey(number: 2, method: .sha256, secret: Array("new".utf8))
        let before = try Authenticator(AuthKeys(signing: 1, keys: [old]))
        let during = try Authenticator(AuthKeys(signing: 1, keys: [old, new]))
        let after = try Authenticator(AuthKeys(signing: 2, keys: [old, new]))
        let finished = try Authenticator(AuthKeys(signing: 2, keys: [new]))
        for sender in [before, during, after] {
            let bytes = try Envelope.encode(message, for: .serial, authenticator: sender)
            for receiver in [during, after] {
                #expect(try Envelope.open(bytes, authenticator: receiver) == message)
            }
        }
        let bytes = try Envelope.encode(
            message, for: .datagram(classicInnerAuth: true), authenticator: during)
        #expect(throws: RejectReason.unknownKey(1)) { try Envelope.open(bytes, authenticator: finished) }
    }

    @Test("W20: what a datagram cannot hold goes out compressed, and comes in as it was; noise does not fit either way")
    func tooLongForDatagram() throws {
        let authenticator = try Authenticator(.sha1)
        var random = RandomSource(seed: 9)
        let noise = HAMessage([
            Field("a", .binary((0..<65_500).map { _ in UInt8.random(in: 0...255, using: &random) })),
        ])
        let large = HAMessage([
            Field("t", .string(Array("x".utf8))), Field("a", .binary([UInt8](repeating: 1, count: 400_000))),
        ])
        let carriers: [Envelope.Carrier] = [
            .datagram(classicInnerAuth: false), .datagram(classicInnerAuth: true), .serial,
        ]
        for carrier in carriers {
            let bytes = try Envelope.encode(large, for: carrier, authenticator: authenticator)
            #expect(bytes.count < 2000)
            #expect(try Envelope.open(bytes, authenticator: authenticator) == large)
        }
        #expect(throws: WireError.self) {
            try Envelope.encode(noise, for: .datagram(classicInnerAuth: false), authenticator: authenticator)
        }
        let bytes = try Envelope.encode(noise, for: .serial, authenticator: authenticator)
        #expect(try Envelope.open(bytes, authenticator: authenticator) == noise)
        let empty = HAMessage([Field("a", .string([]))])
        #expect(throws: WireError.self) {
            try Envelope.encode(empty, for: .serial, authenticator: authenticator)
        }
    }
}
