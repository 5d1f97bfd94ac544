// Says which execution ended the program, where a trap or a hang did.
import CLinux

/// What is printed when a signal ends the program.
enum CrashReport {
    /// The execution that runs.
    nonisolated(unsafe) static var execution: UInt64 = 0

    /// From here on a trap, a wild access and the alarm are told. The corresponding C function is `signal`.
    static func arm() {
        for number in [SIGILL, SIGTRAP, SIGSEGV, SIGBUS, SIGFPE, SIGABRT, SIGALRM] {
            signal(number) { number in
                // Only what is safe in a signal's handler: digits by hand, write, _exit.
                CrashReport.write("FAILED: signal ", UInt64(number))
                CrashReport.write(" in execution ", CrashReport.execution)
                _ = CLinux.write(STDOUT_FILENO, "\n", 1)
                _exit(128 + number)
            }
        }
    }

    private static func write(_ text: StaticString, _ value: UInt64) {
        _ = CLinux.write(STDOUT_FILENO, text.utf8Start, text.utf8CodeUnitCount)
        var unit: UInt64 = 1
        while value / unit >= 10 { unit *= 10 }
        while unit > 0 {
            var digit = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: value / unit % 10)
            _ = CLinux.write(STDOUT_FILENO, &digit, 1)
            unit /= 10
        }
    }
}
