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
    mutating func findings(_ faults: [Fault]) -> [String] {
        var findings: [String] = []
        for (node, file) in files {
            for line in file.newLines() where LogAudit.isBad(line, faults) {
                // The same line over and over is one finding.
                let text = "log of \(node): \(line)"
                if findings.count < 20 { findings.append(text) }
            }
        }
        return findings
    }

    private static func isBad(_ line: String, _ faults: [Fault]) -> Bool {
        // What the Swift runtime says before it traps, and processes that ended by that.
        if line.contains("Fatal error") || line.contains("Assertion") || line.contains("overflow") { return true }
        if let end = line.firstRange(of: "(signal "), !line[end.upperBound...].hasPrefix("9)") { return true }
        guard line.contains(" ERROR: ") || line.contains(" CRIT: ") else { return false }
        return !rules.contains { rule in line.contains(rule.text) && faults.contains(where: rule.explains) }
    }

    private static let rules: [Rule] = []
}
