// Any message comes back from either format as it was.
import ClusterModel
import Digests
import Fuzzing
import Messaging
import Testing

@Suite("Round trips")
struct RoundTripTests {
    @Test("random messages come back from netstring text")
    func netstring() throws {
        var generator = MessageGenerator(seed: 0x5EED_0001)
        for _ in 0..<2000 {
            let message = generator.message(classic: false)
            let bytes = try encoded(message)
            let decoded = try NetstringCodec.decode(bytes)
            #expect(decoded.message == message)
            #expect(decoded.outline.covered == 0..<bytes.count)
            #expect(decoded.outline.signature == nil)
        }
    }

    @Test("random messages come back from classic text")
    func classic() throws {
        var generator = MessageGenerator(seed: 0x5EED_0002)
        for _ in 0..<2000 {
            let message = generator.message(classic: true)
            #expect(try ClassicCodec.decode(try classicText(message)) == message)
        }
    }

    @Test("random messages come back from every carrier under every method")
    func envelopes() throws {
        var generator = MessageGenerator(seed: 0x5EED_0003)
        for method in DigestMethod.allCases {
            let authenticator = try Authenticator(.one(15, method, "a secret"))
            for _ in 0..<100 {
                let message = generator.message(classic: true, compressed: false)
                for carrier: Envelope.Carrier in [
                    .datagram(classicInnerAuth: true), .datagram(classicInnerAuth: false), .serial,
                ] {
                    let bytes = try Envelope.encode(message, for: carrier, authenticator: authenticator)
                    #expect(try Envelope.open(bytes, authenticator: authenticator) == message)
                }
            }
        }
    }

    @Test("whatever is read from damaged netstring text is written as text with the same meaning")
    func damagedNetstring() throws {
        var generator = MessageGenerator(seed: 0x5EED_0004)
        var readable = 0
        for _ in 0..<3000 {
            let bytes = generator.damaged(try encoded(generator.message(classic: false)))
            guard let message = try? NetstringCodec.decode(bytes).message else { continue }
            readable += 1
            #expect(try NetstringCodec.decode(try encoded(message)).message == message)
        }
        #expect(readable > 100)
    }

    @Test("whatever is read from damaged classic text is written as text with the same meaning")
    func damagedClassic() throws {
        var generator = MessageGenerator(seed: 0x5EED_0005)
        var readable = 0
        for _ in 0..<3000 {
            let bytes = generator.damaged(try classicText(generator.message(classic: true)))
            guard let message = try? ClassicCodec.decode(bytes) else { continue }
            readable += 1
            #expect(try ClassicCodec.decode(try classicText(message)) == message)
        }
        #expect(readable > 100)
    }
}
