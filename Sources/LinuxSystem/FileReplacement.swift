// A file that is replaced as a whole.
import CLinux

/// Keeps a file whole for its readers while it is written anew.
package enum FileReplacement {
    /// Puts these bytes in the place of what the file had: whoever reads it finds the old contents or the new ones,
    /// also where this process is killed. `isFlushed`: after a power cut too; only this file is flushed, not every
    /// filesystem of the machine. Where it throws, the old contents are there. `mode`: of a new file.
    package static func replace(
        _ path: String, _ bytes: [UInt8], mode: mode_t, isFlushed: Bool
    ) throws(SystemError) {
        let draft = path + ".new"
        do throws(SystemError) {
            let file = try Descriptor.open(draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode: mode)
            let raw = file.raw
            var written = 0
            while written < bytes.count {
                written += try retrying("write \(draft)") {
                    bytes.withUnsafeBytes { write(raw, $0.baseAddress.map { $0 + written }, $0.count - written) }
                }
            }
            if isFlushed { _ = try retrying("fsync \(draft)") { fsync(raw) } }
            _ = try retrying("rename \(draft)") { rename(draft, path) }
        } catch {
            _ = unlink(draft)
            throw error
        }
    }
}
