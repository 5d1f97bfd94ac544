// Runs a process before all ordinary ones and keeps it in memory: a heartbeat that waits for a disk is a false alarm.
import CLinux

/// The scheduling of a process that must be in time.
package enum Realtime {
    /// Takes a SCHED_FIFO priority (1 to 99), which children do not inherit, and locks memory. Returns what was not
    /// allowed, for a warning; the process works without it. MUST come before `Confinement.drop`.
    /// The corresponding C functions are `sched_setscheduler` and `mlockall`.
    package static func enter(priority: Int) -> [SystemError] {
        var refused: [SystemError] = []
        var parameters = sched_param(sched_priority: Int32(clamping: priority))
        if sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &parameters) == -1 {
            refused.append(.last("real-time priority \(priority)"))
        }
        do throws(SystemError) {
            try lockMemory()
        } catch {
            refused.append(error)
        }
        return refused
    }

    /// Locks what is mapped now and later. Only without a limit: under one, the first allocation that exceeds it would
    /// end a process that has given up root.
    private static func lockMemory() throws(SystemError) {
        var limit = rlimit(rlim_cur: .max, rlim_max: .max)
        _ = try retrying("lock memory: raise the limit (LimitMEMLOCK=infinity)") {
            setrlimit(__RLIMIT_MEMLOCK, &limit)
        }
        _ = try retrying("lock memory") { mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) }
    }
}
