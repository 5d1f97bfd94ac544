// The door to this duty: the command line of `heartbeat`.
import Admin
import CLinux

/// The control process, and the commands that speak to a running one.
package enum ControlDuty {
    /// Carries out a command line; as the daemon it runs until the node is shut down. `arguments`: the words after
    /// the program's name. Returns the exit code; 2 for a wrong command line.
    package static func main(_ arguments: [String]) -> Int32 {
        do {
            return DaemonCommands(try Options.parse(arguments)).run()
        } catch {
            fputs("heartbeat: \(error)\nTry 'heartbeat --help'.\n", cl_stderr())
            return 2
        }
    }
}
