// The processes of a process group, by what /proc says of them.
import CLinux

/// What is known of a process group and of its members.
package enum ProcessGroup {
    /// Whether a process of the group runs, or is about to end; one that only waits to be reaped does not count.
    package static func isAlive(_ number: pid_t) -> Bool {
        precondition(number > 1, "\(number) is no process group that a child can lead")
        // The kernel's word costs one call, and is most often that there is none.
        if kill(-number, 0) != 0, cl_errno() == ESRCH { return false }
        return !members(number).isEmpty
    }

    /// The processes of the group, but for those that only wait to be reaped.
    package static func members(_ number: pid_t) -> [pid_t] {
        FileSystem.names(in: "/proc").compactMap { pid_t($0) }.filter { pid in
            ProcessStat(of: pid).map { $0.group == number && !$0.hasEnded } ?? false
        }
    }

    /// Whether a process was killed and has not ended: it hangs in a call of the kernel, or is about to end.
    package static func isDying(_ pid: pid_t) -> Bool {
        let lines = (FileSystem.text(of: "/proc/\(pid)/status", limit: 16384) ?? "").split(separator: "\n")
        return lines.contains { line in
            guard line.hasPrefix("SigPnd:") || line.hasPrefix("ShdPnd:"),
                let mask = UInt64(line.dropFirst("SigPnd:".count).filter { !$0.isWhitespace }, radix: 16)
            else { return false }
            return mask & 1 << UInt64(SIGKILL - 1) != 0
        }
    }
}
