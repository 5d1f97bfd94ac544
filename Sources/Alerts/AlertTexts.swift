// What alerts say, each in the form that its reader expects (specs/mon.md 11, 15).
import CLinux
import ClusterModel
import JSON

/// Dates as mon writes them.
enum DateText {
    /// `Sat Nov 21 01:44:52 2026`, local time. The corresponding C function is `strftime`.
    static func full(_ epoch: Int64) -> String { text(epoch, "%a %b %e %H:%M:%S %Y") }
    /// `Saturday 01:44`
    static func short(_ epoch: Int64) -> String { text(epoch, "%A %H:%M") }

    private static func text(_ epoch: Int64, _ format: String) -> String {
        var (time, parts) = (time_t(epoch), tm())
        localtime_r(&time, &parts)
        return withUnsafeTemporaryAllocation(of: CChar.self, capacity: 64) { buffer in
            buffer.initialize(repeating: 0)
            guard let base = buffer.baseAddress, strftime(base, buffer.count, format, &parts) > 0 else { return "" }
            return String(cString: base)
        }
    }
}

/// A letter.
struct MailText {
    var text: String

    init(_ facts: AlertFacts, from: String?, subject: String?, recipients: [String]) {
        let title = subject ?? "\(facts.word) \(facts.group)/\(facts.service): \(facts.summary)"
        var lines = ["To: \(recipients.joined(separator: ", "))"]
        if let from { lines.append("From: \(MailText.header(from))") }
        lines.append("Subject: \(MailText.header("\(title) (\(DateText.short(facts.time)))"))")
        lines += ["Auto-Submitted: auto-generated", "MIME-Version: 1.0", "Content-Type: text/plain; charset=utf-8"]
        lines += ["X-Mailer: heartbeat-mon", ""]
        lines += [
            "Summary output        : \(facts.summary)", "",
            "Group                 : \(facts.group)", "Service               : \(facts.service)",
            "Time noticed          : \(DateText.full(facts.time))",
            "Members               : \(facts.hosts.joined(separator: " "))",
        ]
        if let description = facts["MON_DESCRIPTION"], !description.isEmpty {
            lines.append("Description           : \(description)")
        }
        if let comment = facts["MON_ACK"], !comment.isEmpty { lines.append("Acknowledged          : \(comment)") }
        lines += ["", "Detailed text (if any) follows:", "-------------------------------", facts.detail, ""]
        text = lines.joined(separator: "\n")
    }

    /// One line, whatever a monitor has printed, and only ASCII, which every mail program takes.
    private static func header(_ text: String) -> String {
        String(text.unicodeScalars.prefix(400).map { (0x20..<0x7f).contains($0.value) ? Character($0) : "?" })
    }
}

/// A record of a file of alerts.
struct FileText {
    var text: String

    init(_ facts: AlertFacts, summary: String?) {
        var lines = [
            "\(facts.kind) \(facts.group) \(facts.service) \(facts.time) (\(DateText.full(facts.time))) "
                + (summary ?? facts.summary)
        ]
        lines.append("DESCR=\(facts["MON_DESCRIPTION"] ?? "")")
        lines.append("OPSTATUS=\(facts["MON_OPSTATUS"] ?? "")")
        let body = String(decoding: facts.input, as: UTF8.self)
        // A dot ends the record.
        lines += body.split(separator: "\n", omittingEmptySubsequences: false).map { $0 == "." ? ".." : String($0) }
        if lines.last == "" { lines.removeLast() }
        text = (lines + [".", ""]).joined(separator: "\n")
    }
}

/// The body of a webhook.
enum WebhookText {
    /// One JSON object.
    static func json(_ facts: AlertFacts) -> [UInt8] {
        var members: [(String, JSONValue)] = [
            ("type", .string(facts.kind)), ("group", .string(facts.group)), ("service", .string(facts.service)),
            ("summary", .string(facts.summary)), ("detail", .string(facts.detail)),
            ("text", .string("\(facts.word) \(facts.line)")),
        ]
        for (name, variable) in [("description", "MON_DESCRIPTION"), ("acknowledgement", "MON_ACK")] {
            if let text = facts[variable] { members.append((name, .string(text))) }
        }
        members.append(("time", .number(facts.time)))
        if let status = facts["MON_OPSTATUS"].flatMap(Int64.init) { members.append(("opstatus", .number(status))) }
        members.append(("hosts", .array(facts.hosts.map { .string($0) })))
        return Array(JSONValue.object(members).text(isCompact: true).utf8)
    }
}

/// A trap of mon.
struct TrapText {
    var user: String
    var password: String
    /// What is told instead of the alert's own.
    var status: Int32?
    var group: String?
    var service: String?

    /// Longest datagram, in bytes.
    static let sizeMax = 60_000

    /// `tag='value'` lines, in the order in which mon's own client sends them.
    func datagram(_ facts: AlertFacts) -> String {
        let isUp = facts.kind == "up"
        let value = status ?? (isUp ? 0 : max(1, facts["MON_RETVAL"].flatMap { Int32($0) } ?? 1))
        var lines = ["pro=\(quoted("0.3807"))"]
        if !user.isEmpty { lines += ["usr=\(quoted(user))", "pas=\(quoted(password))"] }
        lines += [
            "spc='0'", "seq='0'", "typ='trap'", "grp=\(quoted(group ?? facts.group))",
            "svc=\(quoted(service ?? facts.service))", "sta='\(value)'", "spc='0'", "tsp='\(facts.time)'",
            "sum=\(quoted(facts.summary))", "dtl=\(quoted(facts.detail))", "",
        ]
        return lines.joined(separator: "\n")
    }

    private func quoted(_ text: String) -> String {
        let digits = Array("0123456789abcdef".utf8)
        var bytes: [UInt8] = []
        for byte in text.utf8.prefix(TrapText.sizeMax / 6) {
            if byte <= 0x20 || byte > 0x7e || byte == UInt8(ascii: "'") || byte == UInt8(ascii: "\"") {
                bytes += [UInt8(ascii: "\\"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            } else {
                bytes.append(byte)
            }
        }
        return "'\(String(decoding: bytes, as: UTF8.self))'"
    }
}
