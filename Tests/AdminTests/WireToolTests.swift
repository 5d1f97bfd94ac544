// `hb wire` as its users call it: hexadecimal text, files of packets of every kind, a live interface.
import CLinux
import ClusterModel
import Compression
import Digests
import Fuzzing
import LinuxSystem
import Messaging
import Testing

@Suite struct WireToolTests {
    private static let keys = "auth 3\n1 crc\n3 sha1 secret-sha1-key\n"

    private func run(_ words: [String], input: String = "", keys: String = keys) throws -> ToolOutcome {
        let folder = try TemporaryFolder()
        try folder.write("authkeys", keys, mode: 0o600)
        try folder.write("input", input)
        return try RunningTool("hb", ["wire", "--config-dir", folder.path] + words, in: folder, input: "input").end()
    }

    private static func signed(_ message: HAMessage) throws -> [UInt8] {
        let key = AuthKey(number: 3, method: .sha1, secret: Array("secret-sha1-key".utf8))
        let authenticator = try Authenticator(AuthKeys(signing: 3, keys: [key]))
        return try Envelope.encode(message, for: .datagram(classicInnerAuth: false), authenticator: authenticator)
    }

    private static func hexadecimal(_ bytes: [UInt8]) -> String {
        var writer = ByteWriter()
        writer.append(hexadecimal: bytes)
        return String(decoding: writer.bytes, as: UTF8.self)
    }

    private static let status: HAMessage = {
        var message = HAMessage()
        for (name, value) in [("t", "status"), ("st", "active"), ("src", "alpha")] { message.append(name, value) }
        return message
    }()

    @Test(
        "the recorded traffic of heartbeat 3.0.6 is decoded and verified, line by line",
        arguments: ["s1-crc-bcast", "s3-sha1-bcast-failback-off", "s4-sha1-bcast-netstring", "s7-sha1-mcast-ping"])
    func captures(_ name: String) throws {
        let text = String(decoding: try CaptureFile.read(name + ".txt"), as: UTF8.self)
        let outcome = try run(["--hex"], input: text)
        #expect(outcome.status == 0)
        #expect(outcome.errors == "")
        let lines = outcome.output.split(separator: "\n")
        #expect(lines.count == text.split(separator: "\n").count - 1)
        #expect(lines.allSatisfy { $0.contains("  ok (key ") })
        #expect(lines[0].contains("  t=status st=init dt=bb8 protocol=1 src=node-"))
    }

    @Test("a line tells where the message was, the verdict and the fields; values that are unclear are quoted")
    func lines() throws {
        var message = WireToolTests.status
        message.append("info", "two words\n\"\\")
        message.append("empty", "")
        message.append("srcuuid", binary: Array(0..<16))
        message.append(Field("b", .binary([1, 255])))
        message.append(Field("l", .list([Array("a".utf8), Array("b c".utf8)])))
        message.append(Field("m", .message(HAMessage([Field("x", .string([121]))]))))
        let digits = WireToolTests.hexadecimal(try WireToolTests.signed(message))
        let expected = #"ok (key 3)  t=status st=active src=alpha info="two words\x0a\"\\" empty="" "#
            + #"srcuuid=00010203-0405-0607-0809-0a0b0c0d0e0f b=0x01ff l=[a "b c"] m={x=y}"#
        let spaced = stride(from: 0, to: digits.count, by: 2).map { digits.dropFirst($0).prefix(2) }
            .joined(separator: " ").uppercased()
        let input = "# a comment\n\n \t \n\(digits)\n  \(spaced)  \r\n12:00:01\teth0\t\(digits)\n"
        let outcome = try run(["--hex"], input: input)
        #expect(
            outcome
                == ToolOutcome(
                    status: 0,
                    output: "line 4  \(expected)\nline 5  \(expected)\nline 6  12:00:01 eth0  \(expected)\n",
                    errors: ""))
        #expect(try run(["--hex", "-c", "1"], input: input).output == "line 4  \(expected)\n")
    }

    @Test("JSON has all of it in one object a line")
    func json() throws {
        var message = WireToolTests.status
        message.append(Field("b", .binary([1, 255])))
        message.append(Field("l", .list([Array("a".utf8)])))
        message.append(Field("m", .message(HAMessage([Field("x", .string([121]))]))))
        let bytes = try WireToolTests.signed(message)
        let outcome = try run(["--hex", "--json"], input: "eth0\t" + WireToolTests.hexadecimal(bytes))
        #expect(outcome.status == 0)
        let expected = """
            {"line": 1, "label": "eth0", "bytes": \(bytes.count), "format": "netstring", "key": 3, "verified": true, \
            "problem": null, "fields": [{"name": "t", "type": "string", "value": "status"}, \
            {"name": "st", "type": "string", "value": "active"}, {"name": "src", "type": "string", "value": "alpha"}, \
            {"name": "b", "type": "binary", "value": "01ff"}, {"name": "l", "type": "list", "value": ["a"]}, \
            {"name": "m", "type": "message", "value": [{"name": "x", "type": "string", "value": "y"}]}]}

            """
        #expect(outcome.output == expected)
        let refused = try run(["--hex", "--json"], input: "68656c6c6f")
        #expect(refused.status == 1)
        #expect(
            refused.output == """
                {"line": 1, "bytes": 5, "format": null, "key": null, "verified": false, "problem": "garbage", \
                "fields": null}

                """)
    }

    @Test("compressed messages are shown as if they were not")
    func compressed() throws {
        var writer = ByteWriter()
        try NetstringCodec.encode(WireToolTests.status, into: &writer)
        let wrapped = MessageExpansion.wrapped(try Compression.compress(writer.bytes, .bz2), .bz2)
        let outcome = try run(["--hex"], input: WireToolTests.hexadecimal(try WireToolTests.signed(wrapped)))
        #expect(outcome.output == "line 1  ok (key 3)  t=status st=active src=alpha\n")
    }

    @Test("what cannot be decoded or verified is shown with the reason, and exits with 1")
    func refused() throws {
        let bytes = try WireToolTests.signed(WireToolTests.status)
        let good = WireToolTests.hexadecimal(bytes)
        let cut = WireToolTests.hexadecimal(Array(bytes.dropLast(60)))
        let unsigned = WireToolTests.hexadecimal(Array("###\n6:(0)t=x,%%%\n".utf8))
        let mixed = try run(["--hex"], input: [good, cut, unsigned, good].joined(separator: "\n"))
        #expect(mixed.status == 1)
        let lines = mixed.output.split(separator: "\n")
        #expect(lines.count == 4)
        #expect(lines[0].hasPrefix("line 1  ok"))
        #expect(lines[1].hasPrefix("line 2  REFUSED: truncated ("))
        #expect(lines[2] == "line 3  REFUSED: unsigned  t=x")
        #expect(lines[3].hasPrefix("line 4  ok"))
        let other = try run(["--hex"], input: good, keys: "auth 3\n3 sha1 another\n")
        #expect(other.output == "line 1  REFUSED: bad-signature (key 3)  t=status st=active src=alpha\n")
        #expect(other.status == 1)
        let unasked = try run(["--hex", "--no-verify"], input: good + "\n" + unsigned)
        #expect(
            unasked
                == ToolOutcome(
                    status: 0,
                    output: "line 1  not verified  t=status st=active src=alpha\nline 2  not verified  t=x\n",
                    errors: ""))
    }

    @Test("wrong lines are told with line and column, and the others are still read")
    func wrongLines() throws {
        let good = WireToolTests.hexadecimal(try WireToolTests.signed(WireToolTests.status))
        let outcome = try run(["--hex"], input: "23 2\n2 323\nhello 2323\n12:00:01 2323\n\t\u{e9}\n\(good)\n")
        #expect(outcome.status == 1)
        #expect(outcome.output.hasPrefix("line 6  ok"))
        let advice = "not a hexadecimal digit; what is no message must stand before a tab"
        #expect(
            outcome.errors == """
                hb wire: line 1: column 4: half a byte
                hb wire: line 2: column 2: a blank within a byte
                hb wire: line 3: column 1: \(advice)
                hb wire: line 4: column 3: \(advice)
                hb wire: line 5: column 2: \(advice)

                """)
    }

    @Test(
        "wrong command lines and keys are refused with 2",
        arguments: [
            ([], "one of -i INTERFACE, --hex and a FILE is needed"),
            (["--hex", "file"], "one of -i INTERFACE, --hex and a FILE is needed"),
            (["--hex", "--keys", "a", "--no-verify"], "--keys and --no-verify exclude each other"),
            (["--hex", "--port", "0"], "--port takes a number, not '0'"),
            (["--hex", "-c", "many"], "--count takes a number, not 'many'"),
            (["a", "b"], "unexpected word 'b'"),
            (
                ["--hex", "--keys", "/hbe-none"],
                "/hbe-none cannot be read (--keys FILE names another, --no-verify does without)"
            ),
        ] as [([String], String)])
    func usage(words: [String], text: String) throws {
        let outcome = try run(words)
        #expect(outcome.status == 2)
        #expect(outcome.errors.split(separator: "\n").first.map(String.init) == "hb wire: \(text)")
        #expect(try run(["--hex"], keys: "auth 1\n").status == 2)
        #expect(try run(["--hex"], keys: "auth 1\n1 crc\n").status == 0, "an empty input is right")
    }
}
