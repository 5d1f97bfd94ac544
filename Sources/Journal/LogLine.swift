// A record as one line of text, in the styles of specs/heartbeat.md 8.5, and as the fields of the journal. Text from
// elsewhere cannot forge a line or a field: control characters are shown as escapes, length is bounded.
import CLinux
import ClusterModel
import LinuxSystem

/// Who writes, and when.
struct LogStamp {
    /// Program name of every line, unless another program writes.
    static let identifierByDefault = "heartbeat"
    /// Longest line in bytes, its end included: what a pipe takes in one piece.
    static let lineSizeMax = 4096

    var node: String
    var pid: pid_t
    /// Local time.
    var time: tm
    /// Program name of the line.
    var identifier = LogStamp.identifierByDefault

    /// `Nov 21 01:47:07 node-a heartbeat: [30]: info: text`, as syslog writes it.
    func syslogStyle(_ record: LogRecord) -> String {
        "\(date) \(node) \(identifier): \(message(record))"
    }

    /// `heartbeat[30]: 2026/11/21_01:47:07 info: text`.
    func plainStyle(_ record: LogRecord) -> String {
        let day = "\(Int(time.tm_year) + 1900)/\(LogStamp.padded(time.tm_mon + 1))/\(LogStamp.padded(time.tm_mday))"
        let text = LogStamp.printable(record.text)
        return "\(identifier)[\(pid)]: \(day)_\(clock) \(record.level.word): \(text)"
    }

    /// A datagram for /dev/log; `facility` is syslog's number, already shifted.
    func syslogDatagram(_ record: LogRecord, facility: Int32) -> String {
        "<\(Int(facility) | record.level.rawValue)>\(date) \(identifier): \(message(record))"
    }

    private func message(_ record: LogRecord) -> String {
        "[\(pid)]: \(record.level.word): \(LogStamp.printable(record.text))"
    }

    /// `Nov  1 01:47:07`.
    private var date: String {
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        return "\(months[Int(time.tm_mon)]) \(LogStamp.padded(time.tm_mday, with: " ")) \(clock)"
    }

    private var clock: String {
        "\(LogStamp.padded(time.tm_hour)):\(LogStamp.padded(time.tm_min)):\(LogStamp.padded(time.tm_sec))"
    }

    private static func padded(_ number: Int32, with filler: String = "0") -> String {
        number < 10 ? "\(filler)\(number)" : "\(number)"
    }

    /// The text with control characters as `\x0a`, at most 3500 bytes of it.
    static func printable(_ text: String) -> String {
        let isClean = text.utf8.count <= 3500 && text.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7f }
        if isClean { return text }
        let digits = Array("0123456789abcdef".utf8)
        var bytes: [UInt8] = []
        for byte in text.utf8 {
            guard bytes.count < 3500 else {
                bytes.append(contentsOf: "...".utf8)
                break
            }
            if byte >= 0x20 && byte != 0x7f {
                bytes.append(byte)
            } else {
                bytes += [UInt8(ascii: "\\"), UInt8(ascii: "x"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

extension LogStamp {
    /// The stamp of an instant in this machine's time zone.
    init(
        node: String, pid: pid_t, wallNanoseconds: Int64, identifier: String = LogStamp.identifierByDefault
    ) {
        self.identifier = identifier
        self.node = node
        self.pid = pid
        var seconds = time_t(wallNanoseconds / 1_000_000_000)
        time = tm()
        localtime_r(&seconds, &time)
    }
}

/// The native datagram of journald: one `NAME=value` a line.
enum JournalDatagram {
    static func bytes(
        _ record: LogRecord, process: String, facility: Int32?, identifier: String = LogStamp.identifierByDefault
    ) -> [UInt8] {
        var bytes: [UInt8] = []
        func append(_ name: String, _ value: String) {
            bytes.append(contentsOf: "\(name)=\(LogStamp.printable(value))\n".utf8)
        }
        append("MESSAGE", record.text)
        append("PRIORITY", "\(record.level.rawValue)")
        append("SYSLOG_IDENTIFIER", identifier)
        if let facility { append("SYSLOG_FACILITY", "\(facility >> 3)") }
        append("HEARTBEAT_PROCESS", process)
        append("HEARTBEAT_EVENT", record.event)
        for field in record.fields where isFieldName(field.name) { append("HEARTBEAT_\(field.name)", field.value) }
        return bytes
    }

    /// journald drops a whole record for one bad name.
    private static func isFieldName(_ name: String) -> Bool {
        !name.isEmpty && name.utf8.count <= 40
            && name.utf8.allSatisfy { byte in
                (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) || byte == UInt8(ascii: "_")
                    || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
            }
    }
}
