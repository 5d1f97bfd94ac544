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

    package init(path: String, bytes: [UInt8]?, problem: String = "No such file or directory") {
        self.path = path
        self.bytes = bytes
        self.problem = problem
    }
}

/// The files of a configuration directory. Whether the resources come from `haresources` or from `ipresources`, the
/// older name, is the caller's choice.
package struct ConfigurationFiles: Equatable, Sendable {
    package var haConfig: ConfigurationFile
    package var resources: ConfigurationFile
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
    /// Permission bits and owner of authkeys.
    package var keysMode: UInt32?
    package var keysOwner: UInt32?
    /// Where resource scripts are looked for, and the names found there.
    package var scriptDirectories = ["/etc/ha.d/resource.d", "/etc/init.d"]
    package var scripts: [String]?
    /// Names of the network interfaces that exist now.
    package var interfaces: [String]?
    package var kindOfPath: (@Sendable (String) -> PathKind)?

    package init(localNode: String) { self.localNode = localNode }
}
