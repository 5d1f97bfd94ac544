// Whether the device of a filesystem is still in use though its directory is free: an unmount takes a filesystem out
// of the table of mounts before it has written what is left, and a container may have it in a mount namespace still.
import CLinux
import LinuxSystem

enum DeviceUse {
    /// Processes that are named.
    private static let namesMax = 5

    /// Who uses the block device, or the image, of a filesystem, in words; nil where nobody does, and where there is no
    /// such device. May hang as long as the device does.
    static func find(_ device: String) throws(MountError) -> String? {
        for path in try blockDevices(device) where isClaimed(path) {
            guard let number = FileSystem.deviceNumber(of: path) else { continue }
            let mounts = try Mounts.entries().filter { entry in
                entry.device == number || FileSystem.deviceNumber(of: entry.source) == number
            }
            // Parts of one btrfs are mounted each for itself, and are resources each for itself.
            if mounts.contains(where: { $0.device != number }) { continue }
            if let mount = mounts.first { return "\(path) is mounted on \(mount.directory)" }
            let names = namespaces(number)
            let users = names.isEmpty
                ? "the kernel or a mount namespace" : "mount namespaces of \(names.joined(separator: ", "))"
            return "\(path) is in use by \(users)"
        }
        return nil
    }

    private static func blockDevices(_ device: String) throws(MountError) -> [String] {
        switch FileSystem.kind(of: device) {
        case .blockDevice: return [device]
        case .regular: return loops(FileSystem.resolved(device))
        case .directory, .other: return []
        case nil:
            guard !device.hasPrefix("/"), let path = try Mounts.device(of: device) else { return [] }
            return FileSystem.kind(of: path) == .blockDevice ? [path] : []
        }
    }

    /// The loop devices that stand for an image.
    private static func loops(_ image: String) -> [String] {
        FileSystem.names(in: "/sys/block").filter { $0.hasPrefix("loop") && FileSystem.image(ofLoop: $0) == image }
            .map { "/dev/\($0)" }
    }

    /// A filesystem has its device for itself until it has written all that it had to.
    private static func isClaimed(_ device: String) -> Bool {
        do throws(SystemError) {
            _ = try Descriptor.open(device, O_RDONLY | O_EXCL | O_NONBLOCK | O_CLOEXEC)
            return false
        } catch {
            return error.code == EBUSY
        }
    }

    /// The first processes, one of each mount namespace, that have a device mounted.
    private static func namespaces(_ number: UInt64) -> [String] {
        let (major, minor) = (number >> 8 & 0xfff | number >> 32 & ~0xfff, number & 0xff | number >> 12 & 0xffff_ff00)
        var seen: Set<String> = []
        var names: [String] = []
        for pid in FileSystem.names(in: "/proc").compactMap({ pid_t($0) }).sorted() where names.count < namesMax {
            guard let namespace = FileSystem.target(ofLink: "/proc/\(pid)/ns/mnt"), seen.insert(namespace).inserted,
                let mounts = FileSystem.text(of: "/proc/\(pid)/mountinfo", limit: 4 << 20),
                // ID PARENT DEVICE ROOT DIRECTORY ...
                mounts.split(separator: "\n").contains(where: { line in
                    line.split(separator: " ", maxSplits: 3).dropFirst(2).first == "\(major):\(minor)"
                })
            else { continue }
            let name = FileSystem.text(of: "/proc/\(pid)/comm", limit: 64)?.split(separator: "\n").first ?? "?"
            names.append("\(name)[\(pid)]")
        }
        return names
    }
}
