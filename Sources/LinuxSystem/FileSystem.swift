// Small questions to the filesystem, for files whose absence is an answer like any other.
import CLinux

/// What is at a path. Nothing here throws.
package enum FileSystem {
    /// What a path leads to, symbolic links followed.
    package enum Kind: Equatable, Sendable {
        case regular, directory, blockDevice, other
    }

    /// nil where there is nothing, or where we may not look. The corresponding C function is `stat`.
    package static func kind(of path: String) -> Kind? {
        guard let status = status(of: path) else { return nil }
        return switch Int32(bitPattern: status.st_mode & UInt32(S_IFMT)) {
        case Int32(S_IFREG): .regular
        case Int32(S_IFDIR): .directory
        case Int32(S_IFBLK): .blockDevice
        default: .other
        }
    }

    /// The number of the device that a device file stands for.
    package static func deviceNumber(of path: String) -> UInt64? { status(of: path).map { UInt64($0.st_rdev) } }

    /// The number of the device that a file lies on.
    package static func device(holding path: String) -> UInt64? { status(of: path).map { UInt64($0.st_dev) } }

    /// The path without symbolic links; the path itself where it leads nowhere. The corresponding C function is
    /// `realpath`.
    package static func resolved(_ path: String) -> String {
        guard let real = realpath(path, nil) else { return path }
        defer { free(real) }
        return String(cString: real)
    }

    /// What a symbolic link says; nil where there is none. The corresponding C function is `readlink`.
    package static func target(ofLink path: String) -> String? {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(PATH_MAX) + 1) { buffer in
            buffer.initialize(repeating: 0)
            guard let base = buffer.baseAddress, readlink(path, base, buffer.count - 1) > 0 else { return nil }
            return String(cString: base)
        }
    }

    /// A file's first bytes as text; nil where it cannot be opened.
    package static func text(of path: String, limit: Int) -> String? {
        guard let file = try? Descriptor.open(path, O_RDONLY) else { return nil }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: min(limit, 65536))
        while bytes.count < limit {
            let count = read(file.raw, &chunk, min(chunk.count, limit - bytes.count))
            if count <= 0 { break }
            bytes.append(contentsOf: chunk[..<count])
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The names in a directory, sorted, without `.` and `..`; empty where it cannot be read. The corresponding C
    /// function is `readdir`.
    package static func names(in directory: String) -> [String] {
        guard let stream = opendir(directory) else { return [] }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let offset = MemoryLayout<dirent>.offset(of: \.d_name) ?? 0
            let name = UnsafeRawPointer(entry).advanced(by: offset).assumingMemoryBound(to: CChar.self)
            names.append(String(cString: name))
        }
        return names.filter { $0 != "." && $0 != ".." }.sorted()
    }

    /// The image that a loop device (`loop0`) stands for; nil where there is no such device, or it stands for none.
    package static func image(ofLoop name: String) -> String? {
        text(of: "/sys/block/\(name)/loop/backing_file", limit: Int(PATH_MAX)).map { String($0.dropLast()) }
    }

    /// When a file's content was changed last, in nanoseconds since 1970; nil where it cannot be looked at.
    package static func modificationTime(of path: String) -> Int64? {
        status(of: path).map { Int64($0.st_mtim.tv_sec) * 1_000_000_000 + Int64($0.st_mtim.tv_nsec) }
    }

    /// Whether the group or everybody may write a file; a file that cannot be looked at counts as such.
    package static func isWritableByOthers(_ path: String) -> Bool {
        status(of: path).map { $0.st_mode & 0o022 != 0 } ?? true
    }

    private static func status(of path: String) -> stat? {
        var status = stat()
        return stat(path, &status) == 0 ? status : nil
    }
}
