// Hostile bytes: nothing may trap, nothing may grow, and nothing unsigned may come through.
import ClusterModel
import Digests
import Fuzzing
import Messaging
import Testing

@Suite("Hostile bytes")
struct FuzzTests {
    /// Real messages and generated ones of both formats.
    private func corpus(_ generator: inout MessageGenerator) throws -> [[UInt8]] {
        var texts: [[UInt8]] = []
        for capture in Capture.all { texts += try capture.messages().prefix(20) }
        texts += [Array(try CaptureFile.read("s6-serial.a2b.raw").prefix(618))]
        for _ in 0..<40 {
            let message = generator.message(classic: true)
            texts += [try encoded(message), try classicText(message)]
        }
        return texts
    }

    @Test("both decoders and the framer survive damaged messages")
    func damaged() throws {
        var generator = MessageGenerator(seed: 0x5EED_0007)
        let corpus = try corpus(&generator)
        let authenticator = try Authenticator(.sha1)
        var framer = StreamFramer()
        var fed = 0
        var framed = 0
        for round in 0..<16_000 {
            let original = corpus[round % corpus.count]
            let bytes = generator.damaged(original)
            _ = try? NetstringCodec.outline(of: bytes)
            _ = try? NetstringCodec.decode(bytes)
            _ = try? ClassicCodec.outline(of: bytes)
            _ = try? ClassicCodec.decode(bytes)
            if bytes != original, let message = try? Envelope.open(bytes, authenticator: authenticator) {
                // Bytes after the digest, and lines without content, are not covered.
                let whole = try Envelope.open(original, authenticator: authenticator)
                #expect(message == whole)
            }
            fed += bytes.count
            framed += framer.accept(bytes[...]).joined().count
            #expect(framer.pendingBytes <= WireLimit.messageSize)
        }
        #expect(fed == framed + framer.pendingBytes + Int(framer.discardedBytes))
    }

    @Test("random bytes behind a valid start do no harm")
    func random() throws {
        var generator = MessageGenerator(seed: 0x5EED_0008)
        var framer = StreamFramer()
        for round in 0..<30_000 {
            let bytes = Array((round.isMultiple(of: 2) ? "###\n" : ">>>\n").utf8) + generator.bytes(0...60)
            _ = try? NetstringCodec.decode(bytes)
            _ = try? ClassicCodec.decode(bytes)
            _ = framer.accept(bytes[...])
        }
        #expect(framer.pendingBytes <= WireLimit.messageSize)
    }
}
