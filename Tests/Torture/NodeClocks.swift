// The wall clocks of the nodes, which can be stepped without touching the machine's: a library before every program.
import CLinux
import LinuxSystem
import Rig

/// One file for each node, and the library that reads it. In a mount namespace of this process alone.
enum NodeClocks {
    private static let folder = "/etc/heartbeat-clock"

    /// Lays files of its own over /etc and has every program that is started from here load the library.
    static func make(library: String, layer: String, nodes: [String]) throws {
        guard FileSystem.kind(of: library) == .regular else { throw RigError("\(library) is not built") }
        try Folder.make(layer)
        guard mount("tmpfs", layer, "tmpfs", 0, "mode=755") == 0 else { throw SystemError.last("mount \(layer)") }
        for name in ["files", "work"] { try Folder.make("\(layer)/\(name)") }
        let options = "lowerdir=/etc,upperdir=\(layer)/files,workdir=\(layer)/work"
        guard mount("overlay", "/etc", "overlay", 0, options) == 0 else {
            throw SystemError.last("lay files over /etc")
        }
        try Folder.make(NodeClocks.folder)
        for node in nodes { try NodeClocks.set(node, seconds: 0) }
        try Folder.write(library + "\n", to: "/etc/ld.so.preload")
    }

    /// Takes the layer away.
    static func remove(layer: String) {
        umount2("/etc", Int32(MNT_DETACH))
        umount2(layer, Int32(MNT_DETACH))
    }

    /// The node's wall clock is so many seconds off from here on.
    static func set(_ node: String, seconds: Int64) throws {
        let path = "\(folder)/\(node)"
        let file = try Descriptor.open(path, O_RDWR | O_CREAT, mode: 0o644)
        let raw = file.raw
        // What the library reads: seconds before the step, after it, and when it was made.
        var words: [Int64] = [0, 0, 0]
        let size = words.count * MemoryLayout<Int64>.size
        _ = try retrying("read \(path)") { pread(raw, &words, size, 0) }
        words = [words[1], seconds, Clock.wallNanoseconds()]
        let count = try retrying("write \(path)") { pwrite(raw, words, size, 0) }
        guard count == size else { throw RigError("the clock of \(node) cannot be set") }
    }
}
