// heartbeat 3.0.6 from its Debian package, as the daemon of a node. The package is unpacked and not installed: the host
// keeps its own programs, and no daemon is started there. Inside the node the unpacked files lie under the host's.
import CLinux
import ClusterModel
import LinuxSystem

/// The unpacked package, run in nodes of a cluster.
package struct DebianHeartbeat {
    private let root = Checkout.debianPackage

    private static let daemon = "/usr/libexec/heartbeat/heartbeat"

    /// nil where the package was not unpacked, or this kernel has no overlay file system.
    package init?() {
        guard FileSystem.kind(of: root + DebianHeartbeat.daemon) != nil,
            FileSystem.text(of: "/proc/filesystems", limit: 65536)?.contains("overlay") == true
        else { return nil }
    }

    /// Lines of ha.cf that only 3.0.6 needs: a log, and nothing that a namespace does not allow.
    package static let directives = [
        "logfile /var/log/ha-log", "logfacility none", "realtime off", "coredumps false", "debug 0",
    ]

    /// Puts the package in place on a node that was just switched on, with the node's own configuration folder as
    /// /etc/ha.d. What 3.0.6 keeps in /var/lib/heartbeat outlives a power cut.
    package func install(on node: Node) throws {
        try Folder.make(node.folder + "/lib")
        try Folder.make(node.folder + "/var-log")
        try node.command(["sh", "-euc", script, "install", root, node.folder, node.configurationFolder]).check()
    }

    /// Arguments: the unpacked package, the node's folder, its configuration folder.
    private var script: String {
        """
        root=$1 node=$2 conf=$3
        mount -t overlay overlay -o "lowerdir=/usr:$root/usr" /usr
        mount -t overlay overlay -o "lowerdir=/etc:$root/etc" /etc
        mount -t overlay overlay -o "lowerdir=/var:$root/var" /var
        grep -v -e ^hacluster: /etc/passwd >"$node/passwd"; grep -v -e ^haclient: /etc/group >"$node/group"
        echo 'hacluster:x:989:989::/var/lib/heartbeat:/bin/false' >>"$node/passwd"
        echo 'haclient:x:989:' >>"$node/group"
        for file in passwd group; do mount --bind "$node/$file" "/etc/$file"; done
        cp -an "$root/etc/ha.d/." "$conf/"
        mount --bind "$conf" /etc/ha.d
        [ -e "$node/lib/api" ] || cp -a "$root/var/lib/heartbeat/." "$node/lib/"
        chown -R root:root "$conf"; chown root:root "$node/lib"
        mount --bind "$node/lib" /var/lib/heartbeat
        mount --bind "$node/var-log" /var/log
        mount -t tmpfs tmpfs /run
        mkdir -p /run/heartbeat/rsctmp /run/heartbeat/dopd /run/heartbeat/ccm /run/heartbeat/crm /run/resource-agents \\
            /run/lock
        chown hacluster:haclient /run/heartbeat
        # A stop that fails makes 3.0.6 reboot the machine.
        for program in reboot init halt poweroff; do
            path=$(readlink -f "/usr/sbin/$program" || :)
            if [ -e "$path" ]; then mount --bind /bin/true "$path"; fi
        done
        """
    }

    /// Starts the daemon in the foreground.
    package func start(on node: Node) throws {
        try node.start([DebianHeartbeat.daemon, "-f"])
    }

    /// `heartbeat -k`, as its init script does; returns before the daemon has ended.
    package func beginStop(on node: Node) throws {
        _ = try node.command([DebianHeartbeat.daemon, "-k"]).start()
    }

    /// `heartbeat -r`: it reads authkeys again.
    package func reload(on node: Node) throws {
        try node.command([DebianHeartbeat.daemon, "-r"]).check()
    }

    /// Takes the programs away, and leaves what `apt-get remove` leaves.
    package func remove(from node: Node) throws {
        precondition(!runs(on: node), "3.0.6 still runs on \(node.name)")
        try node.command(["umount", "--lazy", "/usr"]).check()
    }

    /// Whether a daemon runs on the node.
    package func runs(on node: Node) -> Bool {
        node.processes.contains { $0.title.hasPrefix("heartbeat: master control process") }
    }

    /// Runs one of its commands as if typed on the node: `hb_standby`, `hb_takeover`.
    @discardableResult
    package func run(_ program: String, _ arguments: [String], on node: Node) throws -> Command.Outcome {
        try node.command(["/usr/share/heartbeat/\(program)"] + arguments).run()
    }

    /// What it says that it holds: none, local, foreign, all, transition.
    package func holdings(on node: Node) throws -> String {
        let outcome = try node.command(["\(root)/usr/bin/cl_status", "rscstatus"]).run()
        return outcome.output.split(separator: "\n").last.map(String.init) ?? ""
    }

    /// Its log, over all its starts.
    package func log(of node: Node) -> String { Folder.read(node.folder + "/var-log/ha-log") }
}
