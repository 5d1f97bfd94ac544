// Kernel settings under /proc/sys.
import CLinux

/// Settings of the kernel by their dotted names.
package enum Sysctl {
    /// Writes a value where it is not set yet; `net/ipv4/conf/eth0/promote_secondaries`. A setting that this kernel or
    /// container does not let us change is left alone. Returns whether it is set now.
    @discardableResult
    package static func set(_ name: String, _ value: String) -> Bool {
        let path = "/proc/sys/\(name)"
        if FileSystem.text(of: path, limit: 64)?.split(separator: "\n").first == value[...] { return true }
        guard let file = try? Descriptor.open(path, O_WRONLY) else { return false }
        let bytes = Array(value.utf8)
        return write(file.raw, bytes, bytes.count) == bytes.count
    }
}
