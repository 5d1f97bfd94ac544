// The three files of a node on its disk, and what the machine says that they are checked against.
import CLinux
import ClusterConfig
import ClusterModel
import LinuxSystem

/// A folder as `/etc/ha.d`.
package struct ConfigurationFolder: Equatable, Sendable {
    /// Without a slash at the end.
    package let path: String

    /// A folder by its path; nothing is opened yet.
    package init(_ path: String) { self.path = path }

    /// The longest part of a file that is read: what is longer is reported as too long by the reader, unread.
    private static let sizeMax = 1 << 21

    /// Reads the files and asks the machine. What cannot be read is in the files as a problem; never fails as a whole.
    package func read() -> (files: ConfigurationFiles, facts: SystemFacts) {
        var facts = SystemFacts(localNode: localNode)
        facts.userID = geteuid()
        facts.scriptDirectories = ["\(path)/resource.d", "/etc/init.d"]
        facts.ocfAgents = ConfigurationFolder.ocfAgents
        facts.scripts =
            facts.scriptDirectories.flatMap(ConfigurationFolder.executables) + ownScripts(facts.ocfAgents ?? [])
        facts.hasUnit = { unit in
            InstalledFiles.unitDirectories.contains { ConfigurationFolder.kind("\($0)/\(unit)") != .missing }
        }
        facts.interfaces = FileSystem.names(in: "/sys/class/net")
        facts.kindOfPath = { ConfigurationFolder.kind($0) }

        let keys = content("authkeys")
        facts.keysMode = keys.mode
        facts.keysOwner = keys.owner
        return (
            ConfigurationFiles(haConfig: content("ha.cf").file, resources: resources, keys: keys.file), facts
        )
    }

    private static func executables(in directory: String) -> [String] {
        FileSystem.names(in: directory).filter { kind("\(directory)/\($0)") == .executable }
    }

    /// The scripts of this product, without those whose OCF agent is not here.
    private func ownScripts(_ agents: [String]) -> [String] {
        ConfigurationFolder.executables(in: InstalledFiles.resourceScripts).filter { name in
            !ClassicScripts.wrapped.contains { $0.name == name } || agents.contains("heartbeat:\(name)")
        }
    }

    /// `PROVIDER:NAME` of every agent that can be executed.
    private static var ocfAgents: [String] {
        let root = InstalledFiles.ocfRoot + "/resource.d"
        return FileSystem.names(in: root).filter { !$0.hasPrefix(".") }.flatMap { provider in
            executables(in: "\(root)/\(provider)").filter { !$0.hasPrefix(".") }.map { "\(provider):\($0)" }
        }
    }

    /// `haresources`, or where there is none `ipresources`, its name before heartbeat 1.
    private var resources: ConfigurationFile {
        let isOld =
            FileSystem.kind(of: "\(path)/haresources") == nil
            && FileSystem.kind(of: "\(path)/ipresources") != nil
        return content(isOld ? "ipresources" : "haresources").file
    }

    /// The first line of `nodeinfo`, or the host name; lower case (specs/heartbeat.md 6.3).
    private var localNode: String {
        let info = FileSystem.text(of: "\(path)/nodeinfo", limit: 4096) ?? ""
        let line = info.prefix { !$0.isNewline }.trimmingBlanks
        return (line.isEmpty ? ConfigurationFolder.hostName : line).lowercased()
    }

    /// What `uname -n` prints. The corresponding C function is `uname`.
    package static var hostName: String {
        var system = utsname()
        guard uname(&system) == 0 else { return "localhost" }
        return withUnsafeBytes(of: &system.nodename) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }

    private func content(_ name: String) -> (file: ConfigurationFile, mode: UInt32?, owner: UInt32?) {
        let path = "\(self.path)/\(name)"
        do throws(SystemError) {
            // Not blocking: a FIFO in place of a file must not hang the daemon's start.
            let descriptor = try Descriptor.open(path, O_RDONLY | O_NONBLOCK)
            let raw = descriptor.raw
            var status = stat()
            _ = try retrying("stat") { fstat(raw, &status) }
            guard Int32(bitPattern: status.st_mode) & S_IFMT == S_IFREG else {
                return (ConfigurationFile(path: path, bytes: nil, problem: "Not a regular file"), nil, nil)
            }
            let bytes = try ConfigurationFolder.bytes(raw)
            return (ConfigurationFile(path: path, bytes: bytes), status.st_mode & 0o7777, status.st_uid)
        } catch {
            let isForbidden = error.code == EACCES || error.code == EPERM
            let file = ConfigurationFile(
                path: path, bytes: nil, problem: SystemError.text(error.code), isForbidden: isForbidden)
            return (file, nil, nil)
        }
    }

    private static func bytes(_ raw: Int32) throws(SystemError) -> [UInt8] {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65536)
        while bytes.count < sizeMax {
            let count = try retrying("read") { CLinux.read(raw, &chunk, chunk.count) }
            if count == 0 { break }
            bytes += chunk[..<count]
        }
        return bytes
    }

    private static func kind(_ path: String) -> PathKind {
        var status = stat()
        guard stat(path, &status) == 0 else { return .missing }
        switch Int32(bitPattern: status.st_mode) & S_IFMT {
        case S_IFCHR: return .characterDevice
        case S_IFREG: return status.st_mode & 0o111 != 0 ? .executable : .other
        default: return .other
        }
    }
}

extension StringProtocol {
    /// Without blanks and tabs at both ends.
    fileprivate var trimmingBlanks: String {
        let head = drop { $0 == " " || $0 == "\t" }
        guard let last = head.lastIndex(where: { $0 != " " && $0 != "\t" }) else { return "" }
        return String(head[...last])
    }
}
