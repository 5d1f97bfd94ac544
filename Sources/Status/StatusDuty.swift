// The door to this duty:
//     hb_status PROTOCOL-VERSION PARENT-PID USER GROUP PRIORITY|- [foreground] [log]
// Descriptor 3 is the channel from the control process, 5 the pipe to its log file with `log`.
import CLinux
import LinuxSystem
import Privsep

/// The status process: verifies, decides, orders; unprivileged, and in time.
package enum StatusDuty {
    /// Runs until everything is released, or control goes away. `arguments`: the words after the program's name.
    /// Returns the exit code; 64 where the arguments are not this version's.
    package static func main(_ arguments: [String]) -> Int32 {
        guard arguments.count >= 5, arguments[0] == String(Launch.protocolVersion), let parent = pid_t(arguments[1]),
            let user = uid_t(arguments[2]), let group = gid_t(arguments[3])
        else {
            fputs("hb_status is started by heartbeat, protocol version \(Launch.protocolVersion)\n", cl_stderr())
            return 64
        }
        return StatusProcess.main(
            parent: parent, identity: Confinement.Identity(user: user, group: group), priority: Int(arguments[4]),
            foreground: arguments.dropFirst(5).contains("foreground"),
            hasLogPipe: arguments.dropFirst(5).contains("log"))
    }
}
