// The commands of heartbeat 3.0.6 in its old folder, for local scripts that call them.
import Admin
import CLinux
import ClusterModel
import LinuxSystem
import ResourceAgents

/// `ResourceManager`, `req_resource`, `mach_down`, `harc`, `hb_hooks`.
enum ClassicCommands {
    static func knows(_ program: String) -> Bool {
        ["ResourceManager", "req_resource", "mach_down", "harc", "hb_hooks"].contains(program)
    }

    /// Returns the exit status.
    static func run(_ program: String, _ words: [String]) -> Int32 {
        let arguments: ProgramArguments
        do throws(UsageError) {
            arguments = try ProgramArguments(words, options: [ProgramOption("alone")], stopsAtOperand: true)
        } catch {
            ClassicLog.complain("\(program): \(error)")
            return 1
        }
        if arguments.common.wantsVersion {
            print(Product.versionLine(tool: program))
            return 0
        }
        var common = arguments.common
        common.configurationDirectory = common.configurationDirectory ?? ClassicResources.environment("HA_DIR")
        let operands = arguments.operands
        switch program {
        case "ResourceManager":
            return ResourceManagerCommand(common.paths, isAlone: arguments.has("alone")).run(operands)
        case "req_resource": return request(operands, common.paths)
        case "harc": return HookCommand.run(operands, common.paths)
        case "hb_hooks":
            var hooks = HookRunner(common.paths)
            hooks.run()
        default: return machineDown(operands, common.paths)
        }
    }

    /// Takes a group to this node if it is not here. 3.0.6 asks and does not wait; so does this.
    private static func request(_ words: [String], _ paths: Paths) -> Int32 {
        guard let key = words.first, !key.isEmpty else {
            ClassicLog.complain("usage: req_resource GROUP")
            return 1
        }
        if ResourceManagerCommand(paths, isAlone: false).run(["status", key]) == 0 { return 0 }
        let lines = ResourceLines(path: "\(paths.configurationDirectory)/haresources")
        guard let group = lines.line(with: key)?.key else {
            ClassicLog.write("ERROR: \(key) is in no line of haresources")
            return 1
        }
        do throws(AdminError) {
            let client = try AdminClient(paths, deadline: Clock.now() + .seconds(10))
            try client.send(.takeover(.group(group)))
            return 0
        } catch {
            ClassicLog.write("ERROR: \(error)")
            return 1
        }
    }

    /// 3.0.6 took a dead node's groups here. The daemon does that itself, with the consent of all that are alive, and
    /// this only says so: a script that calls it for a node that is not dead would take what runs there.
    private static func machineDown(_ words: [String], _ paths: Paths) -> Int32 {
        let node = words.first?.lowercased() ?? ""
        if node.isEmpty || node == ClassicResources.environment("HA_CURHOST")?.lowercased() { return 0 }
        if ClassicResources.environment("HA_info")?.contains("ping") == true { return 0 }
        let lines = ResourceLines(path: "\(paths.configurationDirectory)/haresources")
        for line in lines.lines where line.node == node {
            ClassicLog.write("info: heartbeat takes over resource group \(line.key) by itself")
        }
        ClassicLog.write("info: mach_down takeover complete for node \(node).")
        return 0
    }
}
