// The processes that keep a filesystem from being unmounted: what /proc tells about open files, working directories,
// roots, programs and mapped files.
import CLinux
import LinuxSystem

/// A process that uses a filesystem.
struct MountHolder: Equatable {
    var pid: pid_t
    /// The command's name, as `ps` shows it.
    var name: String
}

enum MountHolders {
    /// Of the mapped files of a process that is read.
    private static let textSizeMax = 4 << 20

    /// The processes that use a mounted filesystem, other than this one, its ancestors and the first process. Where
    /// the device is mounted in several places (`isShared`), only what lies under `directory` counts.
    static func find(directory: String, device: UInt64, isShared: Bool) -> [MountHolder] {
        let ancestors = ownAncestors()
        return FileSystem.names(in: "/proc").compactMap { pid_t($0) }.sorted().filter { pid in
            !ancestors.contains(pid) && holds(pid, directory: directory, device: device, isShared: isShared)
        }.map { MountHolder(pid: $0, name: name($0)) }
    }

    private static func holds(_ pid: pid_t, directory: String, device: UInt64, isShared: Bool) -> Bool {
        let process = "/proc/\(pid)"
        let links = ["cwd", "root", "exe"] + FileSystem.names(in: "\(process)/fd").map { "fd/\($0)" }
        for link in links where FileSystem.device(holding: "\(process)/\(link)") == device {
            if !isShared || isUnder(directory, FileSystem.target(ofLink: "\(process)/\(link)") ?? "") { return true }
        }
        return maps("\(process)/maps", directory: directory, device: device, isShared: isShared)
    }

    /// Whether one of the mapped files is on the filesystem: lines of `address perms offset major:minor inode path`.
    private static func maps(_ file: String, directory: String, device: UInt64, isShared: Bool) -> Bool {
        // How glibc packs the two numbers of a device.
        let major = (device >> 8 & 0xfff) | (device >> 32 & ~0xfff)
        let minor = (device & 0xff) | (device >> 12 & 0xffff_ff00)
        let number = hex(major) + ":" + hex(minor)
        for line in text(file).split(separator: "\n") {
            let fields = line.split(separator: " ", maxSplits: 5)
            guard fields.count > 4, fields[3] == number[...], fields[4] != "0" else { continue }
            if !isShared || fields.count > 5 && isUnder(directory, String(fields[5].drop { $0 == " " })) { return true }
        }
        return false
    }

    private static func hex(_ value: UInt64) -> String {
        let text = String(value, radix: 16)
        return text.utf8.count < 2 ? "0" + text : text
    }

    private static func isUnder(_ directory: String, _ path: String) -> Bool {
        path == directory || path.hasPrefix(directory + "/")
    }

    /// This process, its parents and the first process: who asks for the end of the others must outlive them.
    private static func ownAncestors() -> [pid_t] {
        var ancestors: [pid_t] = [1]
        var pid = getpid()
        while pid > 1, ancestors.count < 64 {
            ancestors.append(pid)
            pid = ProcessStat(of: pid)?.parent ?? 0
        }
        return ancestors
    }

    private static func name(_ pid: pid_t) -> String {
        text("/proc/\(pid)/comm").split(separator: "\n").first.map(String.init) ?? "?"
    }

    private static func text(_ path: String) -> String { FileSystem.text(of: path, limit: textSizeMax) ?? "" }
}
