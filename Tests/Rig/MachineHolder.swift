// Ties the emulator to the rig: it ends with the rig, however that ends, and the rig sees when it ends by itself.
import CLinux
import LinuxSystem

/// What holds a running QEMU.
enum MachineHolder {
    /// Runs the words as a program that ends with this process, until standard input ends. Prints the program's
    /// process id first; ends when it ends.
    static func hold(_ words: [String]) throws -> Int32 {
        var set = sigset_t()
        sigemptyset(&set)
        sigaddset(&set, SIGCHLD)
        sigprocmask(SIG_BLOCK, &set, nil)
        let signals = Descriptor(owning: try retrying("signalfd") { signalfd(-1, &set, Int32(SFD_CLOEXEC)) })
        var spawn = Spawn(
            program: "/usr/bin/env", arguments: ["env", "setpriv", "--pdeathsig", "KILL", "--"] + words)
        spawn.environment = Spawn.inherited(["PATH"])
        // Its complaints are the rig's.
        spawn.descriptors = [1: 2, 2: 2]
        let pid = try spawn.start()
        RigProgram.announce("\(pid)\n")
        RigProgram.announceReady()
        while true {
            var ready = [Readiness(0, read: true), Readiness(signals.raw, read: true)]
            try Readiness.wait(&ready)
            if try Children.poll(pid) != nil { return 0 }
            if ready[0].isReadable || ready[0].isHungUp { break }
            var info = signalfd_siginfo()
            if ready[1].isReadable { _ = read(signals.raw, &info, MemoryLayout<signalfd_siginfo>.size) }
        }
        try Children.signal(pid, SIGKILL)
        _ = try Children.wait(pid)
        return 0
    }
}
