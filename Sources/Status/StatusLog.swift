// The log of the status process: what happened lately stays here for `hb status`, and floods are held back.
import ClusterModel
import Journal
import LinuxSystem

final class StatusLog {
    /// A record and the wall-clock second of it.
    struct Past {
        var time: Int64
        var record: LogRecord
    }

    private static let recentMax = 50

    private let log: Log
    private var limit = RateLimit(burst: 3, interval: .seconds(60), keyCountMax: 64)
    private(set) var recent: [Past] = []

    /// `after`: the log that this one replaces; its memory goes on.
    init(
        settings: LogSettings, node: String, logfile: consuming Descriptor?, foreground: Bool,
        after old: StatusLog? = nil
    ) {
        log = Log(settings: settings, node: node, process: "status", logfile: logfile, foreground: foreground)
        recent = old?.recent ?? []
    }

    /// Events that a hostile or broken peer can cause at will are held back by kind.
    func write(_ record: LogRecord) {
        if record.event.hasPrefix("dropped-") || record.event == "packets-lost" || record.event == "packets-complete" {
            return writeLimited(record.level, record.event, record.text, key: record.event)
        }
        if record.level <= .notice || record.event.hasPrefix("group-") || record.event.hasPrefix("node-") {
            if recent.count >= StatusLog.recentMax { recent.removeFirst() }
            recent.append(Past(time: Clock.wallNanoseconds() / 1_000_000_000, record: record))
        }
        log.write(record)
    }

    func write(_ level: LogLevel, _ event: String, _ text: String) { write(LogRecord(level, event, text)) }

    /// Writes at most a few lines a minute for each key, and says how many were held back.
    func writeLimited(_ level: LogLevel, _ event: String, _ text: String, key: String) {
        guard let withheld = limit.admit(key, now: Clock.now()) else { return }
        log.write(LogRecord(level, event, withheld > 0 ? "\(text) (and \(withheld) like it)" : text))
    }
}

/// Messages that were not used, by cause.
struct DropCounters {
    private(set) var counts: [(cause: String, count: UInt64)] = []

    mutating func count(_ cause: String) {
        if let index = counts.firstIndex(where: { $0.cause == cause }) {
            counts[index].count += 1
        } else {
            counts.append((cause, 1))
        }
    }
}
