// The scripts that heartbeat 3.0.6 and drbd ship for haresources, and what is behind each here
// (specs/heartbeat.md 5.2, specs/agents.md 1).

/// The resource scripts of the classic packages.
package enum ClassicScripts {
    /// Resources of the resource manager itself.
    package static let resources = ["IPaddr", "IPaddr2", "IPv6addr", "Filesystem"]

    /// Agents of this product, in `libexec/heartbeat/resource.d`.
    package static let native = [
        "AudibleAlarm", "Delay", "IPsrcaddr", "LVM", "LVSSyncDaemonSwap", "MailTo", "Raid1", "SendArp", "VirtualMAC",
        "drbddisk", "drbdupper", "portblock",
    ]

    /// An OCF agent, and the parameters that the script's arguments are, in their order.
    package struct Wrapped: Equatable, Sendable {
        /// The script's and the agent's name.
        package let name: String
        package let parameters: [String]
        /// Arguments that must be given.
        package let requiredCount: Int
    }

    /// Scripts that run the OCF agent of their name, of the provider heartbeat.
    package static let wrapped = [
        Wrapped(name: "ICP", parameters: ["driveid", "device"], requiredCount: 2),
        Wrapped(name: "LinuxSCSI", parameters: ["scsi"], requiredCount: 1),
        Wrapped(name: "ServeRAID", parameters: ["serveraid", "mergegroup"], requiredCount: 2),
        // The argument is a port where it is a number.
        Wrapped(name: "WAS", parameters: ["config"], requiredCount: 0),
        Wrapped(name: "WinPopup", parameters: ["hostfile"], requiredCount: 0),
        Wrapped(name: "Xinetd", parameters: ["service"], requiredCount: 1),
        Wrapped(name: "apache", parameters: ["configfile"], requiredCount: 0),
        Wrapped(name: "db2", parameters: ["instance"], requiredCount: 1),
        Wrapped(name: "ids", parameters: ["informixdir", "informixserver", "onconfig"], requiredCount: 0),
    ]

    /// Positional parameters of agents that are native here, for who names the OCF agent instead.
    package static let positional: [(name: String, parameters: [String])] = [
        ("AudibleAlarm", ["nodelist"]), ("Delay", ["startdelay", "stopdelay"]),
        ("Filesystem", ["device", "directory", "fstype", "options"]), ("IPsrcaddr", ["ipaddress"]),
        ("LVM", ["volgrpname"]), ("MailTo", ["email", "subject"]), ("Raid1", ["raidconf", "raiddev"]),
        ("portblock", ["protocol", "portno", "action"]),
    ]

    /// The parameters that an OCF agent's arguments are, in their order; empty where no script of heartbeat maps them.
    package static func parameters(ofAgent name: String) -> [String] {
        wrapped.first { $0.name == name }?.parameters ?? positional.first { $0.name == name }?.parameters ?? []
    }

    /// Every name that `libexec/heartbeat/resource.d` has.
    package static var names: [String] { resources + native + wrapped.map(\.name) + ["OCF", "ocf"] }
}
