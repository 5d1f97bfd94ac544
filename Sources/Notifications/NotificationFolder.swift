// Programs that are told of every transition because they stand in a folder.
import CLinux
import ClusterModel
import LinuxSystem

/// `notify.d` in the configuration folder.
package enum NotificationFolder {
    /// A rule for each executable file, in the order of their names; backups and hidden files are none. Programs that
    /// others than root may write are left out: they would be run as root.
    package static func rules(configurationDirectory: String) -> [NotificationRule] {
        let folder = configurationDirectory + "/notify.d"
        return FileSystem.names(in: folder).sorted().filter { name in
            !name.hasPrefix(".") && !name.hasSuffix("~") && FileSystem.kind(of: "\(folder)/\(name)") == .regular
                && access("\(folder)/\(name)", X_OK) == 0 && !FileSystem.isWritableByOthers("\(folder)/\(name)")
        }.prefix(ruleCountMax).map { NotificationRule(target: .program("\(folder)/\($0)")) }
    }

    private static let ruleCountMax = 16
}
