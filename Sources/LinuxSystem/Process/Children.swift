// The processes that this process has started: how they end, and how they are ended.
import CLinux

/// How a child ended.
package enum ChildStatus: Equatable, Sendable, CustomStringConvertible {
    case exited(Int32)
    case killed(signal: Int32)

    /// `exit code 1` or `signal 9`.
    package var description: String {
        switch self {
        case .exited(let code): "exit code \(code)"
        case .killed(let signal): "signal \(signal)"
        }
    }
}

/// What can be done with the processes that this process started.
package enum Children {
    /// Waits until a child has ended, and reaps it. The corresponding C function is `waitpid`.
    package static func wait(_ pid: pid_t) throws(SystemError) -> ChildStatus {
        try reap(pid, options: 0) ?? .exited(0)
    }

    /// Reaps a child that has ended; nil while it runs. The corresponding C function is `waitpid`.
    package static func poll(_ pid: pid_t) throws(SystemError) -> ChildStatus? { try reap(pid, options: WNOHANG) }

    /// Sends a signal to one process. A process that is gone is no error. The corresponding C function is `kill`.
    package static func signal(_ pid: pid_t, _ signal: Int32) throws(SystemError) {
        precondition(pid > 0, "process id \(pid) names more than one process")
        try send(signal, to: pid)
    }

    /// Sends a signal to the process group that a child leads (`Spawn.leadsProcessGroup`). A group that is gone is no
    /// error. The corresponding C function is `kill`.
    package static func signalGroup(_ leader: pid_t, _ signal: Int32) throws(SystemError) {
        precondition(leader > 1, "\(leader) is no process group that a child can lead")
        try send(signal, to: -leader)
    }

    private static func send(_ signal: Int32, to target: pid_t) throws(SystemError) {
        do throws(SystemError) {
            _ = try retrying("kill \(target)") { kill(target, signal) }
        } catch {
            if error.code != ESRCH { throw error }
        }
    }

    private static func reap(_ pid: pid_t, options: Int32) throws(SystemError) -> ChildStatus? {
        precondition(pid > 0, "process id \(pid) names more than one process")
        var status: Int32 = 0
        let reaped = try retrying("waitpid \(pid)") { waitpid(pid, &status, options) }
        if reaped == 0 { return nil }
        if cl_wifsignaled(status) != 0 { return .killed(signal: cl_wtermsig(status)) }
        return .exited(cl_wexitstatus(status))
    }
}
