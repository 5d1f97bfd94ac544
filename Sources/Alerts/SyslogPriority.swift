// Lines for the system's log, without waiting for it: its socket is written to only while it takes something.
import CLinux
import ClusterConfig
import LinuxSystem

/// Facility and level of a line.
struct SyslogPriority {
    var facility: Int32
    var level: Int32

    static let standard = SyslogPriority(facility: 3 << 3, level: 2)
    static let notice: Int32 = 5

    private static let levels = ["emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"]
    private static let facilities = [
        "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp",
    ]
    private static let socket = "/dev/log"

    init(facility: Int32, level: Int32) {
        self.facility = facility
        self.level = level
    }

    /// `daemon.crit`, `local0.err`, or a level alone.
    init?(_ text: String) {
        let parts = text.split(separator: ".").map(String.init)
        guard (1...2).contains(parts.count), let level = SyslogPriority.levels.firstIndex(of: parts[parts.count - 1])
        else { return nil }
        self = SyslogPriority(facility: SyslogPriority.standard.facility, level: Int32(level))
        guard parts.count == 2 else { return }
        if let index = SyslogPriority.facilities.firstIndex(of: parts[0]) {
            facility = Int32(index) << 3
        } else if parts[0].hasPrefix("local"), let number = Int32(parts[0].dropFirst(5)), 0...7 ~= number {
            facility = (16 + number) << 3
        } else {
            return nil
        }
    }

    /// Writes one line; why it could not be, or nil. The corresponding C function is `sendto`.
    static func write(_ priority: Int32, tag: String, _ text: String, socket path: String = socket) -> String? {
        let line = text.split(whereSeparator: \.isNewline).joined(separator: " ")
        let bytes = Array("<\(priority)>\(tag)[\(getpid())]: \(line)".utf8.prefix(8000))
        do throws(SystemError) {
            let socket = try Descriptor.socket(family: AF_UNIX, type: SOCK_DGRAM)
            var address = sockaddr_un()
            address.sun_family = sa_family_t(AF_UNIX)
            withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8.prefix($0.count - 1)) }
            _ = try retrying("write to \(path)") {
                withUnsafePointer(to: &address) { pointer in
                    pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                        sendto(
                            socket.raw, bytes, bytes.count, Int32(MSG_DONTWAIT | MSG_NOSIGNAL), .init(__sockaddr__: $0),
                            socklen_t(MemoryLayout<sockaddr_un>.size))
                    }
                }
            }
            return nil
        } catch {
            return "\(error)"
        }
    }
}
