// Whether a mounted filesystem still does what it is for: a device that is gone, or has remounted itself read-only,
// is mounted all the same.
import CLinux
import ClusterModel
import LinuxSystem

enum FilesystemProbe {
    /// Reads the directory, or writes a file and has it reach the device. May hang as long as the device does.
    static func run(_ probe: MonitorProbe, _ directory: String) throws(MountError) {
        do throws(SystemError) {
            switch probe {
            case .none: break
            case .read: try read(directory)
            case .write: try write(directory)
            }
        } catch {
            throw MountError(reason: "\(error)")
        }
    }

    private static func read(_ directory: String) throws(SystemError) {
        guard let stream = opendir(directory) else { throw SystemError.last("read \(directory)") }
        defer { closedir(stream) }
        cl_set_errno(0)
        if readdir(stream) == nil, cl_errno() != 0 { throw SystemError.last("read \(directory)") }
    }

    /// A name of its own for each process: a probe that hung may still be there.
    private static func write(_ directory: String) throws(SystemError) {
        let path = "\(directory)/.heartbeat-probe-\(getpid())"
        unlink(path)
        let file = try Descriptor.open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode: 0o600)
        defer { unlink(path) }
        let text = Array("heartbeat\n".utf8)
        let written = try retrying("write \(path)") { Int32(pwrite(file.raw, text, text.count, 0)) }
        if Int(written) != text.count { throw SystemError(code: ENOSPC, operation: "write \(path)") }
        _ = try retrying("write \(path) to the device") { fsync(file.raw) }
        var back = [UInt8](repeating: 0, count: text.count)
        _ = try retrying("read \(path)") { Int32(pread(file.raw, &back, back.count, 0)) }
        if back != text { throw SystemError(code: EIO, operation: "read \(path) back") }
    }
}
