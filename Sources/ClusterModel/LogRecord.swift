// What an operator is told: one record for each thing worth a line. The text is for people, `event` and `fields` for
// programs; both are stable.

/// The levels of heartbeat's log lines, most severe first; raw values are syslog's priorities.
package enum LogLevel: Int, Comparable, Sendable {
    case critical = 2
    case error = 3
    case warning = 4
    case notice = 5
    case info = 6
    case debug = 7

    package static func < (a: LogLevel, b: LogLevel) -> Bool { a.rawValue < b.rawValue }

    /// The word in a log file's line (specs/heartbeat.md 8.5).
    package var word: String {
        switch self {
        case .critical: "CRIT"
        case .error: "ERROR"
        case .warning: "WARN"
        case .notice: "notice"
        case .info: "info"
        case .debug: "debug"
        }
    }
}

/// One line for the operator, and its facts.
package struct LogRecord: Equatable, Sendable {
    package var level: LogLevel
    /// A stable word for the kind of event, `node-dead`; HEARTBEAT_EVENT in the journal.
    package var event: String
    package var text: String
    /// Upper-case journal fields without their prefix: NODE, GROUP, MEDIUM, REASON.
    package var fields: [Setting]

    package init(_ level: LogLevel, _ event: String, _ text: String, _ fields: [Setting] = []) {
        self.level = level
        self.event = event
        self.text = text
        self.fields = fields
    }
}
