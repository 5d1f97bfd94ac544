// The status process of a node: verifies, decides, orders. Unprivileged, and in time.
//     hb_status PROTOCOL-VERSION PARENT-PID USER GROUP PRIORITY|- [foreground]
// Descriptor 3 is the channel from the control process, 5 the pipe to its log file where there is one.
import CLinux
import LinuxSystem
import Privsep

let arguments = Array(CommandLine.arguments.dropFirst())
guard arguments.count >= 5, arguments[0] == String(Launch.protocolVersion), let parent = pid_t(arguments[1]),
    let user = uid_t(arguments[2]), let group = gid_t(arguments[3])
else {
    fputs("hb_status is started by heartbeat, protocol version \(Launch.protocolVersion)\n", cl_stderr())
    exit(64)
}
exit(StatusProcess.main(
    parent: parent, identity: Confinement.Identity(user: user, group: group), priority: Int(arguments[4]),
    foreground: arguments.dropFirst(5).contains("foreground")))
