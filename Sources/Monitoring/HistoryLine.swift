// The lines of histories: of failures, of alerts, of downtimes (specs/mon.md 8, 12).
import ClusterModel

/// Writes and reads history lines.
package enum HistoryLine {
    /// `GROUP SERVICE EPOCH SUMMARY`
    static func failure(_ service: ServiceName, _ epoch: Int64, _ summary: [UInt8]) -> [UInt8] {
        Array("\(service.group) \(service.service) \(epoch) ".utf8) + HistoryLine.summary(summary)
    }

    /// `TYPE GROUP SERVICE EPOCH PROGRAM (ARGUMENTS) SUMMARY`
    static func alert(
        _ word: String, _ service: ServiceName, _ epoch: Int64, _ program: String, arguments: String, summary: [UInt8]
    ) -> [UInt8] {
        Array("\(word) \(service.group) \(service.service) \(epoch) \(program) (\(arguments)) ".utf8)
            + HistoryLine.summary(summary)
    }

    /// `BACKUP GROUP SERVICE FIRSTFAILURE DOWNTIME INTERVAL SUMMARY`
    static func downtime(
        _ service: ServiceName, up: Int64, since: Int64, interval: Duration, summary: [UInt8]
    ) -> String {
        "\(up) \(service.group) \(service.service) \(since) \(up - since) \(IntervalText.seconds(interval)) "
            + String(decoding: clean(summary), as: UTF8.self)
    }

    /// The lines that begin a downtime log at each start.
    package static func downtimeHeader(_ epoch: Int64) -> String {
        """
        #
        # downtime log start \(epoch)
        # time back up, group, service, first failure, downtime, interval, summary
        #

        """
    }

    /// When an alert of the history file was; nil: the line is none.
    package static func epoch(of line: String) -> Int64? {
        let words = line.split(separator: " ", maxSplits: 4)
        return words.count == 5 ? Int64(words[3]) : nil
    }

    /// What a history shows where a monitor said nothing.
    static func summary(_ summary: [UInt8]) -> [UInt8] { isBlank(summary) ? noSummary : clean(summary) }

    /// Whether a first line says nothing.
    static func isBlank(_ summary: [UInt8]) -> Bool { summary.allSatisfy { $0 == 0x20 || $0 == 0x09 } }

    /// `(NO SUMMARY)`
    static let noSummary = Array("(NO SUMMARY)".utf8)

    /// One line it stays, whatever a monitor prints.
    private static func clean(_ summary: [UInt8]) -> [UInt8] { summary.map { $0 < 0x20 || $0 == 0x7f ? 0x20 : $0 } }
}
