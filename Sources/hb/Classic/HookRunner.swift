// The hooks of heartbeat 3.0.6: `rc.d/TYPE` is run by `harc TYPE` with what happened in the environment
// (specs/heartbeat.md 5.6). Of the types that 3.0.6 ran scripts for, `status` is the one that tells of an event; the
// others carried its dialogue about resources, which the daemon holds by itself.
import Admin
import Agents
import CLinux
import ClusterConfig
import ClusterModel
import LinuxSystem
import ResourceAgents

/// `harc TYPE [ARGUMENT...]`: one hook, in place of this process.
enum HookCommand {
    static func run(_ words: [String], _ paths: Paths) -> Int32 {
        guard let type = words.first?.lowercased(), !type.isEmpty, !type.contains("/"), !type.hasPrefix(".") else {
            ClassicLog.complain("usage: harc TYPE [ARGUMENT...]")
            return 1
        }
        let script = "\(paths.configurationDirectory)/rc.d/\(type)"
        guard FileSystem.kind(of: script) == .regular, access(script, X_OK) == 0 else {
            ClassicLog.write("ERROR: harc: \(script): not executable")
            return 1
        }
        ClassicLog.write("info: Running \(script) \(([type] + words.dropFirst()).joined(separator: " "))")
        let vector: [UnsafeMutablePointer<CChar>?] = ([script, type] + words.dropFirst()).map { strdup($0) } + [nil]
        execv(script, vector)
        ClassicLog.write("ERROR: harc: \(script): cannot execute")
        return 1
    }
}

/// `hb_hooks`, a client for a `respawn` line of ha.cf: runs the hook `status` for each change of a node's status, one
/// after the other, in the order in which they were seen.
struct HookRunner {
    private let paths: Paths
    /// The last status of each node for which the hook was run.
    private var known: [String: NodeStatus] = [:]

    /// Between two questions to the daemon: as late may a hook be.
    private static let interval: Duration = .seconds(1)
    /// A hook that takes longer is killed, with all that it started.
    private static let limit: Duration = .seconds(300)

    init(_ paths: Paths) { self.paths = paths }

    /// Runs until the daemon ends this process.
    mutating func run() -> Never {
        while true {
            do throws(AdminError) {
                let report = try AdminClient.report(paths, deadline: Clock.now() + .seconds(5))
                for node in report.nodes { take(node, ownStatus: report.status) }
            } catch {
                // The daemon starts, ends, or is busy; it is asked again.
            }
            Clock.wait(HookRunner.interval)
        }
    }

    private mutating func take(_ node: NodeReport, ownStatus: NodeStatus) {
        if known[node.name] == node.status { return }
        known[node.name] = node.status
        // What was never heard has no status that could have changed.
        if node.status == .initial { return }
        runHook([
            Setting(name: "t", value: "status"), Setting(name: "src", value: node.name),
            Setting(name: "st", value: node.status.rawValue), Setting(name: "OSTATUS", value: ownStatus.rawValue),
        ])
    }

    private func runHook(_ fields: [Setting]) {
        let script = "\(paths.configurationDirectory)/rc.d/status"
        guard FileSystem.kind(of: script) == .regular, access(script, X_OK) == 0 else { return }
        let (files, facts) = ConfigurationFolder(paths.configurationDirectory).read()
        guard let configuration = ConfigurationReader.read(files: files, facts: facts).configuration else { return }
        let environment = ScriptEnvironment.entries(
            configuration, configurationDirectory: paths.configurationDirectory)
            + fields.map { "HA_\($0.name)=\($0.value)" } + ["HA_NOARCHBIN=\(HookRunner.commands)"]
        let harc = "\(paths.configurationDirectory)/harc"
        let program = access(harc, X_OK) == 0 ? [harc, "status"] : [script, "status"]
        do throws(AgentError) {
            let result = try ToolRun.run(program, environment: environment, limit: HookRunner.limit)
            if !result.succeeded { ClassicLog.write("WARN: \(script): \(result.status): \(result.errors.prefix(400))") }
        } catch {
            ClassicLog.write("WARN: \(error.reason)")
        }
    }

    private static let commands = "/usr/share/heartbeat"
}
