// The processes of a node, seen from outside: their numbers in the node and on the host, and what `ps` would show.
import CLinux
import LinuxSystem

/// One process of a node.
package struct NodeProcess: Equatable {
    /// The number on the host, for signals.
    package var pid: pid_t
    /// The number inside the node, as the node's own files and reports have it.
    package var pidInNode: pid_t
    /// The number of the parent on the host.
    package var parent: pid_t
    /// The command line; the command's name in brackets where there is none.
    package var title: String
    /// The letter of /proc: R, S, D, T, Z and so on.
    package var state: Character
}

enum ProcessTable {
    /// The processes in the same process namespace as `initial`, which is process 1 there; that one comes first.
    static func processes(of initial: pid_t) -> [NodeProcess] {
        guard let namespace = FileSystem.target(ofLink: "/proc/\(initial)/ns/pid") else { return [] }
        return FileSystem.names(in: "/proc").compactMap { pid_t($0) }
            .filter { FileSystem.target(ofLink: "/proc/\($0)/ns/pid") == namespace }
            .compactMap(process)
            .sorted { $0.pidInNode < $1.pidInNode }
    }

    private static func process(_ pid: pid_t) -> NodeProcess? {
        guard let status = FileSystem.text(of: "/proc/\(pid)/status", limit: 8192) else { return nil }
        var values: [Substring: Substring] = [:]
        for line in status.split(separator: "\n") {
            let parts = line.split(separator: "\t", maxSplits: 1)
            if parts.count == 2 { values[parts[0]] = parts[1] }
        }
        guard let parent = values["PPid:"].flatMap({ pid_t($0) }), let state = values["State:"]?.first,
            let inNode = values["NSpid:"]?.split(separator: "\t").last.flatMap({ pid_t($0) })
        else { return nil }
        let words = (FileSystem.text(of: "/proc/\(pid)/cmdline", limit: 4096) ?? "").split(separator: "\0")
        let title = words.isEmpty ? "[\(values["Name:"] ?? "")]" : words.joined(separator: " ")
        return NodeProcess(pid: pid, pidInNode: inNode, parent: parent, title: title, state: state)
    }
}
