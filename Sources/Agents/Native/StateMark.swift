// Some resources are deeds: a mail, a pause, an announcement. That they were done is a file that a reboot removes.
import CLinux
import ClusterModel
import LinuxSystem

/// A file that says that a resource was started since this machine was switched on.
struct StateMark {
    let path: String

    /// Where agents keep such files, those of the package resource-agents too, unless HA_RSCTMP says another folder.
    static let folder = "/run/resource-agents"

    /// Of an agent and what tells its resources apart.
    init(_ agent: String, _ arguments: [String]) {
        let own = getenv("HA_RSCTMP").map { String(cString: $0) } ?? ""
        // No name that could leave the folder, and none that is too long for a file.
        let words = arguments.joined(separator: "_").utf8.map { byte in
            let isPlain = (0x30...0x39).contains(byte) || (0x61...0x7a).contains(byte | 0x20)
                || byte == UInt8(ascii: ".") || byte == UInt8(ascii: ":")
            return isPlain ? String(UnicodeScalar(byte)) : "%" + String(byte, radix: 16)
        }
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in arguments.joined(separator: "\0").utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        let name = String(words.joined().prefix(100))
        path = "\(own.hasPrefix("/") ? own : StateMark.folder)/\(agent)-\(name)-\(String(hash, radix: 16))"
    }

    var exists: Bool { FileSystem.kind(of: path) != nil }

    /// What was kept; nil where there is no mark.
    var text: String? { FileSystem.text(of: path, limit: 65536) }

    /// Whole or not at all.
    func set(_ text: String = "") throws(AgentError) {
        do throws(SystemError) {
            let folder = path.split(separator: "/").dropLast().map { "/" + $0 }.joined()
            mkdir(folder, 0o755)
            let draft = path + "~"
            unlink(draft)
            let file = try Descriptor.open(draft, O_WRONLY | O_CREAT | O_EXCL, mode: 0o644)
            let bytes = Array(text.utf8)
            let raw = file.raw
            if try retrying("write \(path)", { write(raw, bytes, bytes.count) }) != bytes.count {
                throw SystemError(code: ENOSPC, operation: "write \(path)")
            }
            if rename(draft, path) != 0 { throw SystemError.last("write \(path)") }
        } catch {
            throw AgentError("\(error)")
        }
    }

    func remove() { unlink(path) }
}
