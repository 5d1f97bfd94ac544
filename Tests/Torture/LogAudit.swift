// What the daemons say of themselves: errors that no fault explains are findings.
import ClusterModel
import Rig

/// Reads the log of every node.
struct LogAudit {
    /// A text of an error, and the faults that bring it about.
    private struct Rule: Sendable {
        var text: String
        var explains: @Sendable (Fault) -> Bool

        init(_ text: String, _ explains: @escaping @Sendable (Fault) -> Bool) {
            self.text = text
            self.explains = explains
        }
    }

    private var files: [(node: String, file: GrowingFile)]

    init(nodes: [Node]) { files = nodes.map { ($0.name, GrowingFile($0.logPath)) } }

    /// The lines since the last call that are findings, in view of the faults that were made.
    mutating func findings(_ faults: [Fault], hasStalled: Bool) -> [String] {
        var findings: [String] = []
        for (node, file) in files {
            for line in file.newLines() where LogAudit.isBad(line, faults, hasStalled) {
                // The same line over and over is one finding.
                let text = "log of \(node): \(line)"
                if findings.count < 20 && findings.last != text { findings.append(text) }
            }
        }
        return findings
    }

    private static func isBad(_ line: String, _ faults: [Fault], _ hasStalled: Bool) -> Bool {
        // What the Swift runtime says before it traps, and processes that ended by that.
        if line.contains("Fatal error") || line.contains("Assertion") || line.contains("overflow") { return true }
        if let end = line.firstRange(of: "(signal "), !line[end.upperBound...].hasPrefix("9)") { return true }
        guard line.contains(" ERROR: ") || line.contains(" CRIT: ") else { return false }
        return !rules.contains { rule in
            line.contains(rule.text)
                && (faults.contains(where: rule.explains) || hasStalled && stallWords.contains(rule.text))
        }
    }

    /// What a machine that stalls does without any fault.
    private static let stallWords = [
        "Releasing resource group", "the status process is silent", "Late heartbeat", "returning after partition",
        "is also claimed by", "timed out after", "has not checked in", "the resource manager died", "ended (signal 9)",
    ]

    /// Every other error is a finding.
    private static let rules: [Rule] = [
        Rule("Releasing resource group", \.silences),
        Rule("Late heartbeat", \.silences),
        Rule("the status process is silent", \.silences),
        Rule("returning after partition", \.silences),
        Rule("lost a lot of packets", \.silences),
        Rule("Irretrievably lost packet", \.silences),
        Rule("is also claimed by", { $0.paralysed != nil || $0.splits || $0.kills }),
        Rule("attempted replay attack", { fault in
            switch fault {
            case .replay, .shuffle: true
            // A daemon was started anew, and on one of the media there is still something of the one before.
            default: fault.silences
            }
        }),
        Rule("bad packet on eth0", { if case .garbage = $0 { true } else { false } }),
        Rule("ended (signal 9)", \.kills),
        Rule("the resource manager died", \.kills),
        Rule("has not checked in", { if case .stopProcess = $0 { true } else { $0.paralysed != nil } }),
        Rule("does not take orders now", \.kills),
        Rule("its workers keep dying", \.kills),
        Rule("told to fail", \.breaksService),
        Rule("timed out after", \.breaksService),
        Rule("probably not LSB-compliant", \.breaksService),
        Rule("could not be started", \.breaksService),
        Rule("No space left on device", \.fillsDisk),
        Rule("was removed by the kernel: No such device", \.unplugs),
        Rule("there is no interface", \.unplugs),
        Rule("no such interface", \.unplugs),
        Rule("the interface is down", \.unplugs),
        Rule("the device is gone", \.unplugs),
    ]
}

extension Fault {
    /// A node may not be heard, or not hear, for a while.
    var silences: Bool {
        switch self {
        case .killDaemon, .stopProcess, .freeze, .cutPower, .restart, .shutDown: true
        case .killProcess(_, let duty), .killAgain(_, let duty), .killAtWork(_, let duty, _, _): duty != .clients
        case .fillDisk: true
        default: splits || unplugs
        }
    }

    /// The node whose resource manager is killed by itself.
    var killsResourceManager: Int? {
        switch self {
        case .killProcess(let node, .resources), .killAgain(let node, .resources),
            .killAtWork(let node, .resources, _, _):
            node
        default: nil
        }
    }

    fileprivate var kills: Bool {
        switch self {
        case .killDaemon, .killProcess, .killAgain, .killAtWork, .stopProcess, .freeze: true
        default: false
        }
    }

    fileprivate var breaksService: Bool { if case .breakService = self { true } else { false } }
    fileprivate var fillsDisk: Bool { if case .fillDisk = self { true } else { false } }

    fileprivate var unplugs: Bool {
        switch self {
        case .cutMedium, .cutOff, .cutPower, .pullCard: true
        default: false
        }
    }
}
