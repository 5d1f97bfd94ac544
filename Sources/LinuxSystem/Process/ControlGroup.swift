// Control groups of the kernel, version 2, as far as programs are kept together by them: a process cannot leave one by
// forking, so all that a program has started is found, and ended, by its group.
import CLinux

/// A folder of cgroup v2. The corresponding manual is cgroups(7).
package struct ControlGroup: Equatable, Sendable {
    package let path: String

    package init(path: String) { self.path = path }

    /// The group of this process, where systemd has left what is below it to this process (`Delegate=yes`); nil where
    /// it has not, for then systemd or somebody else removes what is made there.
    package static func delegated() -> ControlGroup? {
        let lines = FileSystem.text(of: "/proc/self/cgroup", limit: 65536) ?? ""
        guard let own = lines.split(separator: "\n").first(where: { $0.hasPrefix("0::/") }) else { return nil }
        let mounts = FileSystem.text(of: "/proc/self/mountinfo", limit: 1 << 20) ?? ""
        // ID PARENT DEVICE ROOT DIRECTORY OPTIONS ... - TYPE SOURCE OPTIONS
        for line in mounts.split(separator: "\n") {
            let words = line.split(separator: " ")
            guard let dash = words.firstIndex(of: "-"), words.count > dash + 1, words[dash + 1] == "cgroup2",
                words[3] == "/"
            else { continue }
            let below = own.dropFirst("0::".count)
            let group = ControlGroup(path: String(words[4]) + (below == "/" ? "" : String(below)))
            if group.isDelegated { return group }
        }
        return nil
    }

    /// By the mark that systemd leaves on the folder.
    private var isDelegated: Bool {
        ["trusted.delegate", "user.delegate"].contains { name in
            var value: UInt8 = 0
            return getxattr(path, name, &value, 1) == 1 && value == UInt8(ascii: "1")
        }
    }

    /// A group below this one; it is made where it is missing. The corresponding C function is `mkdir`.
    package func group(_ name: String) throws(SystemError) -> ControlGroup {
        let group = ControlGroup(path: "\(path)/\(name)")
        if mkdir(group.path, 0o755) != 0, cl_errno() != EEXIST { throw SystemError.last("make \(group.path)") }
        return group
    }

    /// The names of the groups directly below this one, sorted.
    package var names: [String] {
        FileSystem.names(in: path).filter { FileSystem.kind(of: "\(path)/\($0)") == .directory }
    }

    /// The processes in this group and below it; empty where it is gone.
    package var processes: [pid_t] {
        let text = FileSystem.text(of: path + "/cgroup.procs", limit: 1 << 20) ?? ""
        let own = text.split(separator: "\n").compactMap { pid_t($0) }.filter { $0 > 0 }
        return names.reduce(own) { $0 + ControlGroup(path: "\(path)/\($1)").processes }
    }

    /// Kills every process in it and below it, those too that are just being forked. The kernel does it at once from
    /// version 5.14 on; before that each process is killed until none is left that was seen.
    package func kill() {
        if let file = try? Descriptor.open(path + "/cgroup.kill", O_WRONLY), write(file.raw, "1", 1) == 1 { return }
        for _ in 0..<ControlGroup.killRounds {
            let left = processes
            if left.isEmpty { return }
            for pid in left { _ = CLinux.kill(pid, SIGKILL) }
        }
    }

    /// Whether a process is in it or below it; false where it is gone.
    package var isPopulated: Bool {
        let events = FileSystem.text(of: path + "/cgroup.events", limit: 4096) ?? ""
        return events.split(separator: "\n").contains("populated 1")
    }

    /// Removes it with what is below it, all or nothing: false where processes are still in it. The corresponding C
    /// function is `rmdir`.
    @discardableResult
    package func remove() -> Bool {
        if isPopulated { return false }
        for name in names { ControlGroup(path: "\(path)/\(name)").remove() }
        return rmdir(path) == 0 || cl_errno() == ENOENT
    }

    /// A fork between the look and the kill needs another round.
    private static let killRounds = 20
}
