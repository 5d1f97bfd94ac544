// The netstring text byte by byte, and every way in which it can be wrong.
import Messaging
import Testing

/// A text and what is wrong with it.
struct BadText: CustomTestStringConvertible, Sendable {
    let text: String
    let kind: WireError.Kind
    let offset: Int
    let found: UInt8?

    init(_ text: String, _ kind: WireError.Kind, at offset: Int, found: Character? = nil) {
        self.text = text
        self.kind = kind
        self.offset = offset
        self.found = found?.asciiValue
    }

    var bytes: [UInt8] { Array(text.utf8) }
    var testDescription: String { text.debugDescription.prefix(60) + " (\(text.utf8.count) bytes)" }

    /// Whether an error is the expected one; its words are free.
    func matches(_ error: WireError?) -> Bool {
        error?.kind == kind && error?.offset == offset && error?.found == found
    }
}

func wireError(_ body: () throws(WireError) -> Void) -> WireError? {
    do {
        try body()
        return nil
    } catch {
        return error
    }
}

/// `###`, fields, `%%%`.
private func netstring(_ fields: String) -> String { "###\n\(fields)%%%\n" }

/// A field of any type with its length.
private func field(_ type: Int, _ name: String, _ value: String) -> String {
    let content = "(\(type))\(name)=\(value)"
    return "\(content.utf8.count):\(content),"
}

private func nested(_ levels: Int) -> String {
    levels == 0 ? netstring("") : netstring(field(2, "m", nested(levels - 1)))
}

@Suite("Netstring text")
struct NetstringCodecTests {
    @Test("W2, W3, W4: every type of field is written and read")
    func types() throws {
        let message = HAMessage([
            Field("t", .string(Array("status".utf8))),
            Field("srcuuid", .binary([0, 10, 44, 255])),
            Field("m", .message(HAMessage([Field("a", .string([120]))]))),
            Field("l", .list([[1, 2], [], Array("c,:".utf8)])),
            Field("z", .compressed([0x78])),
            Field("e", .string([])),
        ])
        let bytes = try encoded(message)
        let expected: [UInt8] =
            Array("###\n11:(0)t=status,15:(1)srcuuid=".utf8) + [0, 10, 44, 255]
            + Array(",22:(2)m=###\n6:(0)a=x,%%%\n,19:(3)l=2:".utf8) + [1, 2]
            + Array(",0:,3:c,:,,6:(4)z=x,5:(0)e=,%%%\n".utf8)
        #expect(bytes == expected)
        #expect(try NetstringCodec.decode(bytes).message == message)
    }

    @Test("W2: type 5 is read as a nested message and written as type 2")
    func uncompressed() throws {
        let bytes = Array(netstring(field(5, "m", netstring(field(0, "a", "x")))).utf8)
        let message = try NetstringCodec.decode(bytes).message
        #expect(message.fields == [Field("m", .message(HAMessage([Field("a", .string([120]))])))])
        #expect(try encoded(message) == Array(netstring(field(2, "m", netstring(field(0, "a", "x")))).utf8))
    }

    @Test("W5: the outline names the covered bytes and the trailer, and decode agrees")
    func trailer() throws {
        let body = netstring(field(0, "t", "%%%\n"))
        let outline = try NetstringCodec.outline(of: Array((body + "10:1 9552c49c,").utf8))
        #expect(outline.covered == 0..<body.utf8.count)
        #expect(outline.signature == Signature(key: 1, digest: Array("9552c49c".utf8)))
        #expect(try NetstringCodec.decode(Array((body + "10:1 9552c49c,").utf8)).outline == outline)
    }

    @Test("W6: what 3.0.6 tolerates is tolerated: leading zeros, bytes before ':', bytes after the trailer")
    func lenient() throws {
        let expected = HAMessage([Field("t", .string([120]))])
        for text in ["###\n006:(0)t=x,%%%\n", "###\n6 abc:(0)t=x,%%%\n"] {
            #expect(try NetstringCodec.decode(Array(text.utf8)).message == expected)
        }
        let signed = Array("###\n6:(0)t=x,%%%\n03:1 a,12:3 b,\0".utf8)
        #expect(try NetstringCodec.outline(of: signed).signature == Signature(key: 1, digest: Array("a".utf8)))
        #expect(try NetstringCodec.outline(of: Array("###\n%%%\n\0".utf8)).signature == nil)
    }

    @Test(
        "wrong text is refused with the byte that is wrong",
        arguments: [
            BadText("", .truncated, at: 0),
            BadText("##", .truncated, at: 2),
            BadText(">>>\nt=x\n<<<\n", .syntax, at: 0, found: ">"),
            BadText("###\n", .truncated, at: 4),
            BadText("###\n%%", .truncated, at: 6),
            BadText("###\n%%%x", .syntax, at: 7, found: "x"),
            BadText("###\nx", .syntax, at: 4, found: "x"),
            BadText("###\n-1:(0)t=x,%%%\n", .syntax, at: 4, found: "-"),
            BadText("###\n6(0)t=x,%%%\n", .truncated, at: 5),
            BadText("###\n6", .truncated, at: 5),
            BadText("###\n6:", .truncated, at: 4),
            BadText("###\n6:(0)t=x", .truncated, at: 4),
            BadText("###\n7:(0)t=x,", .truncated, at: 4),
            BadText("###\n262144:(0)t=x,%%%\n", .truncated, at: 4),
            BadText("###\n262145:(0)t=x,%%%\n", .oversized, at: 4),
            BadText("###\n99999999999999999999999999:(0)t=x,%%%\n", .oversized, at: 4),
            BadText("###\n5:(0)t=x,%%%\n", .syntax, at: 11, found: "x"),
            BadText("###\n7:(0)t=x,%%%\n", .syntax, at: 13, found: "%"),
        ])
    func badFrames(_ bad: BadText) {
        #expect(bad.matches(wireError { () throws(WireError) in _ = try NetstringCodec.outline(of: bad.bytes) }))
        #expect(bad.matches(wireError { () throws(WireError) in _ = try NetstringCodec.decode(bad.bytes) }))
    }

    @Test(
        "wrong fields are refused with the byte that is wrong",
        arguments: [
            // This one ends the process of heartbeat 3.0.6.
            BadText("###\n5:hello,%%%\n", .type, at: 6, found: "h"),
            BadText("###\n0:,%%%\n", .type, at: 6),
            BadText("###\n1:(,%%%\n", .type, at: 6, found: "("),
            BadText("###\n5:(x)a=,%%%\n", .type, at: 7, found: "x"),
            BadText("###\n6:(6)a=x,%%%\n", .type, at: 7, found: "6"),
            BadText("###\n6:(0]a=x,%%%\n", .type, at: 8, found: "]"),
            BadText("###\n3:(0),%%%\n", .syntax, at: 9),
            BadText("###\n5:(0)ab,%%%\n", .syntax, at: 11),
            BadText("###\n5:(0)=x,%%%\n", .name, at: 9, found: "="),
            BadText("###\n7:(0)(a=x,%%%\n", .name, at: 9, found: "("),
            BadText("###\n7:(0)a\u{1}=x,%%%\n", .name, at: 10, found: "\u{1}"),
            BadText("###\n6:(0)a=\0,%%%\n", .value, at: 11, found: "\0"),
            BadText(netstring(field(0, String(repeating: "n", count: 129), "x")), .name, at: 11),
            BadText("###\n9:(2)a=%%%\n,%%%\n", .syntax, at: 11, found: "%"),
            BadText("###\n9:(2)a=###\n,%%%\n", .truncated, at: 15),
            BadText("###\n14:(2)a=###\n%%%\nx,%%%\n", .syntax, at: 20, found: "x"),
            BadText("###\n19:(2)a=###\n9:(0)a=x,,%%%\n", .truncated, at: 16),
            BadText("###\n6:(3)a=x,%%%\n", .syntax, at: 11, found: "x"),
            BadText("###\n8:(3)a=2:x,%%%\n", .truncated, at: 11),
            BadText("###\n9:(3)a=1:xy,%%%\n", .syntax, at: 14, found: "y"),
            BadText(netstring(field(3, "a", "1019:" + String(repeating: "x", count: 1019) + ",")), .value, at: 14),
        ])
    func badFields(_ bad: BadText) {
        let error = wireError { () throws(WireError) in _ = try NetstringCodec.decode(bad.bytes) }
        #expect(bad.matches(error), "\(error.map(\.description) ?? "no error")")
    }

    @Test(
        "a wrong trailer is refused with the byte that is wrong",
        arguments: [
            BadText("###\n%%%\n5", .truncated, at: 9),
            BadText("###\n%%%\n10:1 9552c49c", .truncated, at: 8),
            BadText("###\n%%%\n11:1 9552c49c,", .truncated, at: 8),
            BadText("###\n%%%\n9:1 9552c49c,", .syntax, at: 19, found: "c"),
            BadText("###\n%%%\n0:,", .signature, at: 10),
            BadText("###\n%%%\n3:x y,", .signature, at: 10, found: "x"),
            BadText("###\n%%%\n3:123,", .signature, at: 13),
            BadText("###\n%%%\n6:1234 a,", .signature, at: 13, found: "4"),
            BadText("###\n%%%\n2:1 ,", .signature, at: 12),
            BadText("###\n%%%\n131:1 \(String(repeating: "a", count: 129)),", .signature, at: 14),
        ])
    func badTrailers(_ bad: BadText) {
        let error = wireError { () throws(WireError) in _ = try NetstringCodec.outline(of: bad.bytes) }
        #expect(bad.matches(error), "\(error.map(\.description) ?? "no error")")
        #expect(wireError { () throws(WireError) in _ = try NetstringCodec.decode(bad.bytes) } == error)
    }

    @Test("W16: 16 levels, 1024 fields and lists of 1023 bytes are the most, in both directions")
    func limits() throws {
        let deepest = try NetstringCodec.decode(Array(nested(16).utf8)).message
        #expect(try encoded(deepest) == Array(nested(16).utf8))
        let deepText = Array(nested(17).utf8)
        let innermost = try #require(deepText.lastIndex(of: UInt8(ascii: "#"))) - 2
        let tooDeep = wireError { () throws(WireError) in _ = try NetstringCodec.decode(deepText) }
        #expect(tooDeep?.kind == .nesting && tooDeep?.offset == innermost)
        let deeper = HAMessage([Field("m", .message(deepest))])
        #expect(wireError { () throws(WireError) in _ = try encoded(deeper) }?.kind == .nesting)

        let many = HAMessage((0..<1024).map { _ in Field("a", .string([])) })
        #expect(try NetstringCodec.decode(try encoded(many)).message == many)
        let more = many.fields.dropLast() + [Field("m", .message(HAMessage([Field("a", .string([]))])))]
        #expect(wireError { () throws(WireError) in _ = try encoded(HAMessage(Array(more))) }?.kind == .fields)
        let text = Array(netstring(String(repeating: field(0, "a", ""), count: 1025)).utf8)
        let error = wireError { () throws(WireError) in _ = try NetstringCodec.decode(text) }
        #expect(error?.kind == .fields && error?.offset == 4 + 1024 * 8)
        #expect(wireError { () throws(WireError) in _ = try NetstringCodec.outline(of: text) } == error)

        let list = HAMessage([Field("l", .list([[UInt8](repeating: 0, count: 1017)]))])
        #expect(try NetstringCodec.decode(try encoded(list)).message == list)
        let longer = HAMessage([Field("l", .list([[UInt8](repeating: 0, count: 1018)]))])
        #expect(wireError { () throws(WireError) in _ = try encoded(longer) }?.kind == .value)
    }

    @Test("W16: 262144 bytes are the longest message, in both directions")
    func longest() throws {
        // Markers and framing of the one field take 21 bytes.
        let message = HAMessage([Field("a", .binary([UInt8](repeating: 7, count: 262_144 - 21)))])
        let bytes = try encoded(message)
        #expect(bytes.count == 262_144)
        #expect(try NetstringCodec.decode(bytes).message == message)
        #expect(wireError { () throws(WireError) in _ = try NetstringCodec.decode(bytes + [0]) }?.kind == .oversized)
        let longer = HAMessage([Field("a", .binary([UInt8](repeating: 7, count: 262_144 - 20)))])
        var writer = ByteWriter()
        writer.append("kept")
        #expect(
            wireError { () throws(WireError) in try NetstringCodec.encode(longer, into: &writer) }?.kind == .oversized)
        #expect(text(writer.bytes) == "kept")
    }

    @Test(
        "W1: names that a receiver would refuse are not written",
        arguments: [
            "", "a=b", "(0)a", "a\nb", "ä", String(repeating: "n", count: 129),
        ])
    func badNames(name: String) {
        let message = HAMessage([Field(name, .string([120]))])
        #expect(wireError { () throws(WireError) in _ = try encoded(message) }?.kind == .name)
        #expect(wireError { () throws(WireError) in _ = try classicText(message) }?.kind == .name)
    }

    @Test("an error tells what was found, where, and what belongs there")
    func errorText() {
        let error = wireError { () throws(WireError) in _ = try NetstringCodec.decode(Array("###\n5:hello,%%%\n".utf8))
        }
        #expect(error?.description == "type: byte 6: expected a field's type in parentheses, found 0x68")
    }
}
