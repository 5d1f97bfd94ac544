// The clocks of the machine. Only shells read them; the core is handed the result.
import CLinux
import ClusterModel

/// Readings of the machine's clocks, in nanoseconds.
package enum Clock {
    /// Time since boot, counting suspension, never set back. The corresponding C function is `clock_gettime`.
    package static func now() -> Instant {
        var time = timespec()
        clock_gettime(CLOCK_BOOTTIME, &time)
        return Instant(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
    }

    /// Waits in a process that has nothing else to do; a signal may end the wait early. The corresponding C function
    /// is `nanosleep`.
    package static func wait(_ duration: Duration) {
        let nanoseconds = max(0, duration.wholeNanoseconds)
        var time = timespec(tv_sec: Int(nanoseconds / 1_000_000_000), tv_nsec: Int(nanoseconds % 1_000_000_000))
        nanosleep(&time, nil)
    }

    /// Wall-clock nanoseconds since 1970; may be set back at any time.
    package static func wallNanoseconds() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}
