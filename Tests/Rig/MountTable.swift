// Where something is mounted, as the kernel says it of a process.
import LinuxSystem

enum MountTable {
    /// The directories on which something is mounted for a process (its number, or `self`), in the order of mounting.
    static func directories(of process: String) -> [String] {
        let table = FileSystem.text(of: "/proc/\(process)/mountinfo", limit: 4 << 20) ?? ""
        // ID PARENT DEVICE ROOT DIRECTORY ...
        return table.split(separator: "\n").compactMap { line in
            let words = line.split(separator: " ", maxSplits: 5)
            return words.count > 4 ? String(words[4]) : nil
        }
    }
}
