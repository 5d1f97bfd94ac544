// No helper outlives the process that started it.
import CLinux

/// The tie of a process to its parent.
package enum ParentWatch {
    /// Has the kernel kill this process when its parent ends. Ends the process now where the parent is no longer
    /// `expected`, the process id from our arguments: it may have ended before the kernel was told. MUST come after
    /// `Confinement.drop`, which makes the kernel forget. `signal`: what the kernel sends. The
    /// corresponding C function is `prctl(PR_SET_PDEATHSIG)`.
    package static func dieWithParent(_ expected: pid_t, signal: Int32 = SIGKILL) throws(SystemError) {
        _ = try retrying("prctl PR_SET_PDEATHSIG") { cl_prctl(PR_SET_PDEATHSIG, UInt(signal), 0, 0, 0) }
        if getppid() != expected { exit(0) }
    }
}
