// Memory and descriptors of the daemon's processes over the life of a cluster: what only ever grows is a leak.
import ClusterModel
import LinuxSystem
import Rig

/// Figures of processes at rest, by duty.
struct GrowthAudit {
    /// Fewer say nothing.
    private static let samplesMin = 100
    /// Kilobytes: what a heap takes until it has its size.
    private static let memoryTolerance = 512
    private static let descriptorTolerance = 2

    private struct Series {
        var duty: String
        /// Kilobytes, each page counted in proportion to the processes that share it.
        var memory: [Int] = []
        var descriptors: [Int] = []
    }

    private var series: [Series] = []

    /// Takes the figures of all processes.
    mutating func sample(_ nodes: [Node]) {
        for node in nodes {
            for process in node.processes where process.title.hasPrefix("heartbeat: ") {
                guard let memory = GrowthAudit.memory(process) else { continue }
                let duty = "\(node.name) \(process.title)"
                let index = series.firstIndex { $0.duty == duty } ?? series.count
                if index == series.count { series.append(Series(duty: duty)) }
                series[index].memory.append(memory)
                series[index].descriptors.append(FileSystem.names(in: "/proc/\(process.pid)/fd").count)
            }
        }
    }

    private static func memory(_ process: NodeProcess) -> Int? {
        let text = FileSystem.text(of: "/proc/\(process.pid)/smaps_rollup", limit: 1 << 16) ?? ""
        return text.split(separator: "\n").first { $0.hasPrefix("Pss_Anon:") }.flatMap { Int($0.filter(\.isNumber)) }
    }

    /// What grew from the first quarter of the samples to the last.
    var findings: [String] {
        series.flatMap { series -> [String] in
            guard series.memory.count >= GrowthAudit.samplesMin else { return [] }
            var findings: [String] = []
            let memory = GrowthAudit.medians(series.memory)
            if memory.late > memory.early + GrowthAudit.memoryTolerance {
                findings.append("\(series.duty): memory grew from \(memory.early) to \(memory.late) kB")
            }
            let descriptors = GrowthAudit.medians(series.descriptors)
            if descriptors.late > descriptors.early + GrowthAudit.descriptorTolerance {
                findings.append(
                    "\(series.duty): descriptors grew from \(descriptors.early) to \(descriptors.late)")
            }
            return findings
        }
    }

    /// One line: the largest figures early and late.
    var summary: String {
        guard !series.isEmpty else { return "no figures" }
        let memory = series.map { GrowthAudit.medians($0.memory) }
        let descriptors = series.map { GrowthAudit.medians($0.descriptors) }
        return "anonymous memory of a cluster's processes \(memory.map(\.early).reduce(0, +)) kB, at the end"
            + " \(memory.map(\.late).reduce(0, +)) kB; descriptors \(descriptors.map(\.early).reduce(0, +)), at the end"
            + " \(descriptors.map(\.late).reduce(0, +))"
    }

    private static func medians(_ values: [Int]) -> (early: Int, late: Int) {
        let quarter = max(1, values.count / 4)
        func median(_ values: ArraySlice<Int>) -> Int { values.sorted()[values.count / 2] }
        return (median(values.prefix(quarter)), median(values.suffix(quarter)))
    }
}
