// Files that exist as long as a cluster does.
import CLinux
import LinuxSystem

/// Files and folders of the rig.
package enum Folder {
    /// Where clusters keep their folders.
    package static let parent = "/tmp"

    /// Makes a folder that nobody else has; its name tells the process that it belongs to.
    package static func makeUnique(prefix: String) throws -> String {
        var template = Array("\(parent)/\(prefix)-\(getpid())-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw SystemError.last("make a folder in \(parent)") }
        let path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        // Unprivileged processes of a node reach their files below it.
        chmod(path, 0o755)
        return path
    }

    /// Makes a folder and those above it; one that exists is no error.
    package static func make(_ path: String, mode: UInt32 = 0o755) throws {
        if mkdir(path, mode) == 0 || cl_errno() == EEXIST { return }
        guard cl_errno() == ENOENT, let slash = path.lastIndex(of: "/"), slash > path.startIndex else {
            throw SystemError.last("make \(path)")
        }
        try make(String(path[..<slash]), mode: mode)
        if mkdir(path, mode) != 0 && cl_errno() != EEXIST { throw SystemError.last("make \(path)") }
    }

    /// Writes a whole file; its mode is as given even where it existed.
    package static func write(_ text: String, to path: String, mode: UInt32 = 0o644) throws {
        try write(Array(text.utf8), to: path, mode: mode)
    }

    /// The same for what is no text.
    static func write(_ bytes: [UInt8], to path: String, mode: UInt32 = 0o644) throws {
        let file = try Descriptor.open(path, O_WRONLY | O_CREAT | O_TRUNC, mode: mode)
        let raw = file.raw
        _ = try retrying("set the mode of \(path)") { fchmod(raw, mode) }
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = try retrying("write \(path)") {
                rest.withUnsafeBytes { CLinux.write(raw, $0.baseAddress, $0.count) }
            }
            rest = rest.dropFirst(count)
        }
    }

    /// A whole file; empty where there is none.
    package static func read(_ path: String) -> String { FileSystem.text(of: path, limit: 64 << 20) ?? "" }

    /// A whole file that is no text.
    static func bytes(_ path: String) throws -> [UInt8] {
        let file = try Descriptor.open(path, O_RDONLY)
        let raw = file.raw
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 20)
        while true {
            let count = try retrying("read \(path)") { CLinux.read(raw, &chunk, chunk.count) }
            if count == 0 { return bytes }
            bytes += chunk[..<count]
        }
    }

    /// Removes a folder with all that is in it, or a file. Symbolic links are not followed.
    package static func remove(_ path: String) {
        if unlink(path) == 0 || cl_errno() == ENOENT { return }
        for name in FileSystem.names(in: path) { remove("\(path)/\(name)") }
        rmdir(path)
    }
}
