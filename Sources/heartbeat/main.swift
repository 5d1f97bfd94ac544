// heartbeat: the control process, and the commands that speak to a running one.
import Admin
import CLinux
import ClusterModel
import LinuxSystem

let options: Options
do {
    options = try Options.parse(Array(CommandLine.arguments.dropFirst()))
} catch {
    fputs("heartbeat: \(error)\nTry 'heartbeat --help'.\n", cl_stderr())
    exit(2)
}
exit(DaemonCommands(options).run())
