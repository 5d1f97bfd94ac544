// The files that a virtual machine boots with, in the form that the kernel unpacks: a cpio archive, "newc".
import CLinux
import LinuxSystem

/// An archive that grows by files, with the folders above each.
struct GuestArchive {
    private var bytes: [UInt8] = []
    private var count = 0
    private var folders: Set<String> = []

    /// Adds a folder and those above it; one that is there is left as it is.
    mutating func addFolder(_ path: String) {
        addFoldersAbove(path)
        guard folders.insert(path).inserted else { return }
        add(path, mode: UInt32(S_IFDIR) | 0o755, [])
    }

    mutating func addFile(_ path: String, _ content: [UInt8], mode: UInt32 = 0o644) {
        addFoldersAbove(path)
        add(path, mode: UInt32(S_IFREG) | mode, content)
    }

    mutating func addFile(_ path: String, _ text: String, mode: UInt32 = 0o644) {
        addFile(path, Array(text.utf8), mode: mode)
    }

    /// Adds a symbolic link.
    mutating func addLink(_ path: String, to target: String) {
        addFoldersAbove(path)
        add(path, mode: UInt32(S_IFLNK) | 0o777, Array(target.utf8))
    }

    /// The device of the kernel's console: process 1 has it as its standard output.
    mutating func addConsole() {
        addFoldersAbove("/dev/console")
        add("/dev/console", mode: UInt32(S_IFCHR) | 0o600, [], device: (5, 1))
    }

    /// Adds programs of this machine, at the paths that they have here, with every library that they are linked with.
    mutating func addPrograms(_ paths: [String]) throws { try addPrograms(paths, below: "") }

    /// The same of packages that were unpacked to a folder: what is below it comes to where it belongs.
    mutating func addPrograms(_ paths: [String], below root: String) throws {
        var libraries: Set<String> = []
        for path in paths {
            addFile(path, try Folder.bytes(root + path), mode: 0o755)
            libraries.formUnion(try GuestArchive.libraries(of: root + path, below: root))
        }
        for path in libraries.sorted() {
            let place = !root.isEmpty && path.hasPrefix(root) ? String(path.dropFirst(root.count)) : path
            addFile(place, try Folder.bytes(path), mode: 0o755)
        }
    }

    /// What ldd says, one a line: `NAME => PATH (ADDRESS)`, or `PATH (ADDRESS)` for the loader.
    private static func libraries(of program: String, below root: String) throws -> [String] {
        let folders = ["/lib", "/usr/lib"].map { "\(root)\($0)/x86_64-linux-gnu" }.joined(separator: ":")
        let list = try Command(["env", "LD_LIBRARY_PATH=\(folders)", "ldd", program]).check()
        return list.split(separator: "\n").compactMap { line in
            line.split { $0 == " " || $0 == "\t" }.first { $0.hasPrefix("/") }.map(String.init)
        }
    }

    /// The whole archive, with its end.
    func finished() -> [UInt8] {
        var archive = self
        archive.add("TRAILER!!!", mode: 0, [])
        return archive.bytes
    }

    private mutating func addFoldersAbove(_ path: String) {
        guard let slash = path.lastIndex(of: "/"), slash > path.startIndex else { return }
        addFolder(String(path[..<slash]))
    }

    private mutating func add(_ path: String, mode: UInt32, _ content: [UInt8], device: (UInt32, UInt32) = (0, 0)) {
        let name = path.hasPrefix("/") ? path.dropFirst() : path[...]
        count += 1
        // Inode, mode, owner, group, links, time, size, device of the file, device that it stands for, length of the
        // name with its zero, checksum; each of eight digits.
        let fields = [
            UInt32(count), mode, 0, 0, 1, 0, UInt32(content.count), 0, 0, device.0, device.1,
            UInt32(name.utf8.count + 1), 0,
        ]
        bytes += Array("070701".utf8)
        for field in fields {
            let digits = String(field, radix: 16)
            bytes += Array((String(repeating: "0", count: 8 - digits.count) + digits).utf8)
        }
        bytes += Array(name.utf8) + [0]
        pad()
        bytes += content
        pad()
    }

    private mutating func pad() { while bytes.count % 4 != 0 { bytes.append(0) } }
}
