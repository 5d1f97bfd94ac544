// A disk that every node can reach, as a SAN gives it: one image with a filesystem, mounted by one node at a time. Each
// node has a loop device of its own for it, under the same path: to the kernel that they share these are two devices,
// as they would be to two machines, so that a node does not take the other one's mount for its own.
import CLinux
import LinuxSystem

package struct SharedDisk {
    /// Where nodes mount it; the folder exists.
    package let mountPoint: String
    /// The word of haresources that mounts it.
    package let resource: String

    /// Makes the disk below the folder of a cluster whose nodes are off, with one file in it. Where this machine has no
    /// loop devices, a folder takes its place.
    package init(_ cluster: Cluster, file: String, text: String) throws {
        let folder = cluster.folder
        mountPoint = folder + "/srv"
        let content = folder + "/content"
        try Folder.make(mountPoint)
        try Folder.make(content)
        try Folder.write(text, to: "\(content)/\(file)")
        let image = folder + "/disk"
        if (try? SharedDisk.plugIn(image, content, cluster.nodes)) != nil {
            resource = "Filesystem::\(cluster.devicesFolder)/disk::\(mountPoint)::ext4"
        } else {
            resource = "Filesystem::\(content)::\(mountPoint)::none::bind"
        }
    }

    private static func plugIn(_ image: String, _ content: String, _ nodes: [Node]) throws {
        try Command(["mkfs.ext4", "-q", "-d", content, image, "8M"]).check()
        for node in nodes {
            let device = try Command(["losetup", "--find", "--show", image]).check().split(separator: "\n").joined()
            let link = node.devicesFolder + "/disk"
            if symlink(device, link) != 0 { throw SystemError.last("link \(link)") }
        }
    }

    /// Gives back the loop devices of all images below a folder; one that is still in use goes with its last user.
    static func unplug(below folder: String) {
        for device in loopDevices(prefix: folder + "/") {
            _ = try? Command(["losetup", "--detach", device]).check()
        }
    }

    /// The loop devices of images whose paths begin so.
    package static func loopDevices(prefix: String) -> [String] {
        FileSystem.names(in: "/sys/block")
            .filter { $0.hasPrefix("loop") && FileSystem.image(ofLoop: $0)?.hasPrefix(prefix) == true }
            .map { "/dev/\($0)" }
    }
}
