// The door to this duty:
//     hb_notify PROTOCOL-VERSION PARENT-PID USER GROUP [foreground] [log]
// Descriptor 3 is the channel from the control process, 5 the pipe to its log file with `log`.
import CLinux
import LinuxSystem
import Privsep

/// The notifier: tells programs, servers and people of transitions. Root, because programs of the administrator are run
/// as root; whoever speaks to a server is a child without rights.
package enum NotifierDuty {
    /// Runs until control goes away. `arguments`: the words after the program's name. Returns the exit code; 64 where
    /// the arguments are not this version's.
    package static func main(_ arguments: [String]) -> Int32 {
        guard arguments.count >= 4, arguments[0] == String(Launch.protocolVersion), let parent = pid_t(arguments[1]),
            let user = uid_t(arguments[2]), let group = gid_t(arguments[3])
        else {
            fputs("hb_notify is started by heartbeat, protocol version \(Launch.protocolVersion)\n", cl_stderr())
            return 64
        }
        return NotifierProcess.main(
            parent: parent, identity: Confinement.Identity(user: user, group: group),
            foreground: arguments.contains("foreground"), hasLogPipe: arguments.contains("log"))
    }
}
