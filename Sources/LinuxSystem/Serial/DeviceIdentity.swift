// Tells a device from the one that took its name after it was unplugged.
import CLinux

/// Devices by what they are instead of by their names.
package enum DeviceIdentity {
    /// Numbers that differ for every appearance of a device under a path; nil where there is none now.
    /// The corresponding C function is `stat`.
    package static func of(_ path: String) -> String? {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        return "\(status.st_dev).\(status.st_ino).\(status.st_rdev)"
    }
}
