// heartbeat 3.0.6's own bytes: read, verified, written again to the same bytes.
import Digests
import Fuzzing
import Messaging
import Testing

@Suite("Recorded traffic of heartbeat 3.0.6")
struct CaptureTests {
    @Test("W4, W5, W15, W21: every datagram is read, verified and written back byte for byte", arguments: Capture.all)
    func datagrams(_ capture: Capture) throws {
        let authenticator = try Authenticator(capture.keys)
        let messages = try capture.messages()
        #expect(messages.count == capture.count)
        for bytes in messages {
            let message = try Envelope.open(bytes, authenticator: authenticator)
            #expect(message[Wire.FieldName.auth] == nil)
            let again = try Envelope.encode(
                message, for: .datagram(classicInnerAuth: capture.isClassic), authenticator: authenticator)
            #expect(again == bytes)
        }
    }

    @Test("every datagram with one bit changed is refused", arguments: Capture.all)
    func changedDatagrams(_ capture: Capture) throws {
        let authenticator = try Authenticator(capture.keys)
        for (number, bytes) in try capture.messages().enumerated() {
            var changed = bytes
            changed[number % bytes.count] ^= 1 << UInt8(number % 8)
            #expect(throws: RejectReason.self) { try Envelope.open(changed, authenticator: authenticator) }
        }
    }

    @Test(
        "W7, W9: a serial line's stream is cut into its messages, each verified and written back",
        arguments: [
            ("s6-serial.a2b.raw", 167, "node-a"), ("s6-serial.b2a.raw", 147, "node-b"),
        ])
    func serial(file: String, count: Int, node: String) throws {
        let authenticator = try Authenticator(.sha1)
        let stream = try CaptureFile.read(file)
        var framer = StreamFramer()
        var messages: [[UInt8]] = []
        for start in stride(from: 0, to: stream.count, by: 37) {
            messages += framer.accept(stream[start..<min(start + 37, stream.count)])
        }
        #expect(messages.count == count)
        #expect(framer.discardedBytes == 0)
        #expect(framer.pendingBytes == 0)
        #expect(Array(messages.joined()) == stream)
        for bytes in messages {
            let message = try Envelope.open(bytes, authenticator: authenticator)
            #expect(message.text(Wire.FieldName.source) == node)
            #expect(try Envelope.encode(message, for: .serial, authenticator: authenticator) == bytes)
        }
    }

    @Test("the first status message says what is known of it")
    func firstStatus() throws {
        let capture = try #require(Capture.all.first)
        let bytes = try #require(try capture.messages().first)
        let message = try Envelope.open(bytes, authenticator: try Authenticator(capture.keys))
        #expect(
            message.fields.map(\.name) == [
                "t", "st", "dt", "protocol", "src", "srcuuid", "seq", "hg", "ts", "ld", "ttl",
            ])
        #expect(message.text(Wire.FieldName.type) == "status")
        #expect(message.text(Wire.FieldName.status) == "init")
        #expect(message.number(Wire.FieldName.deadtime, radix: 16) == 3000)
        #expect(message.number(Wire.FieldName.sequence, radix: 16) == 1)
        #expect(message.number(Wire.FieldName.generation, radix: 16) == 0x6B00_F81C)
        #expect(message.number(Wire.FieldName.timeToLive, radix: 10) == 3)
        #expect(message.text(Wire.FieldName.load) == "0.42 0.58 0.28 4/145 35")
        #expect(message.binary(Wire.FieldName.sourceUUID)?.count == 16)
    }

    @Test(
        "W2, W3, W4, W7, W8, W16: what heartbeat's own library writes is read, and written to the same bytes",
        arguments: [0, 1, 3, 15, 16])
    func shapes(_ depth: Int) throws {
        var message: HAMessage?
        for level in (0...depth).reversed() {
            var outer = HAMessage()
            outer.append("t", "level\(level)")
            outer.append("info", "two\nlines")
            outer.append("b", binary: [0, 10, 20, 255])
            outer.append(Field("l", .list([Array("one".utf8), Array("two,3:x".utf8)])))
            if let message { outer.append(Field("m", .message(message))) }
            message = outer
        }
        let expected = try #require(message)
        let netstring = try CaptureFile.hexadecimal("shapes.txt", label: "netstring-\(depth)")
        #expect(try NetstringCodec.decode(netstring).message == expected)
        #expect(try encoded(expected) == netstring)
        #expect(try encoded(try NetstringCodec.decode(netstring).message) == netstring)
        let classic = try CaptureFile.hexadecimal("shapes.txt", label: "classic-\(depth)")
        #expect(try ClassicCodec.decode(classic) == expected)
        #expect(try classicText(expected) == classic)
    }
}
