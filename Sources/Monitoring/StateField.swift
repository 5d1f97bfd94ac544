// The fields of one line of the saved status, as they are taken back: a damaged one is as a missing one.
import ClusterModel

struct StateField {
    private let fields: [(name: String, value: [UInt8])]

    init(_ fields: [(name: String, value: [UInt8])]) { self.fields = fields }

    /// Where the name of a field ends. The key of a period may hold anything, `=` too: its field ends in one of four
    /// known words.
    static func end(of field: ArraySlice<UInt8>) -> Int? {
        let equals = field.indices.filter { field[$0] == UInt8(ascii: "=") }
        let suffixes = [":last_alert", ":alert_sent", ":1stfailtime", ":failcount"].map { Array($0.utf8) }
        let ofPeriod = equals.last { at in suffixes.contains { field[..<at].reversed().starts(with: $0.reversed()) } }
        return ofPeriod ?? equals.first
    }

    func bytes(_ name: String) -> [UInt8]? { fields.first { $0.name == name }?.value }

    func text(_ name: String) -> String? { bytes(name).map { String(decoding: $0, as: UTF8.self) } }

    /// nil for what is no number, 0 for nothing at all.
    func number(_ name: String) -> Int64? {
        guard let text = text(name) else { return nil }
        return text.isEmpty ? 0 : Int64(text)
    }

    func apply(to state: inout ServiceState, _ moment: Moment) {
        func count(_ name: String, _ old: Int) -> Int {
            number(name).flatMap { Int(exactly: $0) }.map { max(0, $0) } ?? old
        }
        func status(_ name: String) -> OperationalStatus? {
            number(name).flatMap { OperationalStatus(rawValue: Int(clamping: $0)) }
        }
        state.status = status("op_status") ?? state.status
        state.lastStatus = status("last_op_status") ?? state.lastStatus
        state.failureCount = count("failure_count", state.failureCount)
        state.alertCount = count("alert_count", state.alertCount)
        state.consecutiveFailures = count("consec_failures", state.consecutiveFailures)
        state.lastSuccess = number("last_success") ?? state.lastSuccess
        state.firstSuccess = number("first_success") ?? state.firstSuccess
        state.lastFailure = number("last_failure") ?? state.lastFailure
        if let text = text("first_failure"), !text.isEmpty { state.firstFailure = Int64(text) }
        state.acknowledged = number("ack") ?? state.acknowledged
        state.acknowledgement = bytes("ack_comment") ?? state.acknowledgement
        state.lastTrap = number("last_trap") ?? state.lastTrap
        state.lastTrapHost = text("last_traphost") ?? state.lastTrapHost
        if let text = text("exitval") { state.exit = Int32(text) }
        if let text = text("last_check"), !text.isEmpty { state.lastCheck = Int64(text) }
        if state.exit != nil, let summary = bytes("last_summary") {
            state.lastOutput = summary + [UInt8(ascii: "\n")] + (bytes("last_detail") ?? [])
        }
        if let output = bytes("failure_output") {
            state.failureOutput = output
            state.failureSummary = Array(output.prefix { $0 != UInt8(ascii: "\n") })
        }
        for index in state.periods.indices { apply(to: &state.periods[index], moment) }
    }

    private func apply(to period: inout PeriodState, _ moment: Moment) {
        if let at = number("\(period.key):last_alert"), at > 0 {
            period.lastAlert = at
            // Within a reasonable distance from now: the wall clock may have been another one.
            let age = min(max(moment.epoch - at, 0), 1 << 31)
            period.lastAlertInstant = moment.now - .seconds(age)
        }
        if let sent = number("\(period.key):alert_sent") { period.alertsSent = max(0, Int(clamping: sent)) }
    }
}
