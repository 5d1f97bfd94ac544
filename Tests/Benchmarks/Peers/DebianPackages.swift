// keepalived, corosync and pacemaker from their Debian packages: fetched and unpacked by `make peers`, not installed.
// Inside a node the unpacked files lie under the host's.
import LinuxSystem
import Rig

/// The unpacked packages.
struct DebianPackages: Sendable {
    private static let folder = Checkout.folder + "/.build/debian-peers"
    private let root = DebianPackages.folder + "/root"

    /// nil where a program of them is not there, or this kernel has no overlay file system.
    init?(program: String) {
        guard FileSystem.kind(of: root + program) != nil || FileSystem.kind(of: program) != nil,
            FileSystem.text(of: "/proc/filesystems", limit: 65536)?.contains("overlay") == true
        else { return nil }
    }

    /// Name and version of each fetched package whose name is one of these.
    static func versions(of names: [String]) -> [String] {
        let files = [folder, Checkout.folder + "/.build/debian-heartbeat"].flatMap {
            FileSystem.names(in: $0 + "/packages")
        }
        return names.compactMap { name in
            files.first { $0.hasPrefix(name + "_") }.map { file in
                let version = file.split(separator: "_").dropFirst().first ?? ""
                return "\(name) \(version.split(separator: "%3a").last ?? version)"
            }
        }
    }

    /// Puts the packages in place on a node that was just switched on, with their users, and with folders of its own
    /// for what runs.
    func install(on node: Node) throws {
        try node.command(["sh", "-euc", DebianPackages.script, "install", root, node.folder]).check()
    }

    /// Arguments: the unpacked packages, the node's folder.
    private static let script = """
        root=$1 node=$2
        for part in usr etc var; do
            [ ! -d "$root/$part" ] || mount -t overlay overlay -o "lowerdir=/$part:$root/$part" "/$part"
        done
        grep -v -e ^hacluster: /etc/passwd >"$node/passwd"; grep -v -e ^haclient: /etc/group >"$node/group"
        echo 'hacluster:x:989:989::/var/lib/pacemaker:/bin/false' >>"$node/passwd"
        echo 'haclient:x:989:' >>"$node/group"
        for file in passwd group; do mount --bind "$node/$file" "/etc/$file"; done
        mkdir -p "$node/var-log"
        mount --bind "$node/var-log" /var/log
        mount -t tmpfs tmpfs /run
        mkdir -p /run/lock
        mount -t tmpfs tmpfs /dev/shm
        """
}
