// Files in memory that carry more than a frame can hold from one process to another. Once written they are sealed: the
// receiver reads what was written, whatever the writer does later.
import CLinux

/// Sealed files without a name.
package enum MemoryFile {
    /// A sealed file with these bytes, close-on-exec. The corresponding C function is `memfd_create`.
    package static func write(_ bytes: [UInt8]) throws(SystemError) -> Descriptor {
        let flags = UInt32(MFD_CLOEXEC | MFD_ALLOW_SEALING)
        let file = Descriptor(owning: try retrying("memfd_create") { memfd_create("heartbeat", flags) })
        let number = file.raw
        var written = 0
        while written < bytes.count {
            written += try retrying("write to a memory file") {
                bytes[written...].withUnsafeBytes { pwrite(number, $0.baseAddress, $0.count, written) }
            }
        }
        let seals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE
        _ = try retrying("seal a memory file") { cl_fcntl(number, F_ADD_SEALS, Int(seals)) }
        return file
    }

    /// All bytes of a file from its beginning; throws EFBIG where it holds more than `limit`. Its position stays.
    package static func read(_ file: borrowing Descriptor, limit: Int) throws(SystemError) -> [UInt8] {
        let number = file.raw
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65536)
        while true {
            let offset = bytes.count
            let count = try retrying("read a memory file") { pread(number, &chunk, chunk.count, offset) }
            if count == 0 { return bytes }
            if bytes.count + count > limit { throw SystemError(code: EFBIG, operation: "read a memory file") }
            bytes.append(contentsOf: chunk[..<count])
        }
    }
}
