// What the kernel says of a process in one line.
import CLinux

/// The line of /proc/PID/stat, as far as it is asked for (proc(5)).
package struct ProcessStat {
    package let parent: pid_t
    package let group: pid_t
    /// In clock ticks since the machine was booted: tells it from a later process of the same number.
    package let startTime: UInt64
    /// It has ended, and only waits to be reaped.
    package let hasEnded: Bool

    /// nil where there is no such process.
    package init?(of pid: pid_t) {
        guard let text = FileSystem.text(of: "/proc/\(pid)/stat", limit: 1024),
            // The name, field 2, may contain blanks and parentheses.
            let end = text.lastIndex(of: ")")
        else { return nil }
        let fields = text[text.index(after: end)...].split(separator: " ")
        guard fields.count > 19, let parent = pid_t(fields[1]), let group = pid_t(fields[2]),
            let time = UInt64(fields[19])
        else { return nil }
        self.parent = parent
        self.group = group
        startTime = time
        hasEnded = fields[0] == "Z" || fields[0] == "X"
    }
}
