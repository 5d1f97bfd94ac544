// A disk that every node can reach, as a SAN gives it: one image with a filesystem, mounted by one node at a time. The
// nodes share a kernel, so two mounts at once would do no harm here, and can be seen.
import CLinux
import LinuxSystem

package final class SharedDisk {
    /// Where nodes mount it; the folder exists.
    package let mountPoint: String
    /// The word of haresources that mounts it.
    package let resource: String
    /// Keeps the loop device, which goes with its last user.
    private let device: Descriptor?

    /// Makes the disk below `folder`, with one file in it. Where this machine has no loop devices, a folder takes its
    /// place.
    package init(folder: String, file: String, text: String) throws {
        mountPoint = folder + "/srv"
        let content = folder + "/content"
        try Folder.make(mountPoint)
        try Folder.make(content)
        try Folder.write(text, to: "\(content)/\(file)")
        if let path = try? SharedDisk.loopDevice(folder: folder, content: content) {
            resource = "Filesystem::\(path)::\(mountPoint)::ext4"
            device = try Descriptor.open(path, O_RDONLY)
            // As it is open, it stays until nobody uses it any more.
            try Command(["losetup", "--detach", path]).check()
        } else {
            resource = "Filesystem::\(content)::\(mountPoint)::none::bind"
            device = nil
        }
    }

    private static func loopDevice(folder: String, content: String) throws -> String {
        let image = folder + "/disk"
        try Command(["mkfs.ext4", "-q", "-d", content, image, "8M"]).check()
        return try Command(["losetup", "--find", "--show", image]).check().split(separator: "\n").joined()
    }
}
