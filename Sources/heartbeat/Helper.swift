// One helper process: started, watched, reaped.
import CLinux
import ClusterModel
import LinuxSystem
import Reactor

/// The programs of the helpers, and whom the unprivileged ones become.
struct HelperPrograms {
    let directory: String
    let identity: Confinement.Identity

    /// Looks beside the daemon's own program, then in libexec.
    init() throws(SystemError) {
        guard let own = FileSystem.target(ofLink: "/proc/self/exe") else {
            throw SystemError(code: ENOENT, operation: "readlink /proc/self/exe")
        }
        let folder = own[..<(own.lastIndex(of: "/") ?? own.startIndex)]
        let places = ["\(folder)", "\(folder)/../libexec/heartbeat", "/usr/libexec/heartbeat"]
        guard let found = places.first(where: { access($0 + "/hb_status", X_OK) == 0 }) else {
            throw SystemError(code: ENOENT, operation: "find hb_status in \(places.joined(separator: ", "))")
        }
        directory = found
        identity = Confinement.Identity.named(user: "hacluster", group: "haclient")
    }

    func program(_ name: String) -> String { directory + "/" + name }

    /// A helper that leads a process group, so that Ctrl-C in a terminal reaches control alone.
    func spawn(_ name: String, _ arguments: [String]) -> Spawn {
        var spawn = Spawn(program: program(name), arguments: [name] + arguments)
        // A crash must cost milliseconds, not the seconds of a backtrace.
        spawn.environment = Spawn.inherited(["PATH", "TZ", "LANG", "JOURNAL_STREAM"]) + ["SWIFT_BACKTRACE=enable=no"]
        spawn.leadsProcessGroup = true
        return spawn
    }
}

/// A running helper. Dropping it leaves the process to itself; `end` ends it.
final class Helper {
    let role: String
    let pid: pid_t
    private var source: EventSource?

    /// Starts the program; `ended` is called once, after it was reaped.
    init(_ role: String, _ spawn: Spawn, loop: EventLoop, ended: @escaping (ChildStatus) -> Void) throws(SystemError) {
        self.role = role
        pid = try spawn.start()
        source = try loop.onChildExit(pid, ended)
    }

    func end() { _ = kill(pid, SIGKILL) }
}
