// Signals that a process must not end from.
import CLinux

/// What this process does with signals outside an event loop.
package enum Signals {
    /// Has the kernel discard a signal. Programs that `Spawn` starts have it at its default again.
    /// The corresponding C function is `signal`.
    package static func ignore(_ number: Int32) {
        // SIG_IGN, a cast that Swift does not import.
        _ = signal(number, unsafeBitCast(1, to: __sighandler_t?.self))
    }

    /// Has signals wait until an event loop takes them (`EventLoop.onSignal`). Programs that `Spawn` starts are not
    /// affected. The corresponding C function is `sigprocmask`.
    package static func hold(_ numbers: [Int32]) {
        var set = sigset_t()
        sigemptyset(&set)
        for number in numbers { sigaddset(&set, number) }
        sigprocmask(SIG_BLOCK, &set, nil)
    }
}
