// One helper process: started, watched, reaped.
import CLinux
import ClusterModel
import LinuxSystem
import Reactor

/// How helpers are started, and whom the unprivileged ones become.
struct HelperPrograms {
    let identity = Confinement.Identity.named(user: "hacluster", group: "haclient")

    /// This very program, also after an upgrade has replaced its file; `name` tells it its duty.
    static let program = "/proc/self/exe"

    /// A helper that leads a process group, so that Ctrl-C in a terminal reaches control alone.
    func spawn(_ name: String, _ arguments: [String]) -> Spawn {
        var spawn = Spawn(program: HelperPrograms.program, arguments: [name] + arguments)
        // A crash must cost milliseconds, not the seconds of a backtrace.
        spawn.environment = Spawn.inherited(["PATH", "TZ", "LANG", "JOURNAL_STREAM"]) + ["SWIFT_BACKTRACE=enable=no"]
        spawn.leadsProcessGroup = true
        return spawn
    }
}

/// A running helper. Dropping it leaves the process to itself; `end` ends it and reaps it, dropped or not.
final class Helper {
    let role: String
    let pid: pid_t
    private var source: EventSource?
    /// This helper, from `end` until it is reaped: without its event source it would stay a zombie.
    private var ending: Helper?
    private var isReaped = false

    /// Starts the program; `ended` is called once, after it was reaped.
    init(_ role: String, _ spawn: Spawn, loop: EventLoop, ended: @escaping (ChildStatus) -> Void) throws(SystemError) {
        self.role = role
        pid = try spawn.start()
        source = try loop.onChildExit(pid) { [unowned self] status in
            let ending = self.ending
            self.ending = nil
            isReaped = true
            ended(status)
            withExtendedLifetime(ending) {}
        }
    }

    /// Kills the process; `ended` is called when that is done. One that has ended is left alone.
    func end() {
        if isReaped { return }
        ending = self
        _ = kill(pid, SIGKILL)
    }
}
