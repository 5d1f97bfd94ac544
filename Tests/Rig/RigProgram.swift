// The programs that the rig runs beside itself, all in one executable: what holds a namespace or a virtual machine, the
// serial cable, the client's probes, and the small web service.
import CLinux
import ClusterModel
import LinuxSystem

/// The programs of the rig by their first argument.
package enum RigProgram {
    /// Runs the program that the arguments name to its end and returns its exit code; nil where they name none.
    package static func run(_ arguments: [String]) -> Int32? {
        guard let word = arguments.first else { return nil }
        let rest = Array(arguments.dropFirst())
        do {
            switch word {
            case "rig-network": return try NamespaceHolder.holdNetwork(removing: rest.first)
            case "rig-node": return try NamespaceHolder.holdNode(rest)
            case "rig-init": return try NamespaceHolder.initialize(rest)
            case "rig-systemd": return try SystemdBoot.hold(rest)
            case "rig-machine": return try MachineHolder.hold(rest)
            case "rig-cable": return try CableRelay.run()
            case "probe": return try AddressProbe.run(rest)
            case "probe-owners": return try OwnerProbe.run(rest)
            case "probe-web": return try WebProbe.run(rest)
            case "api-client": return try APIClient.run(rest)
            case "web": return try WebServer.run(rest)
            default: return nil
            }
        } catch {
            print("\(word): \(error)")
            return 1
        }
    }

    /// Tells the rig that the program is at work.
    static func announceReady() { announce("ready\n") }

    /// Standard output may be a pipe: nothing is buffered.
    static func announce(_ text: String) {
        var text = text
        text.withUTF8 { _ = write(1, $0.baseAddress, $0.count) }
    }
}

/// The processes that namespaces live in.
enum NamespaceHolder {
    /// Holds a network namespace until standard input ends. Then removes a folder, if one is named, and gives back what
    /// stands for disks in it: this process outlives the rig, so it cleans up behind it even when the rig was killed.
    static func holdNetwork(removing folder: String?) throws -> Int32 {
        if unshare(CLONE_NEWNET) != 0 { throw SystemError.last("make a network namespace") }
        RigProgram.announceReady()
        awaitEndOfInput()
        guard let folder else { return 0 }
        SharedDisk.unplug(below: folder)
        // What the rig had mounted stays mounted for this process, where it did not come to unmount it.
        for directory in MountTable.directories(of: "self").reversed() where directory.hasPrefix(folder + "/") {
            umount2(directory, Int32(MNT_DETACH))
        }
        // The nodes end at the same time, and may still write.
        for _ in 0..<250 {
            Folder.remove(folder)
            if FileSystem.kind(of: folder) == nil { return 0 }
            Waiting.sleep()
            usleep(20_000)
        }
        return 1
    }

    /// Makes the namespaces of a node and starts process 1 in them; ends with it.
    static func holdNode(_ arguments: [String]) throws -> Int32 {
        if unshare(CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWPID) != 0 {
            throw SystemError.last("make the namespaces of a node")
        }
        var spawn = Spawn(program: "/proc/self/exe", arguments: ["init", "rig-init"] + arguments)
        spawn.environment = Spawn.inherited(["PATH"])
        spawn.descriptors = [0: 0, 1: 1]
        _ = try Children.wait(try spawn.start())
        return 0
    }

    /// Process 1 of a node: prints its process id as the rig sees it, makes the node's own /proc and /sys, has a folder
    /// of devices of its own where all nodes look for theirs, names the node, then reaps whatever is left behind. When
    /// it ends, the kernel ends every process of the node.
    static func initialize(_ arguments: [String]) throws -> Int32 {
        guard arguments.count == 3 else { throw RigError("expected NAME OWN-DEVICES DEVICES") }
        let name = arguments[0]
        // The host's /proc is still in place and knows us by the host's number.
        guard let pid = FileSystem.target(ofLink: "/proc/self") else { throw RigError("/proc is not mounted") }
        try mount("none", "/", nil, UInt(MS_REC | MS_PRIVATE))
        try mount("proc", "/proc", "proc", 0)
        try mount("sysfs", "/sys", "sysfs", 0)
        try mount(arguments[1], arguments[2], nil, UInt(MS_BIND))
        if sethostname(name, name.utf8.count) != 0 { throw SystemError.last("name the node") }
        var set = sigset_t()
        sigemptyset(&set)
        sigaddset(&set, SIGCHLD)
        sigprocmask(SIG_BLOCK, &set, nil)
        let signals = Descriptor(owning: try retrying("signalfd") { signalfd(-1, &set, Int32(SFD_CLOEXEC)) })
        RigProgram.announce("\(pid)\n")
        RigProgram.announceReady()
        while true {
            var ready = [Readiness(0, read: true), Readiness(signals.raw, read: true)]
            try Readiness.wait(&ready)
            if ready[0].isReadable || ready[0].isHungUp { return 0 }
            if ready[1].isReadable {
                var info = signalfd_siginfo()
                _ = read(signals.raw, &info, MemoryLayout<signalfd_siginfo>.size)
            }
            while waitpid(-1, nil, WNOHANG) > 0 {}
        }
    }

    private static func mount(_ source: String, _ target: String, _ type: String?, _ flags: UInt) throws {
        if CLinux.mount(source, target, type, flags, nil) != 0 { throw SystemError.last("mount \(target)") }
    }

    static func awaitEndOfInput() {
        var byte: UInt8 = 0
        while true {
            let count = read(0, &byte, 1)
            if count == 0 || (count == -1 && cl_errno() != EINTR) { return }
        }
    }
}
