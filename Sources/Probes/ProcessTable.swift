// What runs on this machine, from /proc: read once for all checks of the same moment, never by another program.
import CLinux
import ClusterModel
import LinuxSystem

/// One process.
struct ProcessEntry {
    var pid: Int32
    /// The program's name: the first 15 bytes of it, as the kernel keeps it.
    var name: String
    /// The first word of the command line, without its folder; empty for the kernel's own.
    var program: String
    /// A zombie runs no more.
    var isZombie: Bool
}

/// All processes, as they were less than a second ago.
final class ProcessTable {
    private static let lifetime: Duration = .seconds(1)
    private static let commandMax = 4096

    private var entries: [ProcessEntry] = []
    private var readAt: Instant?

    /// The processes now, zombies left out.
    func processes() -> [ProcessEntry] {
        let now = Clock.now()
        if let readAt, now - readAt < ProcessTable.lifetime { return entries }
        readAt = now
        entries = FileSystem.names(in: "/proc").compactMap { Int32($0) }.compactMap(ProcessTable.entry).filter {
            !$0.isZombie
        }
        return entries
    }

    /// Whether a process belongs to a unit of systemd, or to one below it.
    static func isIn(unit: String, _ pid: Int32) -> Bool {
        guard let text = FileSystem.text(of: "/proc/\(pid)/cgroup", limit: 4096) else { return false }
        return text.split(separator: "\n").contains { line in
            line.split(separator: "/").dropFirst().contains { $0 == unit }
        }
    }

    private static func entry(_ pid: Int32) -> ProcessEntry? {
        // `12 (name) S ...`: the name may hold blanks and parentheses.
        guard let stat = FileSystem.text(of: "/proc/\(pid)/stat", limit: 512),
            let open = stat.firstIndex(of: "("), let close = stat.lastIndex(of: ")"), open < close
        else { return nil }
        let state = stat[stat.index(after: close)...].first { $0 != " " }
        let command = FileSystem.text(of: "/proc/\(pid)/cmdline", limit: commandMax) ?? ""
        let first = command.prefix { $0 != "\0" && $0 != " " }
        // nginx and others write what they do into their command line: `nginx: master process`.
        let program = first.split(separator: "/").last.map { $0.hasSuffix(":") ? $0.dropLast() : $0 } ?? ""
        return ProcessEntry(
            pid: pid, name: String(stat[stat.index(after: open)..<close]), program: String(program),
            isZombie: state == "Z" || state == "X")
    }
}

/// How many processes of a name there must be.
struct ProcessDemand {
    var name: String
    var count: ClosedRange<Int>
    /// Only those of this unit count.
    var unit: String?

    /// What is found of it.
    func finding(in table: ProcessTable) -> Finding {
        let named = table.processes().filter { name == "*" || $0.program == name || $0.name == name.prefix(15) }
        let found = unit.map { unit in named.filter { ProcessTable.isIn(unit: unit, $0.pid) } } ?? named
        let number = "\(found.count) \(found.count == 1 ? "process" : "processes")"
        let pids = found.prefix(10).map { "\($0.pid)" }.joined(separator: " ")
        let place = unit.map { " in \($0)" } ?? ""
        if count.contains(found.count) {
            return Finding(note: number + place + (pids.isEmpty ? "" : " (\(pids))"))
        }
        if found.isEmpty { return Finding(failure: "no such process runs\(place)") }
        let bound = found.count < count.lowerBound ? "at least \(count.lowerBound)" : "at most \(count.upperBound)"
        return Finding(failure: "\(number)\(place), expected \(bound) (\(pids))")
    }
}
