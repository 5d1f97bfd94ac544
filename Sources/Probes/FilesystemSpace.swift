// freespace.monitor: room on filesystems. A local one is asked directly, where the way to it leads over local ones
// alone; any other by a program of its own, since a server that is gone makes whoever asks wait without end.
import CLinux
import ClusterModel
import LinuxSystem
import Reactor

/// How much room a path must have.
struct SpaceDemand {
    enum Minimum {
        case bytes(UInt64)
        /// Percent of what users may have.
        case share(Int)
    }

    var path: String
    var minimum: Minimum
    /// Percent of the files that the filesystem can have.
    var inodeShare: Int?
}

/// What a filesystem says of itself.
struct FilesystemFigures {
    var blockSize: UInt64
    var blocks: UInt64
    var blocksFree: UInt64
    var blocksAvailable: UInt64
    var files: UInt64
    var filesFree: UInt64

    func finding(_ demand: SpaceDemand) -> Finding {
        let available = blocksAvailable.multipliedReportingOverflow(by: blockSize).partialValue
        // As df has it: what root alone may use is neither free nor used.
        let usable = blocks - min(blocks, blocksFree) + blocksAvailable
        let share = usable == 0 ? 100 : Int(blocksAvailable * 100 / usable)
        let note = "\(FilesystemFigures.spoken(available)) free, \(share) %"
        switch demand.minimum {
        case .bytes(let minimum) where available < minimum:
            return Finding(failure: "\(note), less than \(FilesystemFigures.spoken(minimum))")
        case .share(let minimum) where share < minimum: return Finding(failure: "\(note), less than \(minimum) %")
        case .bytes, .share: break
        }
        if let minimum = demand.inodeShare, files > 0, Int(filesFree * 100 / files) < minimum {
            return Finding(failure: "\(filesFree * 100 / files) % of its files free, less than \(minimum) %")
        }
        return Finding(note: note)
    }

    private static func spoken(_ bytes: UInt64) -> String {
        var (value, unit) = (bytes, 0)
        while value >= 10_240, unit < 4 { (value, unit) = (value / 1024, unit + 1) }
        return "\(value) \(["B", "KB", "MB", "GB", "TB"][unit])"
    }
}

/// Asks for the room of one path.
final class SpaceCheck: RunningCheck {
    /// Filesystems that live in this machine's memory or on its disks: asking them waits for nobody.
    private static let local = [
        "ext2", "ext3", "ext4", "xfs", "btrfs", "tmpfs", "devtmpfs", "ramfs", "overlay", "vfat", "f2fs", "zfs",
        "squashfs", "iso9660", "jfs", "ntfs3", "exfat",
    ]
    private static let program = "/usr/bin/stat"
    private static let format = "%S %b %f %a %c %d"

    private let demand: SpaceDemand
    private var done: ((Finding) -> Void)?
    private var child: ChildProgram?
    private(set) var stage = "reading the list of mounts"

    init(_ demand: SpaceDemand, tools: CheckTools, deadline: Instant, _ done: @escaping (Finding) -> Void) {
        self.demand = demand
        self.done = done
        let mounts = MountPoint.all
        let mount = MountPoint.holding(demand.path, of: mounts)
        stage = "waiting for the filesystem" + (mount.map { " at \($0.path), \($0.type)" } ?? "")
        if SpaceCheck.waitsForNobody(demand.path, mounts) {
            askHere()
        } else {
            askElsewhere(tools, deadline)
        }
    }

    func cancel() {
        done = nil
        child?.cancel()
        child = nil
    }

    /// Whether every step of a path lies on a local filesystem, and none is a link that leads elsewhere.
    private static func waitsForNobody(_ path: String, _ mounts: [MountPoint]) -> Bool {
        var step = ""
        for name in path.split(separator: "/", omittingEmptySubsequences: true) {
            step += "/" + name
            // Asked only after the mount that it lies on: this very question would wait, too.
            guard name != "..", let mount = MountPoint.holding(step, of: mounts), local.contains(mount.type),
                FileSystem.target(ofLink: step) == nil
            else { return false }
        }
        return path.hasPrefix("/") && MountPoint.holding("/", of: mounts).map { local.contains($0.type) } ?? false
    }

    private func askHere() {
        var status = CLinux.statvfs()
        guard statvfs(demand.path, &status) == 0 else { return finish(Finding(failure: SystemError.text(cl_errno()))) }
        finish(
            FilesystemFigures(
                blockSize: UInt64(status.f_frsize), blocks: UInt64(status.f_blocks),
                blocksFree: UInt64(status.f_bfree), blocksAvailable: UInt64(status.f_bavail),
                files: UInt64(status.f_files), filesFree: UInt64(status.f_ffree)
            ).finding(demand))
    }

    private func askElsewhere(_ tools: CheckTools, _ deadline: Instant) {
        let demand = demand
        do throws(SystemError) {
            child = try ChildProgram(
                SpaceCheck.program, ["stat", "-f", "-c", SpaceCheck.format, "--", demand.path],
                environment: ["LC_ALL=C"], timeout: max(.milliseconds(1), deadline - Clock.now()), loop: tools.loop
            ) { [weak self] status, output in
                let text = String(decoding: output, as: UTF8.self)
                guard status == .exited(0), let figures = FilesystemFigures(text) else {
                    let line = text.split(separator: "\n").first.map { ": \($0)" } ?? ""
                    return self?.finish(Finding(failure: "stat: \(status)\(line)")) ?? ()
                }
                self?.finish(figures.finding(demand))
            }
        } catch {
            finish(Finding(failure: "\(error)"))
        }
    }

    private func finish(_ finding: Finding) {
        let done = done
        self.done = nil
        child = nil
        done?(finding)
    }
}

extension FilesystemFigures {
    /// What `stat -f` prints in `SpaceCheck.format`.
    fileprivate init?(_ text: String) {
        let numbers = text.split { $0 == " " || $0 == "\n" }.compactMap { UInt64($0) }
        guard numbers.count == 6 else { return nil }
        self.init(
            blockSize: numbers[0], blocks: numbers[1], blocksFree: numbers[2], blocksAvailable: numbers[3],
            files: numbers[4], filesFree: numbers[5])
    }
}

/// A place where a filesystem is mounted.
struct MountPoint {
    var path: String
    var type: String

    private static let list = "/proc/self/mountinfo"
    private static let listMax = 4 << 20

    /// The mounts of this process, in the kernel's order.
    static var all: [MountPoint] {
        let text = FileSystem.text(of: list, limit: listMax) ?? ""
        return text.split(separator: "\n").compactMap { line in
            // `36 35 98:0 /root /mount options - ext4 device options`
            let words = line.split(separator: " ")
            guard words.count > 6, let dash = words.firstIndex(of: "-"), dash + 1 < words.count else { return nil }
            return MountPoint(path: unescaped(words[4]), type: String(words[dash + 1]))
        }
    }

    /// The mount that a path lies on, by its name alone: nothing is asked of any filesystem.
    static func holding(_ path: String, of mounts: [MountPoint]) -> MountPoint? {
        guard path.hasPrefix("/") else { return nil }
        var best: MountPoint?
        for mount in mounts where path == mount.path || mount.path == "/" || path.hasPrefix(mount.path + "/") {
            // Of two at the same place the later one covers the earlier.
            if mount.path.utf8.count >= best?.path.utf8.count ?? 0 { best = mount }
        }
        return best
    }

    /// The kernel writes blanks and backslashes in octal: `\040`.
    private static func unescaped(_ word: Substring) -> String {
        guard word.contains("\\") else { return String(word) }
        var bytes: [UInt8] = []
        var rest = Array(word.utf8)[...]
        while let byte = rest.popFirst() {
            let digits = rest.prefix(3)
            if byte == UInt8(ascii: "\\"), digits.count == 3, digits.allSatisfy({ (0x30...0x37).contains($0) }) {
                bytes.append(digits.reduce(0) { $0 &* 8 &+ ($1 - 0x30) })
                rest = rest.dropFirst(3)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
