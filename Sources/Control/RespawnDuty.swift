// The door to a client of a `respawn` line:
//     hb_respawn PARENT-PID USER COMMAND
// Becomes the user, and then the command, by way of the shell as heartbeat 3.0.6 does (specs/heartbeat.md section 7).
import CLinux
import LinuxSystem

/// Becomes a client.
package enum RespawnDuty {
    /// Returns only where the client cannot be started: 100, so that nobody tries again, where that is for good.
    package static func main(_ arguments: [String]) -> Int32 {
        guard arguments.count == 3, let parent = pid_t(arguments[0]) else { return 64 }
        let (user, command) = (arguments[1], arguments[2])
        guard let entry = getpwnam(user) else { return RespawnPolicy.noRestartCode }
        let identity = (user: entry.pointee.pw_uid, group: entry.pointee.pw_gid)
        OrdinaryService.enter()
        if geteuid() == 0 {
            guard initgroups(user, identity.group) == 0, setgid(identity.group) == 0, setuid(identity.user) == 0 else {
                return RespawnPolicy.noRestartCode
            }
        }
        do throws(SystemError) {
            // A client that outlived this daemon would stand beside the one that the next daemon starts.
            try ParentWatch.dieWithParent(parent, signal: SIGTERM)
        } catch {
            return 1
        }
        let words: [String] = ["sh", "-c", "exec \(command)"]
        let vector: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
        execv("/bin/sh", vector)
        return RespawnPolicy.noRestartCode
    }
}
