// The door to this duty:
//     hb_resource PROTOCOL-VERSION PARENT-PID [realtime] [foreground]     descriptor 3: the channel from control
import CLinux
import LinuxSystem
import Privsep

/// The resource manager: starts, stops and watches what it is told to; root, without a network input.
package enum ResourceDuty {
    /// Runs until control says so or goes away. `arguments`: the words after the program's name. Returns the exit
    /// code; 64 where the arguments are not this version's.
    package static func main(_ arguments: [String]) -> Int32 {
        guard arguments.count >= 2, arguments[0] == String(Launch.protocolVersion), let parent = pid_t(arguments[1])
        else {
            fputs("hb_resource is started by heartbeat, protocol version \(Launch.protocolVersion)\n", cl_stderr())
            return 64
        }
        let words = arguments.dropFirst(2)
        return ResourceProcess.main(
            parent: parent, isRealtime: words.contains("realtime"), foreground: words.contains("foreground"))
    }
}
