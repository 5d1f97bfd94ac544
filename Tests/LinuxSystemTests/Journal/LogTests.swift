import CLinux
import ClusterModel
import LinuxSystem
import Testing

@testable import Journal

/// Folder and sockets of one test, removed with it.
private final class Scratch {
    let folder: String

    init() {
        var template = Array("/tmp/hbc-log-XXXXXX".utf8CString)
        folder = String(cString: mkdtemp(&template))
    }

    deinit {
        for name in ["journal", "syslog", "logfile", "debugfile"] { unlink("\(folder)/\(name)") }
        rmdir(folder)
    }

    func path(_ name: String) -> String { "\(folder)/\(name)" }

    /// A datagram socket that listens as journald or syslog does.
    func logger(_ name: String) -> Descriptor {
        let raw = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
        let listener = Descriptor(owning: raw)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path(name).utf8) }
        let result = withUnsafePointer(to: &address) { address in
            address.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(raw, .init(__sockaddr__: $0), socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        #expect(result == 0)
        return listener
    }

    func file(_ name: String) throws -> Descriptor {
        try Descriptor.open(path(name), O_WRONLY | O_CREAT | O_APPEND, mode: 0o600)
    }

    func content(_ name: String) throws -> String {
        String(decoding: try MemoryFile.read(try Descriptor.open(path(name), O_RDONLY), limit: 1 << 20), as: UTF8.self)
    }
}

private func datagram(_ raw: Int32) -> String? {
    var bytes = [UInt8](repeating: 0, count: 65536)
    let count = recv(raw, &bytes, bytes.count, Int32(MSG_DONTWAIT))
    return count < 0 ? nil : String(decoding: bytes[..<count], as: UTF8.self)
}

@Suite struct LogTests {
    private let stamp = LogStamp(
        node: "node-a", pid: 30,
        time: tm(
            tm_sec: 7, tm_min: 47, tm_hour: 1, tm_mday: 21, tm_mon: 10, tm_year: 126, tm_wday: 0, tm_yday: 0,
            tm_isdst: 0, tm_gmtoff: 0, tm_zone: nil))

    @Test("lines have the two styles of heartbeat 3.0.6 (specs/heartbeat.md 8.5)")
    func styles() {
        let record = LogRecord(.info, "link-up", "Link node-b:eth0 up.")
        #expect(stamp.syslogStyle(record) == "Nov 21 01:47:07 node-a heartbeat: [30]: info: Link node-b:eth0 up.")
        #expect(stamp.plainStyle(record) == "heartbeat[30]: 2026/11/21_01:47:07 info: Link node-b:eth0 up.")
        #expect(
            stamp.syslogDatagram(LogRecord(.error, "x", "text"), facility: LOG_LOCAL0)
                == "<131>Nov 21 01:47:07 heartbeat: [30]: ERROR: text")
    }

    @Test("the first days of a month are padded with a blank, as syslog does")
    func padding() {
        var early = stamp
        early.time.tm_mday = 3
        early.time.tm_mon = 0
        let record = LogRecord(.warning, "x", "t")
        #expect(early.syslogStyle(record) == "Jan  3 01:47:07 node-a heartbeat: [30]: WARN: t")
        #expect(early.plainStyle(record) == "heartbeat[30]: 2026/01/03_01:47:07 WARN: t")
    }

    @Test("text from elsewhere cannot start a line of its own, nor grow without bound")
    func hostileText() {
        let forged = LogRecord(.info, "x", "a\nNov 21 01:47:07 node-a heartbeat: [1]: CRIT: b\u{1b}[31m\u{7f}ü")
        #expect(
            stamp.syslogStyle(forged)
                == "Nov 21 01:47:07 node-a heartbeat: [30]: info: "
                + "a\\x0aNov 21 01:47:07 node-a heartbeat: [1]: CRIT: b\\x1b[31m\\x7fü")
        let long = stamp.syslogStyle(LogRecord(.info, "x", String(repeating: "\n", count: 100_000)))
        #expect(long.utf8.count < LogStamp.lineSizeMax)
        #expect(long.hasSuffix("\\x0a..."))
    }

    @Test("the journal gets its fields; a name that it would refuse is left out")
    func journalFields() {
        let record = LogRecord(
            .warning, "node-dead", "node b: is dead",
            [Setting(name: "NODE", value: "b\nPRIORITY=0"), Setting(name: "bad name", value: "x")])
        #expect(
            String(decoding: JournalDatagram.bytes(record, process: "status", facility: LOG_DAEMON), as: UTF8.self)
                == """
                MESSAGE=node b: is dead
                PRIORITY=4
                SYSLOG_IDENTIFIER=heartbeat
                SYSLOG_FACILITY=3
                HEARTBEAT_PROCESS=status
                HEARTBEAT_EVENT=node-dead
                HEARTBEAT_NODE=b\\x0aPRIORITY=0

                """)
    }

    @Test("where there is a journal it gets the record, and syslog does not get it twice")
    func journalFirst() throws {
        let scratch = Scratch()
        let journal = scratch.logger("journal")
        let syslog = scratch.logger("syslog")
        var settings = LogSettings()
        settings.facility = "daemon"
        let log = Log(
            settings: settings, node: "a", process: "control", journalSocket: scratch.path("journal"),
            syslogSocket: scratch.path("syslog"))
        log.write(.info, "start", "text")
        #expect((datagram(journal.raw) ?? "nothing").hasPrefix("MESSAGE=text\nPRIORITY=6\n"))
        #expect(datagram(syslog.raw) == nil)
    }

    @Test("without a journal the configured facility of syslog gets the record")
    func syslogSecond() throws {
        let scratch = Scratch()
        let syslog = scratch.logger("syslog")
        var settings = LogSettings()
        settings.facility = "local1"
        let log = Log(
            settings: settings, node: "a", process: "control", journalSocket: scratch.path("journal"),
            syslogSocket: scratch.path("syslog"))
        log.write(.critical, "split", "text")
        let line = (datagram(syslog.raw) ?? "nothing")
        #expect(line.hasPrefix("<138>"))
        #expect(line.hasSuffix(" heartbeat: [\(getpid())]: CRIT: text"))
        for (facility, number) in [("mail", "<18>"), ("nonsense", "<18>"), ("local1", "<138>")] {
            log.use(facility: facility)
            log.write(.critical, "split", "text")
            #expect((datagram(syslog.raw) ?? "nothing").hasPrefix(number), "\(facility)")
        }
    }

    @Test("the log file gets everything but debug, the debug file everything, and debug is off by default")
    func files() throws {
        let scratch = Scratch()
        var settings = LogSettings()
        settings.syslogMessageFormat = false
        for debug in [0, 1] {
            settings.debug = debug
            let log = Log(
                settings: settings, node: "a", process: "control", logfile: try scratch.file("logfile"),
                debugfile: try scratch.file("debugfile"), journalSocket: scratch.path("journal"))
            log.write(.info, "x", "info \(debug)")
            log.write(.debug, "x", "debug \(debug)")
        }
        func texts(_ name: String) throws -> [Substring] {
            try scratch.content(name).split(separator: "\n").map { $0.split(separator: " ", maxSplits: 2)[2] }
        }
        #expect(try texts("logfile") == ["info: info 0", "info: info 1"])
        #expect(try texts("debugfile") == ["info: info 0", "info: info 1", "debug: debug 1"])
    }

    @Test("a logger that reads nothing stops nobody; what it missed is told when it reads again")
    func stuckLogger() throws {
        let scratch = Scratch()
        let journal = scratch.logger("journal")
        let log = Log(settings: LogSettings(), node: "a", process: "control", journalSocket: scratch.path("journal"))
        for number in 0..<10_000 { log.write(.info, "x", "line \(number)") }
        var received = 0
        while datagram(journal.raw) != nil { received += 1 }
        #expect(received > 0 && received < 10_000)
        log.write(.info, "x", "again")
        #expect((datagram(journal.raw) ?? "nothing").hasPrefix("MESSAGE=again\n"))
        let lost = (datagram(journal.raw) ?? "nothing")
        #expect(lost.hasPrefix("MESSAGE=\(10_000 - received) log records were lost: the log took no more\n"))
        #expect(datagram(journal.raw) == nil)
    }
}
