// The programs that run for resources, kept where the next resource manager finds them. A script outlives the process
// that started it; one that went on starting something behind its successor's back would have it run on two nodes.
import CLinux
import ClusterModel
import LinuxSystem

/// The file that remembers which programs run. It is written in place, so that a full disk cannot hold it up.
package final class ProgramLedger {
    /// How long the end of what an earlier resource manager left is waited for.
    private static let patience = Duration.seconds(1)

    /// A process, and when it was started: its number alone may be another one's by now.
    private struct Entry: Equatable {
        var pid: pid_t
        /// Ticks since boot, field 22 of /proc/PID/stat.
        var startTime: UInt64
        /// The folder of its control group; empty where it has none.
        var group = ""
        /// What it starts or stops; empty where it only asks.
        var resource = ""

        var line: String { "\(pid) \(startTime) \(group) \(resource)\n" }
    }

    private let path: String
    private let file: Descriptor?
    private var entries: [Entry] = []
    /// Of an earlier resource manager, what was killed and has not ended.
    private var undead: [Entry] = []

    /// Keeps the file in this folder, which a reboot empties. Where it cannot be opened, nothing is remembered, and
    /// `failed` is told why.
    package init(directory: String, failed: (SystemError) -> Void) {
        path = directory + "/programs"
        do throws(SystemError) {
            file = try Descriptor.open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, mode: 0o600)
        } catch {
            file = nil
            failed(error)
        }
    }

    /// Kills the programs that an earlier resource manager has left running, each with its process group, and waits a
    /// little for their end. Returns their process ids. To be called before anything is asked or started.
    package func endLeftovers() -> [pid_t] {
        let text = FileSystem.text(of: path, limit: 65536) ?? ""
        let known = text.split(separator: "\n").compactMap { line -> Entry? in
            let words = line.split(separator: " ", omittingEmptySubsequences: false)
            guard words.count >= 2, let pid = pid_t(words[0]), pid > 1, let time = UInt64(words[1]) else { return nil }
            return Entry(
                pid: pid, startTime: time, group: words.count > 2 ? String(words[2]) : "",
                resource: words.dropFirst(3).joined(separator: " "))
        }
        let left = known.filter(ProgramLedger.isAlive)
        for entry in left {
            try? Children.signalGroup(entry.pid, SIGKILL)
            if !entry.group.isEmpty { ControlGroup(path: entry.group).kill() }
        }
        let end = Clock.now() + ProgramLedger.patience
        while Clock.now() < end, known.contains(where: { ProgramLedger.isAlive($0) || ProgramLedger.isDying($0) }) {
            Clock.wait(.milliseconds(2))
        }
        undead = known.filter { !$0.resource.isEmpty && ProgramLedger.isDying($0) }
        write()
        return left.map(\.pid)
    }

    /// Whether a program of an earlier resource manager that starts or stops a resource hangs in the kernel.
    func isHanging(_ resource: String) -> Bool {
        guard undead.contains(where: { $0.resource == resource }) else { return false }
        undead.removeAll { $0.resource == resource && !ProgramLedger.isDying($0) }
        write()
        return undead.contains { $0.resource == resource }
    }

    /// A program was started, as leader of a process group, in a control group of its own where there is one.
    /// `resource`: what it starts or stops; empty where it only asks.
    func started(_ pid: pid_t, _ group: ControlGroup? = nil, changing resource: String = "") {
        guard var entry = ProgramLedger.leader(pid) else { return }
        entry.group = group?.path ?? ""
        entry.resource = resource
        entries.append(entry)
        write()
    }

    /// It has ended.
    func ended(_ pid: pid_t) {
        entries.removeAll { $0.pid == pid }
        write()
    }

    private func write() {
        let raw: Int32
        switch file {
        case .some(let file): raw = file.raw
        case .none: return
        }
        let bytes = Array((entries + undead).map(\.line).joined().utf8)
        // What cannot be noted is not ended by a successor.
        _ = bytes.withUnsafeBytes { pwrite(raw, $0.baseAddress, $0.count, 0) }
        _ = ftruncate(raw, off_t(bytes.count))
    }

    private static func isAlive(_ entry: Entry) -> Bool { leader(entry.pid)?.startTime == entry.startTime }

    /// Whether something of it was killed and has not ended, though its first process may have.
    private static func isDying(_ entry: Entry) -> Bool {
        // Its number is another program's by now.
        if let other = leader(entry.pid), other.startTime != entry.startTime { return false }
        let members = entry.group.isEmpty ? [] : ControlGroup(path: entry.group).processes
        return (members + ProcessGroup.members(entry.pid)).contains(where: ProcessGroup.isDying)
    }

    /// The process with that number; nil where there is none, where it only waits to be reaped, and where it leads no
    /// process group.
    private static func leader(_ pid: pid_t) -> Entry? {
        guard let stat = ProcessStat(of: pid), !stat.hasEnded, stat.group == pid else { return nil }
        return Entry(pid: pid, startTime: stat.startTime)
    }
}
