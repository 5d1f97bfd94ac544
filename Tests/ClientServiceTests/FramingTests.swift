import ClusterModel
import Messaging
import Privsep
import Testing

@testable import ClientService

@Suite("A client's bytes")
struct FramingTests {
    private let text = Array(">>>\nt=hbapi-req\nreqtype=signon\n<<<\n".utf8)

    @Test("a frame is read back, whole or byte by byte, alone or with others")
    func roundTrip() throws {
        let frame = ClientFraming.frame(text)
        #expect(Array(frame.prefix(8)) == [UInt8(text.count + 1), 0, 0, 0, 0xCD, 0xAB, 0, 0])
        var framing = ClientFraming()
        #expect(try framing.accept((frame + frame)[...]) == [text + [0], text + [0]])
        var texts: [[UInt8]] = []
        for byte in frame { texts += try framing.accept([byte]) }
        #expect(texts == [text + [0]])
        let message = try #require(ClientFraming.message(texts[0]))
        #expect(message.text("reqtype") == "signon")
    }

    @Test("netstring text is understood too, and what is neither is no message")
    func formats() throws {
        var message = HAMessage()
        message.append("t", "hello")
        var writer = ByteWriter()
        try NetstringCodec.encode(message, into: &writer)
        #expect(ClientFraming.message(writer.bytes) == message)
        for text in ["", "hello", ">>>", ">>>\nt\n<<<\n", "###\n5:hello,%%%\n"] {
            #expect(ClientFraming.message(Array(text.utf8)) == nil, "\(text)")
        }
    }

    @Test("a header that lies ends the reading", arguments: [
        [0, 0, 0, 0, 0xCD, 0xAB, 0, 0], [0xFF, 0xFF, 0xFF, 0xFF, 0xCD, 0xAB, 0, 0],
        [1, 0x40, 0, 0, 0xCD, 0xAB, 0, 0], [5, 0, 0, 0, 0xCE, 0xAB, 0, 0],
    ] as [[UInt8]])
    func lies(header: [UInt8]) {
        var framing = ClientFraming()
        #expect(throws: FramingLost.self) { try framing.accept((header + text)[...]) }
    }

    @Test("random bytes and bent frames never do more than end the reading")
    func fuzz() {
        var random = RandomSource(seed: 11)
        let frame = ClientFraming.frame(text)
        for _ in 0..<20_000 {
            var framing = ClientFraming()
            var bytes = frame + frame
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            let texts = (try? framing.accept(bytes[...])) ?? []
            for text in texts { _ = ClientFraming.message(text) }
            #expect(texts.count <= 3)
        }
    }

    @Test("an answer's values cannot smuggle in lines, and may be empty")
    func answers() {
        var text = ClientText()
        text.add("site", "")
        text.add("info", "a\n<<<\nb")
        #expect(text.bytes == Array(">>>\nsite=\ninfo=a\u{13}<<<\u{13}b\n".utf8))
        var binary = ClientText()
        binary.add("queryuuid", binary: [UInt8](repeating: 0, count: 16))
        #expect(String(decoding: binary.bytes, as: UTF8.self) == ">>>\n(1)queryuuid=AAAAAAAAAAAAAAAAAAAAAA==\n")
    }
}
