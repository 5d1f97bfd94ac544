// Messages cut out of noisy byte streams. Every byte that went in is accounted for.
import ClusterModel
import Fuzzing
import Messaging
import Testing

@Suite("Stream framer")
struct StreamFramerTests {
    private let classic = ">>>\nt=status\ninfo=a>>>\n<<<\n"
    private let netstring = "###\n11:(0)t=status,%%%\n10:1 9552c49c,"

    /// Feeds a text whole and byte by byte; both must give the same.
    private func frames(_ stream: String) -> (messages: [String], framer: StreamFramer) {
        let bytes = Array(stream.utf8)
        var whole = StreamFramer()
        let messages = whole.accept(bytes[...])
        var single = StreamFramer()
        let same = bytes.indices.flatMap { single.accept(bytes[$0...$0]) }
        #expect(same == messages)
        #expect(single.discardedBytes == whole.discardedBytes)
        #expect(bytes.count == Int(whole.discardedBytes) + whole.pendingBytes + messages.joined().count)
        return (messages.map { text($0) }, whole)
    }

    @Test("W11: messages of both formats, one after the other, come out as they went in")
    func clean() {
        let (messages, framer) = frames(classic + netstring + netstring + classic + classic + netstring)
        #expect(messages == [classic, netstring, netstring, classic, classic, netstring])
        #expect(framer.discardedBytes == 0)
        #expect(framer.brokenMessages == 0)
        #expect(framer.pendingBytes == 0)
    }

    @Test("a netstring message without trailer ends where the next byte is no digit")
    func unsigned() {
        #expect(frames("###\n%%%\n" + classic).messages == ["###\n%%%\n", classic])
        #expect(frames("###\n%%%\n").framer.pendingBytes == 8)
    }

    @Test(
        "W11: garbage before, between and after messages is dropped and counted",
        arguments: [
            "hello", "hello\n", "\u{1}\u{2}\n\n", "<<<\n", "t=x\n<<<\n", ">>\n", "> > >\n", "##\n",
            "%%%\n10:1 9552c49c,", "=",
        ])
    func garbage(noise: String) {
        let (messages, framer) = frames(noise + classic + noise + netstring + noise)
        #expect(messages == [classic, netstring])
        #expect(Int(framer.discardedBytes) == 3 * noise.utf8.count)
        #expect(framer.brokenMessages == 0)
    }

    @Test(
        "a message that was cut off gives way to the next",
        arguments: [
            ">>>\n", ">>>\nt=sta", ">>>\nt=status\n", ">>>\nt=status\n<<", ">>>\n\n", ">>>\nt\n",
            "###\n", "###\n1", "###\n11:(0)t=", "###\n11:(0)t=status,", "###\n11:(0)t=status,%%%", "###\n%%%\n1",
            "###\n%%%\n10:1 95", "###\n%%%\n999:1 95", "###\n262144:(0)t=x,%%%\n10:1 9552c49c,",
            "###\n262145:(0)t=x,%%%\n",
        ])
    func cutOff(part: String) {
        // The first of the two may be lost with the part that it follows, the second may not.
        for next in [classic, netstring] {
            let (messages, framer) = frames(part + next + next)
            #expect(messages.last == next)
            #expect(messages.count >= 1)
            #expect(framer.brokenMessages == 1 || messages.count == 2)
        }
    }

    @Test("a cut line is told from the next message's start at once")
    func cutAtLine() {
        #expect(frames(">>>\nt=sta\n" + classic).messages == [classic])
        #expect(frames(">>>\nt=sta\n>>>\n" + classic).messages == [classic])
        #expect(frames("###\n90000:(0)t=x\n" + classic).messages == [classic])
        #expect(frames("###\n90000:(0)t=x," + netstring).messages == [netstring])
    }

    @Test("W11: NULs and CRs at line ends vanish from classic text")
    func noise() {
        let (messages, framer) = frames("\0>>>\r\nt=sta\0tus\r\ninfo=a>>>\r\n\0<<<\r\n\0\0" + classic)
        #expect(messages == [classic, classic])
        #expect(framer.discardedBytes == 9)
    }

    @Test("a CR within a value stays")
    func carriageReturn() {
        #expect(frames(">>>\nt=a\rb\n<<<\n").messages == [">>>\nt=a\rb\n<<<\n"])
    }

    @Test("values may look like markers")
    func lookalikes() {
        let nested = "###\n39:(2)m=###\n22:(0)t=###%%%>>>\n<<<\n123,%%%\n,%%%\n3:1 a,"
        #expect(frames(nested).messages == [nested])
        let text = ">>>\nt=>>>\nu=###\nv=<<<\n<<<\n"
        #expect(frames(text).messages == [text])
    }

    @Test("a message that never ends is dropped at 262144 bytes, and memory stays bounded")
    func endless() {
        var framer = StreamFramer()
        var most = 0
        #expect(framer.accept(Array(">>>\nt=".utf8)[...]).isEmpty)
        let block = [UInt8](repeating: UInt8(ascii: "x"), count: 1000)
        for _ in 0..<600 {
            #expect(framer.accept(block[...]).isEmpty)
            most = max(most, framer.pendingBytes)
        }
        #expect(most <= 262_144)
        #expect(framer.brokenMessages == 1)
        #expect(framer.accept(Array(classic.utf8)[...]) == [Array(classic.utf8)])
    }

    @Test("random damage loses the damaged messages and never those after the next clean start")
    func damaged() throws {
        var generator = MessageGenerator(seed: 0x5EED_0006)
        var framer = StreamFramer()
        var sent = 0
        var received = 0
        for _ in 0..<500 {
            let clean = Array((Bool.random(using: &generator.random) ? classic : netstring).utf8)
            let damaged = generator.damaged(clean)
            // What the damage leaves behind can swallow one message; it cannot swallow the second of a kind.
            var messages = framer.accept(damaged[...])
            messages += framer.accept(Array(classic.utf8)[...])
            messages = framer.accept(Array(classic.utf8)[...])
            sent += 1
            received += messages.last == Array(classic.utf8) ? 1 : 0
            #expect(framer.pendingBytes <= 262_144)
        }
        #expect(received == sent)
    }
}
