// What a mon says of its services, read from its client protocol, on a screen or as JSON.
import ClusterModel
import JSON
import LinuxSystem

/// One service of a mon.
struct MonService {
    /// The names and values of its line, as they came, unescaped.
    var fields: [(name: String, value: String)]

    subscript(name: String) -> String { fields.first { $0.name == name }?.value ?? "" }

    var group: String { self["group"] }
    var service: String { self["service"] }
    private var number: Int { Int(self["opstatus"]) ?? 7 }
    /// Fails, or has let its time for a trap pass.
    var isFailed: Bool { [0, 4, 6].contains(number) }
    var isOK: Bool { number == 1 }
    var state: String {
        let words = [
            "fail", "ok", "coldstart", "warmstart", "linkdown", "unknown", "timeout", "untested", "depend", "warn",
        ]
        return words.indices.contains(number) ? words[number] : "unknown"
    }
    /// Seconds since 1970; nil: it does not fail.
    var failedSince: Int64? { isFailed ? Int64(self["first_failure"]).flatMap { $0 > 0 ? $0 : nil } : nil }
    var lastCheck: Int64? { Int64(self["last_check"]).flatMap { $0 > 0 ? $0 : nil } }
    /// Seconds; nil: it is not polled.
    var next: Int64? { self["interval"].isEmpty ? nil : Int64(self["timer"]) }
    var isAcknowledged: Bool { Int64(self["ack"]) ?? 0 > 0 }

    /// A line of `name=value` words; values may stand in single quotes.
    init(_ line: String) {
        fields = line.split(separator: " ").compactMap { word in
            guard let equals = word.firstIndex(of: "=") else { return nil }
            var value = word[word.index(after: equals)...]
            if value.count > 1, value.hasPrefix("'"), value.hasSuffix("'") { value = value.dropFirst().dropLast() }
            return (String(word[..<equals]), MonService.unescaped(value))
        }
    }

    /// A backslash and two hexadecimal digits are a byte; a doubled backslash is one.
    private static func unescaped(_ text: Substring) -> String {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            let digits = rest.prefix(2)
            if byte == UInt8(ascii: "\\"), digits.count == 2,
                let value = UInt8(String(decoding: digits, as: UTF8.self), radix: 16)
            {
                bytes.append(value)
                rest = rest.dropFirst(2)
            } else {
                if byte == UInt8(ascii: "\\"), rest.first == byte { rest = rest.dropFirst() }
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

/// A mon at one moment.
struct MonReport {
    var server: MonServer
    /// By mon's own clock, in seconds since 1970.
    var time: Int64
    /// `running`, `stopped since ...`
    var scheduler: String
    /// Failing ones first, then by name.
    var services: [MonService]
    /// As mon lists them: `watch web`, `group web: www1`.
    var disabled: [String]

    /// Asks a mon.
    init(_ server: MonServer, timeout: Duration) throws(MonError) {
        self.server = server
        var connection = try MonConnection(server, timeout: timeout)
        func ask(_ line: String) throws(MonError) -> [String] {
            let answer = try connection.ask(line)
            guard answer.isGood else {
                throw MonError(
                    reason: "mon at \(server.text) refuses '\(line)': \(answer.final)",
                    status: ExitStatus.notPermitted)
            }
            return answer.lines
        }
        let state = try ask("list state").first ?? ""
        scheduler = state.hasPrefix("scheduler ") ? String(state.dropFirst(10)) : state
        // A mon that keeps the time to itself is no reason to show nothing.
        let clock = try? ask("servertime").first?.split(separator: " ").first.flatMap { Int64($0) }
        time = (clock ?? nil) ?? Clock.wallNanoseconds() / 1_000_000_000
        services = try ask("list opstatus").map(MonService.init).filter { !$0.group.isEmpty }
        services.sort { ($0.isFailed ? 0 : 1, $0.group, $0.service) < ($1.isFailed ? 0 : 1, $1.group, $1.service) }
        disabled = try ask("list disabled")
        _ = try? connection.ask("quit")
    }

    var isWell: Bool { scheduler == "running" && !services.contains(where: \.isFailed) }

    private func isDisabled(_ service: MonService) -> Bool {
        disabled.contains("watch \(service.group)")
            || disabled.contains("watch \(service.group) service \(service.service)")
    }

    // MARK: The screen

    func screen(_ painter: Painter) -> String {
        let failed = services.count { $0.isFailed }
        let count = "\(services.count) \(services.count == 1 ? "service" : "services")"
        var text = painter.paint("mon at \(server.text)", .heading) + ", scheduler "
            + painter.paint(scheduler, scheduler == "running" ? .good : .attention) + ", \(count), "
            + painter.paint("\(failed) failing", failed == 0 ? .good : .bad) + "\n\n"
        var table = Table(["GROUP", "SERVICE", "STATE", "SINCE", "CHECKED", "NEXT", "ALERTS", "SUMMARY"])
        for service in services { table.add(row(service)) }
        text += table.text(painter)
        if !disabled.isEmpty {
            text += "\ndisabled\n" + disabled.map { "  \(painter.paint($0, .attention))\n" }.joined()
        }
        return text
    }

    private func row(_ service: MonService) -> [Table.Cell] {
        var state = service.state
        if service.isAcknowledged { state += ", ack" }
        if isDisabled(service) { state += ", disabled" }
        let style: Style = service.isFailed ? .bad : service.isOK ? .good : .attention
        let next = service["monitor_running"] == "1" ? "running" : service.next.map { MonReport.span($0) } ?? ""
        let sent = service["alerts_sent"]
        return [
            Table.Cell(text: service.group), Table.Cell(text: service.service), Table.Cell(text: state, style: style),
            Table.Cell(text: service.failedSince.map { MonReport.span(time - $0) } ?? ""),
            Table.Cell(text: service.lastCheck.map { "\(MonReport.span(time - $0)) ago" } ?? "never"),
            Table.Cell(text: next), Table.Cell(text: sent == "0" ? "" : sent),
            Table.Cell(text: service["last_summary"]),
        ]
    }

    /// `12 s`, `3 min`, `2 h 5 min`, `4 d 3 h`
    private static func span(_ seconds: Int64) -> String {
        let seconds = max(0, seconds)
        switch seconds {
        case 0..<120: return "\(seconds) s"
        case 120..<7200: return "\(seconds / 60) min"
        case 7200..<172_800: return "\(seconds / 3600) h \(seconds % 3600 / 60) min"
        default: return "\(seconds / 86_400) d \(seconds % 86_400 / 3600) h"
        }
    }

    // MARK: JSON

    var json: JSONValue {
        .object([
            ("server", .string(server.text)), ("time", .number(time)), ("scheduler", .string(scheduler)),
            ("failing", .number(Int64(services.count { $0.isFailed }))),
            ("services", .array(services.map(json))), ("disabled", .array(disabled.map { .string($0) })),
        ])
    }

    private func json(_ service: MonService) -> JSONValue {
        .object([
            ("group", .string(service.group)), ("service", .string(service.service)),
            ("state", .string(service.state)), ("failing", .bool(service.isFailed)),
            ("failing_since", JSONValue(service.failedSince) { .number($0) }),
            ("last_check", JSONValue(service.lastCheck) { .number($0) }),
            ("next_check_in", JSONValue(service.next) { .number($0) }),
            ("running", .bool(service["monitor_running"] == "1")),
            ("exit", JSONValue(Int64(service["exitval"])) { .number($0) }),
            ("alerts_sent", .number(Int64(service["alerts_sent"]) ?? 0)),
            ("acknowledged", .bool(service.isAcknowledged)),
            ("acknowledgement", .string(service["ackcomment"])), ("disabled", .bool(isDisabled(service))),
            ("monitor", .string(service["monitor"])), ("summary", .string(service["last_summary"])),
            ("detail", .string(service["last_detail"])),
        ])
    }
}
