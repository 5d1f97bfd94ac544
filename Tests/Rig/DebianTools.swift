// Debian's heartbeat as an installed package looks to who uses its tools, in the mount namespace of a node: unpacked
// files over /usr and /etc, this project's sockets where the package's programs look for them.
import CLinux
import LinuxSystem

/// The unpacked package (`make peer`).
package enum DebianTools {
    /// Where it was unpacked; nil where it was not.
    package static var root: String? {
        FileSystem.kind(of: Checkout.debianPackage + "/usr/bin/cl_status").map { _ in Checkout.debianPackage }
    }

    /// Makes a node, which is on and runs no daemon yet, see the package as installed, with its users.
    package static func install(on node: Node) throws {
        guard node.isIsolated, let root else { throw RigError("Debian's heartbeat cannot be shown to \(node.name)") }
        let script = """
            layer=$2/debian
            mkdir -p $layer $2/state
            mount -t tmpfs tmpfs $layer
            mkdir $layer/files $layer/work
            mount -t overlay overlay -o lowerdir=$1/usr:/usr /usr
            mount -t overlay overlay -o lowerdir=$1/etc:/etc,upperdir=$layer/files,workdir=$layer/work /etc
            getent group haclient >/dev/null || groupadd -r haclient
            getent passwd hacluster >/dev/null || useradd -r -g haclient -d /var/lib/heartbeat hacluster
            mount -t tmpfs tmpfs /run
            mkdir /run/heartbeat /run/resource-agents
            mount --bind $2 /run/heartbeat
            mount -t tmpfs tmpfs /var/lib
            mkdir /var/lib/heartbeat
            mount --bind $2/state /var/lib/heartbeat
            """
        try node.command(["sh", "-ec", script, "sh", root, node.runFolder]).check()
    }
}
