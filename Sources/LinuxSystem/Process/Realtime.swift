// Runs a process before all ordinary ones and keeps it in memory: a heartbeat that waits for a disk is a false alarm.
import CLinux

/// The scheduling of a process that must be in time.
package enum Realtime {
    /// Takes a SCHED_FIFO priority (1 to 99), which children do not inherit, and locks memory. Returns what was not
    /// allowed, for a warning; the process works without it. MUST come before `Confinement.drop`.
    /// The corresponding C functions are `sched_setscheduler` and `mlockall`.
    package static func enter(priority: Int) -> [SystemError] {
        var refused: [SystemError] = []
        do throws(SystemError) {
            try schedule(priority: priority)
        } catch {
            refused.append(error)
        }
        do throws(SystemError) {
            try lockMemory()
        } catch {
            refused.append(error)
        }
        return refused
    }

    /// Takes a SCHED_FIFO priority (1 to 99), which children do not inherit; 0 is that of an ordinary program.
    package static func schedule(priority: Int) throws(SystemError) {
        var parameters = sched_param(sched_priority: Int32(clamping: priority))
        let policy = priority == 0 ? SCHED_OTHER : SCHED_FIFO
        _ = try retrying("real-time priority \(priority)") {
            sched_setscheduler(0, policy | SCHED_RESET_ON_FORK, &parameters)
        }
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
