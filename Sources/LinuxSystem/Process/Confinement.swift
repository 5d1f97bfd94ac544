// Gives up root for good: what a helper process does before it reads a byte from anybody.
import CLinux

/// The end of a process's rights.
package enum Confinement {
    /// A user and a group by their numbers. Helpers get them in their arguments, so that they look no name up.
    package struct Identity: Equatable, Sendable {
        package var user: uid_t
        package var group: gid_t

        package init(user: uid_t, group: gid_t) {
            self.user = user
            self.group = group
        }

        /// 65534 for both, which owns nothing.
        package static let nobody = Identity(user: 65534, group: 65534)

        /// The numbers behind two names; `nobody` where either is unknown or root. May read files and ask servers.
        /// The corresponding C functions are `getpwnam` and `getgrnam`.
        package static func named(user: String, group: String) -> Identity {
            guard let userEntry = getpwnam(user), let groupEntry = getgrnam(group) else { return nobody }
            let identity = Identity(user: userEntry.pointee.pw_uid, group: groupEntry.pointee.gr_gid)
            return identity.user == 0 || identity.group == 0 ? nobody : identity
        }
    }

    /// Becomes an unprivileged user, with no way back and none for programs that it may execute. A process that is not
    /// root keeps its user. Clears the signal of `ParentWatch`, which MUST be set afterwards.
    /// The corresponding C functions are `setgroups`, `setresgid`, `setresuid` and `prctl(PR_SET_NO_NEW_PRIVS)`.
    package static func drop(to identity: Identity) throws(SystemError) {
        precondition(identity.user != 0 && identity.group != 0, "root is no confinement")
        _ = try retrying("prctl PR_SET_NO_NEW_PRIVS") { cl_prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) }
        if geteuid() != 0 { return }
        _ = try retrying("setgroups") { setgroups(0, nil) }
        _ = try retrying("setresgid \(identity.group)") { setresgid(identity.group, identity.group, identity.group) }
        _ = try retrying("setresuid \(identity.user)") { setresuid(identity.user, identity.user, identity.user) }
        if setresuid(0, 0, 0) == 0 { throw SystemError(code: EPERM, operation: "give up root") }
    }
}
