import CLinux
import ClusterModel
import LinuxSystem
import Media
import Privsep
import Testing

/// A pseudo terminal: the master stands for the cable and the other node.
private final class Line {
    private var raw: Int32
    let path: String

    init() throws {
        raw = try retrying("posix_openpt") { posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC) }
        #expect(grantpt(raw) == 0 && unlockpt(raw) == 0)
        path = String(cString: ptsname(raw))
    }

    deinit { unplug() }

    func unplug() {
        if raw >= 0 { close(raw) }
        raw = -1
    }

    func write(_ text: String) { #expect(CLinux.write(raw, text, text.utf8.count) == text.utf8.count) }

    /// What has arrived, waiting until it is at least `count` bytes.
    func read(_ count: Int) throws -> String {
        var text: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65536)
        while text.count < count {
            var ready = [Readiness(raw, read: true)]
            try Readiness.wait(&ready, timeout: .seconds(5))
            let size = CLinux.read(raw, &chunk, chunk.count)
            guard size > 0 else { break }
            text += chunk[..<size]
        }
        return String(decoding: text, as: UTF8.self)
    }
}

@Suite struct SerialMediaTests {
    private let message = ">>>\nt=status\nsrc=node-b\nauth=1 d4111b48\n<<<\n"

    @Test("the line is raw: every byte arrives as it was sent, at every speed", arguments: SerialLine.bauds)
    func raw(baud: Int) throws {
        let line = try Line()
        let descriptor = try SerialLine.open(line.path, baud: baud)
        let bytes = (0...255).map { UInt8($0) }
        #expect(write(descriptor.raw, bytes, bytes.count) == bytes.count)
        #expect(try line.read(256) == String(decoding: bytes, as: UTF8.self))
        var settings = termios()
        #expect(tcgetattr(descriptor.raw, &settings) == 0)
        #expect(settings.c_lflag & tcflag_t(ICANON | ECHO | ISIG) == 0)
        #expect(settings.c_cflag & tcflag_t(CSIZE | CSTOPB | PARENB) == tcflag_t(CS8))
        // A pseudo terminal has no modem lines to wait for.
        #expect(settings.c_cflag & CRTSCTS == 0)
    }

    @Test("a line that another process holds is busy, and free again when that ends")
    func locked() throws {
        let line = try Line()
        do {
            let first = try SerialLine.open(line.path, baud: 9600)
            #expect(throws: SystemError(code: EBUSY, operation: "lock \(line.path)")) {
                _ = try SerialLine.open(line.path, baud: 9600)
            }
            #expect(first.raw >= 0)
        }
        #expect(throws: Never.self) { _ = try SerialLine.open(line.path, baud: 9600) }
        #expect(throws: SystemError(code: EINVAL, operation: "baud 300")) {
            _ = try SerialLine.open(line.path, baud: 300)
        }
    }

    @Test("messages go both ways through the workers, and garbage between them is passed over")
    func bothWays() throws {
        let line = try Line()
        let medium = Medium.serial(tty: line.path, baud: 19200)
        let open = try MediumOpener.open(medium, echoIdentifier: 1)
        let reader = try TestWorker(.read, medium, open)
        let writer = try TestWorker(.write, medium, open)
        #expect(try reader.awaitTitle() == "heartbeat: read: serial \(line.path)\u{0}")
        for text in [message, message] { try writer.send(Array(text.utf8)) }
        #expect(try line.read(2 * message.utf8.count) == message + message)
        line.write("\u{0}\u{1b}noise<<<\n\(message)half\n>>>\nt=cut off")
        line.write("\n" + message)
        #expect(try #require(try reader.receive()).bytes == Array(message.utf8))
        #expect(try #require(try reader.receive()).bytes == Array(message.utf8))
    }

    @Test("a message in pieces is one message, however it is cut")
    func pieces() throws {
        let line = try Line()
        let medium = Medium.serial(tty: line.path, baud: 115_200)
        let open = try MediumOpener.open(medium, echoIdentifier: 1)
        let reader = try TestWorker(.read, medium, open)
        for character in message { line.write(String(character)) }
        #expect(try #require(try reader.receive()).bytes == Array(message.utf8))
    }

    @Test("an unplugged line ends both workers so that control opens it again")
    func unplugged() throws {
        let line = try Line()
        let medium = Medium.serial(tty: line.path, baud: 9600)
        let before = MediumSignature.current(medium)
        let open = try MediumOpener.open(medium, echoIdentifier: 1)
        #expect(open.signature == before)
        let reader = try TestWorker(.read, medium, open)
        let writer = try TestWorker(.write, medium, open)
        _ = try reader.awaitTitle()
        _ = try writer.awaitTitle()
        line.unplug()
        #expect(try reader.end() == .exited(MediumWorkerExit.mediumLost.rawValue))
        #expect(try writer.end() == .exited(MediumWorkerExit.mediumLost.rawValue))
        #expect(MediumSignature.current(medium).description == "\(line.path) missing")
    }

    @Test("a line that takes nothing holds nobody up, is logged, and works when it takes again")
    func stuck() throws {
        let line = try Line()
        let scratch = try ScratchFile()
        let medium = Medium.serial(tty: line.path, baud: 460_800)
        let open = try MediumOpener.open(medium, echoIdentifier: 1)
        let log = try scratch.open()
        let writer = try TestWorker(.write, medium, open, logfile: log.raw)
        let long = ">>>\n" + String(repeating: "x", count: 8000) + "\n<<<\n"
        var refusedCount = 0
        for _ in 0..<1000 where try !scratch.content().contains("TTY write timeout on [\(line.path)]") {
            if try writer.channel.send(bytes: Array(long.utf8)) == .wouldBlock { refusedCount += 1 }
            usleep(10_000)
        }
        #expect(refusedCount == 0)
        // Everything that was stuck is gone; the first whole message after it is the new one.
        var text = ""
        for _ in 0..<100 where !text.hasSuffix(message) {
            text += try line.read(1)
            try writer.send(Array(message.utf8))
        }
        #expect(text.contains(message))
    }
}
