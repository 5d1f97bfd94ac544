// What this machine knows of itself without asking anybody: load and software raid, from /proc.
import ClusterModel
import LinuxSystem

/// loadavg.monitor: the load averages of 1, 5 and 15 minutes, each with its bound.
struct LoadDemand {
    /// nil: not judged.
    var bounds: [Double?]
    /// Divided by the number of processors.
    var isPerProcessor: Bool

    static let path = "/proc/loadavg"

    /// What a text of the kernel, `0.20 0.18 0.12 1/80 11206`, comes to.
    func finding(_ text: String, processors: Int) -> Finding {
        let words = text.split(separator: " ").prefix(3)
        let loads = words.compactMap { Double($0) }.map { isPerProcessor ? $0 / Double(max(1, processors)) : $0 }
        guard loads.count == 3 else { return Finding(failure: "\(LoadDemand.path) says '\(text.prefix(80))'") }
        let spoken = loads.map { load in
            let hundredths = Int(load * 100 + 0.5)
            return "\(hundredths / 100).\(hundredths % 100 < 10 ? "0" : "")\(hundredths % 100)"
        }
        let note = "load \(spoken.joined(separator: " "))" + (isPerProcessor ? " a processor" : "")
        for (index, bound) in bounds.enumerated() where index < 3 {
            guard let bound, loads[index] > bound else { continue }
            return Finding(failure: "\(note), more than \(bound) over \([1, 5, 15][index]) min")
        }
        return Finding(note: note)
    }
}

/// softraid.monitor: arrays of the kernel's software raid, as /proc/mdstat shows them.
struct RaidDemand {
    /// Names of arrays, `md0`; empty: all that there are.
    var arrays: [String]

    static let path = "/proc/mdstat"

    /// What is found of each array.
    func findings(_ text: String?) -> [(array: String, finding: Finding)] {
        let found = RaidDemand.arrays(text ?? "")
        let wanted = arrays.isEmpty ? found.map(\.name) : arrays
        return wanted.map { name in
            guard let array = found.first(where: { $0.name == name }) else {
                return (name, Finding(failure: "there is no such array"))
            }
            return (name, array.finding)
        }
    }

    private static func arrays(_ text: String) -> [RaidArray] {
        var arrays: [RaidArray] = []
        for line in text.split(separator: "\n", omittingEmptySubsequences: true) {
            let words = line.split(separator: " ")
            if words.count > 2, words[1] == ":", !line.hasPrefix(" ") {
                arrays.append(RaidArray(name: String(words[0]), words: words.dropFirst(2).map(String.init)))
            } else if line.hasPrefix(" "), !arrays.isEmpty {
                arrays[arrays.count - 1].note(words.map(String.init))
            } else {
                continue
            }
        }
        return arrays.filter { $0.name.hasPrefix("md") }
    }
}

/// One array of /proc/mdstat.
private struct RaidArray {
    var name: String
    var isActive = false
    var failed: [String] = []
    /// `UU_`: one letter a member, `_` for one that is missing.
    var members: String?
    var action: String?

    /// `active raid1 sdb1[1] sda1[0](F)`
    init(name: String, words: [String]) {
        self.name = name
        isActive = words.first == "active"
        failed = words.filter { $0.hasSuffix("(F)") }.map { String($0.prefix { $0 != "[" }) }
    }

    /// `1048512 blocks [2/1] [U_]`, `[==>..] recovery = 12.6% (132096/1048512) finish=0.5min`
    mutating func note(_ words: [String]) {
        for word in words where word.hasPrefix("[") && word.hasSuffix("]") {
            let inner = word.dropFirst().dropLast()
            if !inner.isEmpty, inner.allSatisfy({ $0 == "U" || $0 == "_" }) { members = String(inner) }
        }
        if let index = words.firstIndex(where: { ["recovery", "resync", "reshape", "check"].contains($0) }) {
            action = words[index...].prefix(3).joined(separator: " ")
        }
    }

    var finding: Finding {
        let note = (members.map { "members \($0)" } ?? "no redundancy") + (action.map { ", \($0)" } ?? "")
        if !isActive { return Finding(failure: "not active") }
        if let members, members.contains("_") { return Finding(failure: "degraded, \(note)") }
        if !failed.isEmpty { return Finding(failure: "failed: \(failed.joined(separator: " ")), \(note)") }
        return Finding(note: note)
    }
}
