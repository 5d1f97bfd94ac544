// Where a process's records go: the journal or syslog, the log files of ha.cf, standard error. Writing never waits: a
// logger that hangs must not stop a heartbeat, so what cannot be taken at once is dropped and counted. That is why
// journald and syslog are spoken to here: sd_journal_sendv and syslog(3) wait for a stuck receiver.
import CLinux
import ClusterModel
import LinuxSystem

/// The log of one process.
package final class Log {
    private let settings: LogSettings
    private let node: String
    private let process: String
    private let identifier: String
    private var facility: Int32?
    private let logger: LogSocket?
    private let logfile: LogFile?
    private let debugfile: LogFile?
    private let usesStandardError: Bool
    /// Records that some destination could not take, since the last that all took.
    private var lost = 0

    /// Opens the way to the journal where `journalSocket` exists; else to syslog, where a facility is configured.
    /// `process` names the process's duty in the journal,
    /// `identifier` the program. `logfile` and `debugfile` are open for appending, or pipes
    /// that do not block. Standard error is used in the foreground, unless the journal reads that too, and where
    /// there is nothing else.
    package init(
        settings: LogSettings, node: String, process: String, logfile: consuming Descriptor? = nil,
        debugfile: consuming Descriptor? = nil, foreground: Bool = false, identifier: String = "heartbeat",
        journalSocket: String = "/run/systemd/journal/socket", syslogSocket: String = "/dev/log"
    ) {
        self.settings = settings
        self.node = node
        self.process = process
        self.identifier = identifier
        facility = settings.facility.flatMap(Log.facility)
        if access(journalSocket, F_OK) == 0 {
            logger = LogSocket(path: journalSocket, isJournal: true)
        } else if facility != nil {
            logger = LogSocket(path: syslogSocket, isJournal: false)
        } else {
            logger = nil
        }
        self.logfile = LogFile(logfile)
        self.debugfile = LogFile(debugfile)
        let hasFile = self.logfile != nil || self.debugfile != nil
        let hasLogger = logger != nil
        usesStandardError = !hasLogger && !hasFile || foreground && !(hasLogger && Log.journalReadsStandardError)
        // Reads the time zone while files may still be read.
        tzset()
    }

    /// Writes under another facility of syslog from now on; a word that is none changes nothing.
    package func use(facility name: String) { facility = Log.facility(name) ?? facility }

    /// Writes a record to every destination that wants it: debug records only where `debug` is above 0, and never to
    /// the log file where there is a debug file.
    package func write(_ record: LogRecord) {
        if record.level == .debug && settings.debug == 0 { return }
        if deliver(record) && lost > 0 {
            let count = lost
            lost = 0
            _ = deliver(LogRecord(.warning, "log-lost", "\(count) log records were lost: the log took no more"))
        }
    }

    /// Writes a record of these parts, as `write(_:)` does.
    package func write(_ level: LogLevel, _ event: String, _ text: String, _ fields: [Setting] = []) {
        write(LogRecord(level, event, text, fields))
    }

    /// Whether every destination took the record; counts it as lost where one did not.
    private func deliver(_ record: LogRecord) -> Bool {
        let stamp = LogStamp(
            node: node, pid: getpid(), wallNanoseconds: Clock.wallNanoseconds(), identifier: identifier)
        var taken = true
        if let logger {
            let bytes =
                logger.isJournal
                ? JournalDatagram.bytes(record, process: process, facility: facility, identifier: identifier)
                : Array(stamp.syslogDatagram(record, facility: facility ?? LOG_DAEMON).utf8)
            taken = logger.send(bytes)
        }
        let line = (settings.syslogMessageFormat ? stamp.syslogStyle(record) : stamp.plainStyle(record)) + "\n"
        if let logfile, record.level < .debug || debugfile == nil { taken = logfile.append(line) && taken }
        if let debugfile { taken = debugfile.append(line) && taken }
        // Nobody counts what a terminal did not show.
        if usesStandardError { _ = LogFile.append(line, to: 2) }
        if !taken { lost += 1 }
        return taken
    }

    /// Whether systemd connected standard error to the journal: JOURNAL_STREAM names that very file.
    private static var journalReadsStandardError: Bool {
        guard let stream = getenv("JOURNAL_STREAM") else { return false }
        var status = stat()
        return fstat(2, &status) == 0 && String(cString: stream) == "\(status.st_dev):\(status.st_ino)"
    }

    /// The number of a facility of syslog; nil for a word that is none.
    private static func facility(_ name: String) -> Int32? {
        switch name {
        case "auth", "security": LOG_AUTH
        case "authpriv": LOG_AUTHPRIV
        case "cron": LOG_CRON
        case "daemon": LOG_DAEMON
        case "ftp": LOG_FTP
        case "kern": LOG_KERN
        case "lpr": LOG_LPR
        case "mail": LOG_MAIL
        case "news": LOG_NEWS
        case "syslog": LOG_SYSLOG
        case "user": LOG_USER
        case "uucp": LOG_UUCP
        case "local0": LOG_LOCAL0
        case "local1": LOG_LOCAL1
        case "local2": LOG_LOCAL2
        case "local3": LOG_LOCAL3
        case "local4": LOG_LOCAL4
        case "local5": LOG_LOCAL5
        case "local6": LOG_LOCAL6
        case "local7": LOG_LOCAL7
        default: nil
        }
    }
}

/// A log file, or a pipe to the process that writes it.
private final class LogFile {
    private let descriptor: Descriptor

    init?(_ descriptor: consuming Descriptor?) {
        guard let descriptor else { return nil }
        self.descriptor = descriptor
    }

    func append(_ line: String) -> Bool { LogFile.append(line, to: descriptor.raw) }

    /// One write, so that lines of several processes do not mix.
    static func append(_ line: String, to raw: Int32) -> Bool {
        let bytes = Array(line.utf8)
        while true {
            let count = CLinux.write(raw, bytes, bytes.count)
            if count == bytes.count { return true }
            if count != -1 || cl_errno() != EINTR { return false }
        }
    }
}

/// A datagram socket to a logger. Every datagram names the path again, so that a restarted logger is found.
private final class LogSocket {
    let isJournal: Bool
    private let socket: Descriptor
    private var address: sockaddr_un

    init?(path: String, isJournal: Bool) {
        self.isJournal = isJournal
        address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let fits = withUnsafeMutableBytes(of: &address.sun_path) { target in
            guard path.utf8.count < target.count else { return false }
            target.copyBytes(from: path.utf8)
            return true
        }
        guard fits,
            let socket = try? Descriptor(
                owning: retrying("socket") {
                    CLinux.socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
                })
        else { return nil }
        self.socket = socket
    }

    /// Whether the logger took the datagram, at once.
    func send(_ bytes: [UInt8]) -> Bool {
        let flags = Int32(MSG_DONTWAIT | MSG_NOSIGNAL)
        return withUnsafePointer(to: &address) { address in
            address.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                var count: Int
                repeat {
                    count = sendto(
                        socket.raw, bytes, bytes.count, flags, .init(__sockaddr__: address),
                        socklen_t(MemoryLayout<sockaddr_un>.size))
                } while count == -1 && cl_errno() == EINTR
                return count == bytes.count
            }
        }
    }
}
