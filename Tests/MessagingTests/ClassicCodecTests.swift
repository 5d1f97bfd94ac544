// The classic text byte by byte, and every way in which it can be wrong.
import Messaging
import Testing

@Suite("Classic text")
struct ClassicCodecTests {
    private let depthSymbols: [UInt8] = [20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 15, 16, 17, 18]

    @Test("W2, W3, W7: every type of field is written and read")
    func types() throws {
        let message = HAMessage([
            Field("t", .string(Array("sta=tus".utf8))),
            Field("info", .string(Array("two\nlines".utf8))),
            Field("b", .binary([0, 1, 2, 255])),
            Field("l", .list([[97], []])),
            Field("z", .compressed([0x78])),
        ])
        let expected = ">>>\nt=sta=tus\ninfo=two\u{13}lines\n(1)b=AAEC/w==\n(3)l=1:a,0:,\n(4)z=eA==\n<<<\n"
        #expect(text(try classicText(message)) == expected)
        #expect(try ClassicCodec.decode(Array(expected.utf8)) == message)
    }

    @Test("W8: messages in messages end their lines with the symbols of their depth")
    func nesting() throws {
        let inner = HAMessage([Field("c", .string(Array("x\ny".utf8)))])
        let middle = HAMessage([Field("b", .message(inner)), Field("d", .string([122]))])
        let message = HAMessage([Field("a", .message(middle)), Field("e", .string([119]))])
        let expected = """
            >>>
            (2)a=>>>\u{14}(2)b=>>>\u{15}c=x\u{13}y\u{15}<<<\u{15}\u{14}d=z\u{14}<<<\u{14}
            e=w
            <<<

            """
        #expect(text(try classicText(message)) == expected)
        #expect(try ClassicCodec.decode(Array(expected.utf8)) == message)
        #expect(
            try ClassicCodec.decode(Array(expected.replacing(prefix: ">>>\n(2)", with: ">>>\n(5)").utf8)) == message)
    }

    @Test("16 levels are the most, each with its own symbol")
    func deepest() throws {
        var message = HAMessage([Field("z", .string([120]))])
        for _ in 0..<16 { message = HAMessage([Field("m", .message(message))]) }
        let bytes = try classicText(message)
        #expect(
            bytes.filter { $0 < 32 && $0 != 10 }.reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
                == depthSymbols)
        #expect(try ClassicCodec.decode(bytes) == message)
        let deeper = HAMessage([Field("m", .message(message))])
        #expect(wireError { () throws(WireError) in _ = try classicText(deeper) }?.kind == .nesting)

        var text: [UInt8] = Array("m=>>>".utf8)
        for symbol in depthSymbols.reversed() { text = Array("(2)m=>>>".utf8) + [symbol, 40, 50, 41] + text }
        let error = wireError { () throws(WireError) in _ = try ClassicCodec.decode(Array(">>>\n".utf8) + text + [10]) }
        #expect(error?.kind == .truncated)
    }

    @Test("empty lines, and anything after '<<<', are passed over")
    func lenient() throws {
        let expected = HAMessage([Field("t", .string([120]))])
        for text in [">>>\n\n\nt=x\n\n<<<\n", ">>>\nt=x\n<<<\n\0", ">>>\nt=x\n<<<\n\0\0more", ">>>\n(0)t=x\n<<<\n"] {
            #expect(try ClassicCodec.decode(Array(text.utf8)) == expected)
        }
        #expect(try ClassicCodec.decode(Array(">>>\n<<<\n".utf8)) == HAMessage())
    }

    @Test(
        "wrong text is refused with the byte that is wrong",
        arguments: [
            BadText("", .truncated, at: 0),
            BadText(">>", .truncated, at: 2),
            BadText("###\n%%%\n", .syntax, at: 0, found: "#"),
            BadText(">>>", .truncated, at: 3),
            BadText(">>> \n", .syntax, at: 3, found: " "),
            BadText(">>>\n", .truncated, at: 4),
            BadText(">>>\nt=x\n", .truncated, at: 8),
            BadText(">>>\nt=x\n<<<", .truncated, at: 11),
            BadText(">>>\nt=x\0\n<<<\n", .truncated, at: 7, found: "\0"),
            BadText(">>>\nt=x\n\0<<<\n", .truncated, at: 8, found: "\0"),
            BadText(">>>\nhello\n<<<\n", .syntax, at: 9),
            BadText(">>>\n=x\n<<<\n", .name, at: 4, found: "="),
            BadText(">>>\nt=\n<<<\n", .value, at: 6),
            BadText(">>>\n(1)t=\n<<<\n", .value, at: 9),
            BadText(">>>\na\tb=x\n<<<\n", .name, at: 5, found: "\t"),
            BadText(">>>\n\(String(repeating: "n", count: 129))=x\n<<<\n", .name, at: 4),
            BadText(">>>\n(x)t=x\n<<<\n", .type, at: 5, found: "x"),
            BadText(">>>\n(6)t=x\n<<<\n", .type, at: 5, found: "6"),
            BadText(">>>\n(1t=x\n<<<\n", .type, at: 6, found: "t"),
            BadText(">>>\n(\n<<<\n", .type, at: 4, found: "("),
            BadText(">>>\n(1)=eA==\n<<<\n", .name, at: 7, found: "="),
            BadText(">>>\n(1)(t=eA==\n<<<\n", .name, at: 7, found: "("),
            BadText(">>>\n(1)t=eA=\n<<<\n", .value, at: 12),
            BadText(">>>\n(1)t=e===\n<<<\n", .value, at: 10, found: "="),
            BadText(">>>\n(1)t=e?==\n<<<\n", .value, at: 10, found: "?"),
            BadText(">>>\n(1)t=eA==eA==\n<<<\n", .value, at: 11, found: "="),
            BadText(">>>\n(1)t=eB==\n<<<\n", .value, at: 10),
            BadText(">>>\n(4)t=eAB=\n<<<\n", .value, at: 11),
            BadText(">>>\n(3)t=2:a,\n<<<\n", .truncated, at: 9),
            BadText(">>>\n(3)t=1:ab\n<<<\n", .syntax, at: 12, found: "b"),
            BadText(">>>\n(2)t=x\n<<<\n", .syntax, at: 9, found: "x"),
            BadText(">>>\n(2)t=>>>\u{14}\n<<<\n", .truncated, at: 13),
            BadText(">>>\n(2)t=>>>\u{15}<<<\u{15}\n<<<\n", .syntax, at: 12, found: "\u{15}"),
            BadText(">>>\n(2)t=>>>\u{14}<<<\u{14}x\n<<<\n", .syntax, at: 17, found: "x"),
        ])
    func badText(_ bad: BadText) {
        let error = wireError { () throws(WireError) in _ = try ClassicCodec.decode(bad.bytes) }
        #expect(bad.matches(error), "\(error.map(\.description) ?? "no error")")
    }

    @Test("more than 1024 fields, or 262144 bytes, are refused")
    func limits() throws {
        let text = Array((">>>\n" + String(repeating: "a=x\n", count: 1025) + "<<<\n").utf8)
        let error = wireError { () throws(WireError) in _ = try ClassicCodec.decode(text) }
        #expect(error?.kind == .fields)
        let long = Array(">>>\na=".utf8) + [UInt8](repeating: 120, count: 262_144 - 11) + Array("\n<<<\n".utf8)
        #expect(try ClassicCodec.decode(long).fields.count == 1)
        #expect(wireError { () throws(WireError) in _ = try ClassicCodec.decode(long + [0]) }?.kind == .oversized)
        let longer = HAMessage([Field("a", .string([UInt8](repeating: 120, count: 262_144 - 10)))])
        #expect(wireError { () throws(WireError) in _ = try classicText(longer) }?.kind == .oversized)
    }

    @Test("W8: what classic text cannot express is not written")
    func unwritable() {
        let values: [FieldValue] = [
            .string([]), .binary([]), .compressed([]), .list([]), .list([[10]]), .list([[0]]), .string([0]),
            .message(HAMessage([Field("a", .string([120, 20]))])),
            .message(HAMessage([Field("a", .string([]))])),
        ]
        for value in values {
            var writer = ByteWriter()
            writer.append("kept")
            let message = HAMessage([Field("ok", .string([120])), Field("a", value)])
            #expect(
                wireError { () throws(WireError) in try ClassicCodec.encode(message, into: &writer) }?.kind == .value)
            #expect(text(writer.bytes) == "kept")
        }
    }

    @Test("W9: the body leaves out auth and the enclosing lines; the last auth counts")
    func body() throws {
        let signed = ">>>\nauth=1 a\nt=x\n\n(1)b=eA==\nauth=3 bc\nz=y\n<<<\n"
        let outline = try ClassicCodec.outline(of: Array(signed.utf8))
        #expect(text(outline.covered) == "t=x\n(1)b=eA==\nz=y\n")
        #expect(outline.signature == Signature(key: 3, digest: Array("bc".utf8)))
        var writer = ByteWriter()
        try ClassicCodec.encodeBody(try ClassicCodec.decode(Array(signed.utf8)), into: &writer)
        #expect(writer.bytes == outline.covered)
        #expect(try ClassicCodec.outline(of: Array(">>>\nt=x\n<<<\n".utf8)).signature == nil)
    }

    @Test(
        "a wrong auth field is refused with the byte that is wrong",
        arguments: [
            BadText(">>>\nauth=\n<<<\n", .signature, at: 9),
            BadText(">>>\nauth=x\n<<<\n", .signature, at: 9, found: "x"),
            BadText(">>>\nauth=1\n<<<\n", .signature, at: 10),
            BadText(">>>\nauth=1 \n<<<\n", .signature, at: 11),
        ])
    func badAuth(_ bad: BadText) {
        #expect(bad.matches(wireError { () throws(WireError) in _ = try ClassicCodec.outline(of: bad.bytes) }))
    }

    @Test("W10: the format is told by the first four bytes")
    func detection() {
        #expect(WireFormat.detect(Array("###\n%%%\n".utf8)[...]) == .netstring)
        #expect(WireFormat.detect(Array(">>>\n<<<\n".utf8)[...]) == .classic)
        for text in ["", "###", ">>>", "### ", ">>>\r\n", "\n###\n", "hello", "<<<\n"] {
            #expect(WireFormat.detect(Array(text.utf8)[...]) == nil)
        }
    }
}

extension String {
    fileprivate func replacing(prefix: String, with other: String) -> String {
        hasPrefix(prefix) ? other + dropFirst(prefix.count) : self
    }
}
