// What pure code cannot find out for itself: the files' bytes and what the system says about this machine. The caller
// fills these in; what it leaves nil is not checked.

/// One of the three files, read by the caller.
package struct ConfigurationFile: Equatable, Sendable {
    /// As it is to stand in diagnostics.
    package var path: String
    /// nil: it could not be read.
    package var bytes: [UInt8]?
    /// Why `bytes` is nil, in the words of the system.
    package var problem: String
    /// Whether `bytes` is nil only because this user may not read the file.
    package var isForbidden: Bool

    package init(
        path: String, bytes: [UInt8]?, problem: String = "No such file or directory", isForbidden: Bool = false
    ) {
        self.path = path
        self.bytes = bytes
        self.problem = problem
        self.isForbidden = isForbidden
    }
}

/// The files of a configuration directory. Whether the resources come from `haresources` or from `ipresources`, the
/// older name, is the caller's choice.
package struct ConfigurationFiles: Equatable, Sendable {
    /// `ha.cf`.
    package var haConfig: ConfigurationFile
    /// `haresources` or `ipresources`.
    package var resources: ConfigurationFile
    /// `authkeys`.
    package var keys: ConfigurationFile

    package init(haConfig: ConfigurationFile, resources: ConfigurationFile, keys: ConfigurationFile) {
        self.haConfig = haConfig
        self.resources = resources
        self.keys = keys
    }
}

/// What stands behind a path.
package enum PathKind: Equatable, Sendable {
    case missing
    case characterDevice
    /// A regular file with a right to execute.
    case executable
    /// Anything else.
    case other
}

/// Facts about this machine that the configuration is checked against.
package struct SystemFacts: Sendable {
    /// This node's name: the host name, or the first line of `nodeinfo`.
    package var localNode: String
    /// The user that checks; as good an owner of authkeys as root.
    package var userID: UInt32 = 0
    /// Permission bits of authkeys.
    package var keysMode: UInt32?
    /// User id of the owner of authkeys.
    package var keysOwner: UInt32?
    /// Where resource scripts are looked for.
    package var scriptDirectories = ["/etc/ha.d/resource.d", "/etc/init.d"]
    /// Names of the executable files in `scriptDirectories`; of the product's own only those that can do their work.
    package var scripts: [String]?
    /// OCF agents as `PROVIDER:NAME`.
    package var ocfAgents: [String]?
    /// Whether there is a unit file of a name with its ending.
    package var hasUnit: (@Sendable (String) -> Bool)?
    /// What a resource is whose script or agent is found nowhere: an error for who checks, a warning for the daemon,
    /// since the other groups are to run.
    package var missingAgents = Diagnostic.Severity.warning
    /// Names of the network interfaces that exist now.
    package var interfaces: [String]?
    /// What stands behind an absolute path, symbolic links followed.
    package var kindOfPath: (@Sendable (String) -> PathKind)?

    package init(localNode: String) { self.localNode = localNode }
}
