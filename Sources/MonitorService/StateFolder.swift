// The files by which the monitor outlives its process: saved states, histories, its process id (specs/mon.md 12).
import CLinux
import LinuxSystem

struct StateFolder {
    let path: String

    var disabledFile: String { path + "/disabled" }
    var statusFile: String { path + "/opstatus" }

    /// Makes the folder where it is missing, the last part only.
    func prepare() { _ = mkdir(path, 0o755) }

    /// Replaces a file: whoever reads it, also after a power cut, finds the old one or the new one.
    static func replace(_ path: String, _ bytes: [UInt8]) throws(SystemError) {
        try FileReplacement.replace(path, bytes, mode: 0o644, isFlushed: true)
    }

    /// Appends a line, with its end added, to a file that is made where it is missing.
    static func append(_ path: String, _ text: String) throws(SystemError) {
        let file = try Descriptor.open(path, O_WRONLY | O_APPEND | O_CREAT, mode: 0o644)
        let raw = file.raw
        let bytes = Array(text.utf8)
        let count = try retrying("write \(path)") { write(raw, bytes, bytes.count) }
        if count != bytes.count { throw SystemError(code: ENOSPC, operation: "write \(path)") }
    }

    /// The last lines of a file; nil where it cannot be read.
    static func lines(_ path: String, limit: Int) -> [String]? {
        guard let file = try? Descriptor.open(path, O_RDONLY) else { return nil }
        let size = lseek(file.raw, 0, SEEK_END)
        let start = max(0, Int(size) - limit)
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65536)
        while bytes.count < limit {
            let count = pread(file.raw, &chunk, chunk.count, start + bytes.count)
            if count <= 0 { break }
            bytes.append(contentsOf: chunk[..<count])
        }
        var lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)[...]
        // The first one is whole only where the file begins with it.
        if start > 0 { lines = lines.dropFirst() }
        return lines.filter { !$0.isEmpty }.map { String(decoding: $0, as: UTF8.self) }
    }
}
