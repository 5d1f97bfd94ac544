// The hooks of rc.d: a client runs them, so that nothing of them is in the way of a heartbeat (specs/heartbeat.md 5.6).
import Admin
import CLinux
import ClusterModel
import LinuxSystem

enum Hooks {
    /// The client that runs the hooks, as a `respawn` line would have it; none where there is no hook, or where a line
    /// of ha.cf has it already.
    static func clients(_ paths: Paths, besides lines: [RespawnClient]) -> [RespawnClient] {
        let folder = "\(paths.configurationDirectory)/rc.d"
        let hasHook = FileSystem.names(in: folder).contains { name in
            let path = "\(folder)/\(name)"
            return !name.hasPrefix(".") && FileSystem.kind(of: path) == .regular && access(path, X_OK) == 0
        }
        guard hasHook, !lines.contains(where: { $0.command.contains("hb_hooks") }), let tools = InstalledFiles.tools
        else { return [] }
        let words = [
            tools, "hb_hooks", "--config-dir", paths.configurationDirectory, "--run-dir", paths.runDirectory,
        ]
        return [RespawnClient(user: "root", command: words.map(quoted).joined(separator: " "), rebootsOnFailure: false)]
    }

    /// One word for a shell.
    private static func quoted(_ word: String) -> String {
        "'" + word.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
    }
}
