// Who is at the other end of a local connection, as the kernel vouches for it: not what a client says of itself.
import CLinux

/// A process at the other end of a local connection, as it was when it connected.
package struct PeerCredentials: Equatable, Sendable {
    package var pid: pid_t
    package var user: uid_t
    /// Its primary group.
    package var group: gid_t
    /// Its supplementary groups; those beyond `groupsMax` are not asked for, and then there are none.
    package var otherGroups: [gid_t]

    private static let groupsMax = 256

    /// nil where the kernel does not know. The corresponding C function is `getsockopt`, with `SO_PEERCRED` and
    /// `SO_PEERGROUPS`.
    package init?(_ socket: Int32) {
        var peer = ucred()
        var length = socklen_t(MemoryLayout<ucred>.size)
        guard getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0 else { return nil }
        var groups = [gid_t](repeating: 0, count: PeerCredentials.groupsMax)
        var size = socklen_t(groups.count * MemoryLayout<gid_t>.size)
        let isKnown = getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, &groups, &size) == 0
        let count = isKnown ? Int(size) / MemoryLayout<gid_t>.size : 0
        self.init(pid: peer.pid, user: peer.uid, group: peer.gid, otherGroups: Array(groups.prefix(count)))
    }

    package init(pid: pid_t, user: uid_t, group: gid_t, otherGroups: [gid_t] = []) {
        self.pid = pid
        self.user = user
        self.group = group
        self.otherGroups = otherGroups
    }

    /// Whether the process has the rights of a group, as its primary one or besides.
    package func isMember(of other: gid_t) -> Bool { group == other || otherGroups.contains(other) }
}
