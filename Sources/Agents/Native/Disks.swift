// Replicated disks, volume groups and software RAID: thin drivers of drbdadm, vgchange and mdadm.
import ClusterModel
import LinuxSystem

/// The role of a DRBD resource (specs/heartbeat.md 5.2): `drbddisk [RESOURCE]`.
struct ReplicatedDisk: NativeAgent {
    fileprivate let resource: String
    /// Options of every call.
    fileprivate var options: [String] = []

    init(_ arguments: [String]) throws(AgentError) {
        let values = try NativeAgents.read(arguments, ["resource"], required: 0)
        resource = values["resource"] ?? "all"
        if resource.hasPrefix("-") || resource.isEmpty { throw AgentError("\(resource) is no resource", code: 2) }
    }

    /// The other node may need a moment to let go.
    func start() throws(AgentError) { try change(to: "primary", attempts: 6) }

    func stop() throws(AgentError) {
        if case .stopped = try status() { return }
        try change(to: "secondary", attempts: 3)
    }

    func status() throws(AgentError) -> AgentStatus {
        let result = try ToolRun.run([try ReplicatedDisk.drbdadm()] + options + ["role", resource])
        // Ours stands before the slash; version 9 says no other.
        let roles = result.output.split(separator: "\n").map { line in
            line.prefix { $0 != "/" }.filter { !$0.isWhitespace }
        }
        if roles.contains("Primary") { return .running("(Primary)") }
        // Of several resources the one of which nothing could be said may be the one that is primary.
        let isWhole = result.succeeded || roles.contains("Unconfigured")
        if isWhole, !roles.isEmpty, roles.allSatisfy({ $0 == "Secondary" || $0 == "Unconfigured" }) {
            return .stopped("(\(roles[0]))")
        }
        if roles.isEmpty, !result.succeeded, ReplicatedDisk.isUnconfigured(result.errors + result.output) {
            return .stopped("(Unconfigured)")
        }
        return .unknown(roles.first.map { "\($0)" } ?? "\(result.status)")
    }

    /// Whether the kernel does not know the resource, by what drbdsetup says of it: the numbers are those of a minor
    /// and of a resource that it does not have (versions 8.4 and 9). Without its module it knows none.
    private static func isUnconfigured(_ words: String) -> Bool {
        ["(127)", "(158)", "No such resource"].contains { words.contains($0) }
            || FileSystem.kind(of: "/sys/module/drbd") == nil
    }

    private func change(to role: String, attempts: Int) throws(AgentError) {
        let command = [try ReplicatedDisk.drbdadm()] + options + [role, resource]
        for attempt in 1...attempts {
            do throws(AgentError) {
                try ToolRun.check(command)
                return
            } catch {
                if attempt == attempts { throw error }
                Clock.wait(.seconds(1))
            }
        }
    }

    fileprivate static func drbdadm() throws(AgentError) -> String {
        try ToolRun.find("drbdadm", package: "drbd-utils")
    }
}

/// A DRBD resource on top of another one: `drbdupper RESOURCE`. It is configured only where it runs.
struct StackedDisk: NativeAgent {
    private var disk: ReplicatedDisk

    init(_ arguments: [String]) throws(AgentError) {
        _ = try NativeAgents.read(arguments, ["resource"], required: 1)
        disk = try ReplicatedDisk(arguments)
        disk.options = ["--stacked"]
    }

    func start() throws(AgentError) {
        if case .stopped("(Unconfigured)") = try disk.status() { try command("up") }
        try disk.start()
    }

    func stop() throws(AgentError) {
        if case .stopped("(Unconfigured)") = try disk.status() { return }
        try disk.stop()
        try command("down")
    }

    func status() throws(AgentError) -> AgentStatus { try disk.status() }

    private func command(_ word: String) throws(AgentError) {
        try ToolRun.check([try ReplicatedDisk.drbdadm(), "--stacked", word, disk.resource])
    }
}

/// A volume group: `LVM GROUP`.
struct VolumeGroup: NativeAgent {
    private let name: String

    init(_ arguments: [String]) throws(AgentError) {
        let values = try NativeAgents.read(arguments, ["volgrpname"], required: 1)
        let name = values["volgrpname"] ?? ""
        self.name = name.hasPrefix("/dev/") ? String(name.dropFirst("/dev/".count)) : name
        if self.name.isEmpty || self.name.hasPrefix("-") || self.name.contains("/") {
            throw AgentError("\(name) is no volume group", code: 2)
        }
    }

    func start() throws(AgentError) { try change("y") }

    func stop() throws(AgentError) {
        if case .stopped = try status() { return }
        try change("n")
    }

    /// One active volume is enough to run: a group that is partly active must not be taken for free.
    func status() throws(AgentError) -> AgentStatus {
        let lvs = try ToolRun.find("lvs", package: "lvm2")
        let result = try ToolRun.run([lvs, "--noheadings", "-o", "lv_active", name])
        guard result.succeeded else {
            // A group whose disks this node does not see is not active here.
            if result.errors.contains("Volume group \"\(name)\" not found") {
                return .stopped("(no such volume group here)")
            }
            return .unknown(result.errors.split(separator: "\n").first.map(String.init) ?? "\(result.status)")
        }
        let volumes = result.output.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
        let count = volumes.filter { $0.contains("active") }.count
        return count > 0 ? .running("(\(count) of \(volumes.count) volumes)") : .stopped()
    }

    private func change(_ word: String) throws(AgentError) {
        try ToolRun.check([try ToolRun.find("vgchange", package: "lvm2"), "-a", word, name])
    }
}

/// A software RAID: `Raid1 CONFIGURATION DEVICE`.
struct RaidArray: NativeAgent {
    private let configuration: String
    private let device: String

    init(_ arguments: [String]) throws(AgentError) {
        let values = try NativeAgents.read(arguments, ["raidconf", "raiddev"], required: 2)
        configuration = values["raidconf"] ?? ""
        device = values["raiddev"] ?? ""
        guard configuration.hasPrefix("/") else {
            throw AgentError("\(configuration) is not the path of a file", code: 2)
        }
        guard device.hasPrefix("/dev/") else { throw AgentError("\(device) is not a device", code: 2) }
    }

    func start() throws(AgentError) {
        if case .running = try status() { return }
        guard FileSystem.kind(of: configuration) == .regular else {
            throw AgentError("\(configuration) does not exist", code: 6)
        }
        try ToolRun.check([try mdadm(), "--assemble", device, "--config=\(configuration)"])
    }

    func stop() throws(AgentError) {
        if case .stopped = try status() { return }
        try ToolRun.check([try mdadm(), "--stop", device])
    }

    func status() throws(AgentError) -> AgentStatus {
        guard let text = FileSystem.text(of: "/proc/mdstat", limit: 1 << 20) else { return .stopped("(no RAID here)") }
        let name = FileSystem.resolved(device).split(separator: "/").last.map(String.init) ?? ""
        guard let line = text.split(separator: "\n").first(where: { $0.hasPrefix("\(name) :") }) else {
            return .stopped()
        }
        return .running("(\(line.split(separator: " ").dropFirst(2).first ?? ""))")
    }

    private func mdadm() throws(AgentError) -> String { try ToolRun.find("mdadm", package: "mdadm") }
}
