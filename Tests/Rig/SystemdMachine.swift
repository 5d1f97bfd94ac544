// A machine with systemd as process 1: the host's own files below, a layer in memory above, namespaces and a control
// group of its own. Nothing of it outlives the rig.
import CLinux
import ClusterModel
import LinuxSystem

package final class SystemdMachine {
    package let name: String
    private let holder: HeldProcess
    /// Process 1 of the machine, as the host sees it.
    private let initial: pid_t
    private let waiting: Waiting

    /// Why no machine can be made here; nil where one can.
    package static var obstacle: String? {
        if geteuid() != 0 { return "only root can make namespaces" }
        if FileSystem.kind(of: SystemdBoot.systemd) == nil { return "there is no \(SystemdBoot.systemd)" }
        if SystemdBoot.controlGroups == nil { return "there is no cgroup2 filesystem" }
        return nil
    }

    /// Where the machine sees the folder of the programs under test.
    package static let programs = "/opt/rig"

    /// Boots the machine and plugs it into every bridge of a network. `programs`: the folder with `hb_demo` and with
    /// what is to be tried.
    package init(
        _ name: String, number: Int, network: Switch, programs: String, folder: String, waiting: Waiting
    ) throws {
        self.name = name
        self.waiting = waiting
        let place = "\(folder)/\(name)-systemd"
        try Folder.make(place)
        try Folder.write(SystemdBoot.script, to: place + "/boot", mode: 0o755)
        let (process, lines) = try HeldProcess.start(
            programs + "/hb_demo", ["rig-systemd", name, place, programs], waiting: waiting)
        guard let pid = lines.first.flatMap({ pid_t($0) }) else { throw RigError("\(name) has no process 1") }
        holder = process
        initial = pid
        try network.plugIn(number, pid: pid, bridges: 0..<network.bridgeCount)
        var last = ""
        do {
            try waiting.until("systemd of \(name) at work", within: .seconds(60)) {
                last = try run(["systemctl", "is-system-running"]).output
                return last.hasPrefix("running") || last.hasPrefix("degraded")
            }
        } catch {
            throw RigError("\(error): \(last)\(Folder.read(place + "/console"))")
        }
    }

    /// Runs a command in the machine, found by PATH.
    @discardableResult
    package func run(_ words: [String], within limit: Duration = .seconds(60)) throws -> Command.Outcome {
        try Command(enter + words).run(within: limit, waiting: waiting)
    }

    /// Runs a command that must succeed.
    @discardableResult
    package func check(_ words: String...) throws -> String {
        let outcome = try run(words)
        guard outcome.succeeded else {
            throw RigError("\(name): \(words.joined(separator: " ")): \(outcome.status): \(outcome.output)")
        }
        return outcome.output
    }

    /// Writes a file of the machine.
    package func write(_ path: String, _ text: String, mode: String = "644") throws {
        try check("sh", "-c", "cat >\"$0\" <<'END-OF-FILE'\n\(text)END-OF-FILE\nchmod \(mode) \"$0\"", path)
    }

    /// A command that goes on in the machine until it is ended with `Children.signal`.
    package func start(_ words: [String], output: String) throws -> pid_t {
        let file = try Descriptor.open(output, O_WRONLY | O_CREAT | O_TRUNC, mode: 0o644)
        return try Command(enter + words).start(descriptors: [1: file.raw, 2: file.raw])
    }

    private var enter: [String] {
        ["nsenter", "--target", "\(initial)", "--net", "--mount", "--pid", "--uts", "--ipc", "--cgroup", "--"]
    }

    /// Ends every process of the machine.
    package func finish() { holder.finish() }
}

/// What the machine is made by.
enum SystemdBoot {
    static let systemd = "/lib/systemd/systemd"

    /// Where the host has its second version of control groups.
    static var controlGroups: String? {
        let table = FileSystem.text(of: "/proc/self/mountinfo", limit: 1 << 20) ?? ""
        return table.split(separator: "\n").lazy.map { $0.split(separator: " ") }
            .first { $0.contains("cgroup2") && $0.count > 4 }.map { String($0[4]) }
    }

    /// Runs as process 1 in the new namespaces, in a folder of its own, and becomes systemd. Arguments: the machine's
    /// name, and a folder of the host that the machine sees read-only as `SystemdMachine.programs`. What would reach
    /// beyond the machine (kernel settings, modules, clocks) and what the host runs is left out.
    static let script = """
        #!/bin/bash
        set -e
        mount --make-rprivate /
        mkdir layer root
        mount -t tmpfs tmpfs layer
        mkdir layer/files layer/work
        mount -t overlay overlay -o "lowerdir=/,upperdir=$PWD/layer/files,workdir=$PWD/layer/work" root
        place=$PWD
        cd root
        mount -t proc proc proc
        mount -t sysfs -o ro sysfs sys
        mount -t cgroup2 -o rw,nsdelegate cgroup2 sys/fs/cgroup
        mount -t tmpfs -o mode=755 tmpfs run
        # Its own: the machine empties it at its boot.
        mount -t tmpfs -o mode=1777 tmpfs tmp
        # The programs to try, wherever they lie on the host.
        mkdir -p opt/rig
        mount --bind "$2" opt/rig
        mount -o remount,bind,ro opt/rig
        mount -t tmpfs -o mode=755,nosuid tmpfs dev
        for node in null zero full random urandom tty; do touch dev/$node; mount --bind /dev/$node dev/$node; done
        mkdir dev/pts dev/shm
        mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts dev/pts
        ln -s pts/ptmx dev/ptmx
        ln -s /proc/self/fd dev/fd
        rm -rf etc/systemd/system etc/ha.d var/lib/heartbeat var/log/journal
        mkdir -p etc/systemd/system etc/ha.d etc/systemd/journald.conf.d
        printf '[Journal]\\nStorage=volatile\\n' >etc/systemd/journald.conf.d/rig.conf
        for unit in systemd-sysctl.service systemd-modules-load.service systemd-pstore.service \\
            systemd-timesyncd.service systemd-udevd.service systemd-udev-trigger.service \\
            systemd-binfmt.service systemd-random-seed.service \\
            systemd-logind.service systemd-update-utmp.service systemd-networkd.service systemd-resolved.service \\
            systemd-tmpfiles-clean.timer systemd-hwdb-update.service kmod-static-nodes.service \\
            proc-sys-fs-binfmt_misc.automount dev-hugepages.mount dev-mqueue.mount sys-kernel-config.mount \\
            sys-kernel-debug.mount sys-kernel-tracing.mount sys-fs-fuse-connections.mount timers.target getty.target; do
            ln -s /dev/null etc/systemd/system/$unit
        done
        echo "$1" >etc/hostname
        rm -f etc/machine-id
        hostname "$1"
        ip link set lo up
        mkdir -p mnt
        pivot_root . mnt
        umount -l /mnt
        exec env -i container=rig PATH=/usr/sbin:/usr/bin:/sbin:/bin TERM=dumb LANG=C.UTF-8 \(systemd) --system \\
            --unit=basic.target --log-target=console --show-status=no
        """

    /// Holds a machine until standard input ends: `NAME FOLDER PROGRAMS`. Prints process 1 of the machine as the
    /// host sees it.
    static func hold(_ arguments: [String]) throws -> Int32 {
        guard arguments.count == 3, let groups = controlGroups else { throw RigError("expected NAME FOLDER PROGRAMS") }
        let group = "\(groups)/hbx-\(arguments[0])-\(getpid())"
        try Folder.make(group)
        let console = try Descriptor.open(arguments[1] + "/console", O_WRONLY | O_CREAT, mode: 0o644)
        var spawn = Spawn(
            program: "/bin/sh",
            arguments: [
                "sh", "-c",
                "echo $$ >\"$0/cgroup.procs\" && exec setpriv --pdeathsig KILL unshare --net --mount --uts --ipc --pid"
                    + " --cgroup --fork --kill-child -- ./boot \"$1\" \"$2\"",
                group, arguments[0], arguments[2],
            ])
        spawn.workingDirectory = arguments[1]
        spawn.environment = Spawn.inherited(["PATH"])
        spawn.descriptors = [1: console.raw, 2: console.raw]
        let parent = try spawn.start()
        defer {
            try? Children.signal(parent, SIGKILL)
            _ = try? Children.wait(parent)
            removeGroup(group)
        }
        // Process 1 is systemd once it has left the script behind.
        let waiting = Waiting()
        var initial: pid_t?
        try waiting.until("systemd in place of the script", within: .seconds(60)) {
            let children = FileSystem.text(of: "/proc/\(parent)/task/\(parent)/children", limit: 64) ?? ""
            initial = children.split(separator: " ").first.flatMap { pid_t($0) }
            guard let initial else { return false }
            return FileSystem.text(of: "/proc/\(initial)/comm", limit: 64) == "systemd\n"
        }
        RigProgram.announce("\(initial ?? 0)\n")
        RigProgram.announceReady()
        NamespaceHolder.awaitEndOfInput()
        if let initial { try Children.signal(initial, SIGKILL) }
        return 0
    }

    /// The groups can be removed once the last process is gone, from the innermost outwards.
    private static func removeGroup(_ path: String) {
        for _ in 0..<200 {
            for name in FileSystem.names(in: path) where FileSystem.kind(of: "\(path)/\(name)") == .directory {
                removeGroup("\(path)/\(name)")
            }
            if rmdir(path) == 0 || cl_errno() == ENOENT { return }
            Waiting.sleep()
        }
    }
}
