// What a resource script's status says: heartbeat 1 reads the words, not the exit code (specs/heartbeat.md 5.2).

import LinuxSystem

/// What a script's status output means (specs/heartbeat.md 5.2).
package enum ScriptStatus {
    /// Whether the output of a script's `status` means that it runs: `not … running` says no, `running` or `OK` says
    /// yes, anything else no. Only the letters of `not` and the R are taken in either case.
    package static func isRunning(_ output: some Collection<UInt8>) -> Bool {
        let text = Array(output)
        if let not = find(text, from: 0, { isNot(text, at: $0) }),
            find(text, from: not + 4, { isRun(text, at: $0) }) != nil
        {
            return false
        }
        return find(text, from: 0) { isRun(text, at: $0) || matches(text, at: $0, "OK") } != nil
    }

    /// The outcome of a script's `status`. The words decide, whatever the exit code; but for a script that says `may be
    /// running` with the LSB's code for unknown, 4, it is not known (specs/heartbeat.md 5.2, drbddisk). Nor is it where
    /// the script was killed before it could say so, or could not be run: its silence means nothing.
    package static func outcome(_ result: ProgramRun.Result) -> ResourceOutcome {
        let hedge = find(result.output, from: 0) { matches(result.output, at: $0, "may be running") }
        if case .ended(.exited(4)) = result.ending, hedge != nil {
            return .unknown(result.lastLine ?? "its status cannot be told")
        }
        if isRunning(result.output) { return .running }
        switch result.ending {
        case .ended(.killed(let signal)): return .unknown("its status was ended by signal \(signal)")
        // What a shell answers for what it cannot run or find, itself or a program that the script ends with.
        case .ended(.exited(let code)) where (code == 126 || code == 127) && result.output.isEmpty:
            return .unknown(result.lastLine ?? "its status cannot be run: exit code \(code)")
        case .ended, .timedOut, .cancelled: return .stopped
        }
    }

    private static func find(_ text: [UInt8], from start: Int, _ matches: (Int) -> Bool) -> Int? {
        start < text.count ? (start..<text.count).first(where: matches) : nil
    }

    private static func isNot(_ text: [UInt8], at index: Int) -> Bool {
        guard index + 4 <= text.count, text[index + 3] == UInt8(ascii: " ") else { return false }
        return text[index..<index + 3].map { $0 | 0x20 } == Array("not".utf8)
    }

    private static func isRun(_ text: [UInt8], at index: Int) -> Bool {
        (text[index] == UInt8(ascii: "r") || text[index] == UInt8(ascii: "R")) && matches(text, at: index + 1, "unning")
    }

    private static func matches(_ text: [UInt8], at index: Int, _ word: String) -> Bool {
        text.dropFirst(index).starts(with: word.utf8)
    }
}
