// What the agents of this product say about themselves, in the terms of OCF.
import ClusterModel

/// The metadata of agents that are part of this product.
package enum NativeDescriptions {
    private struct Entry {
        let summary: String
        let description: String
        /// Name, type, whether it is required, default.
        let parameters: [(String, String, Bool, String?)]
    }

    /// The metadata of a name of `ClassicScripts.native` or `.resources`; for any other without texts.
    package static func metadata(_ name: String) -> AgentMetadata {
        let entry = entries[name] ?? Entry(summary: "", description: "", parameters: [])
        var metadata = AgentMetadata()
        metadata.name = name
        metadata.summary = entry.summary
        metadata.description = entry.description
        metadata.parameters = entry.parameters.map { parameter in
            AgentMetadata.Parameter(
                name: parameter.0, isRequired: parameter.2, type: parameter.1, defaultValue: parameter.3)
        }
        metadata.actions = ["start", "stop", "status", "monitor"].map { AgentMetadata.Action(name: $0) }
        return metadata
    }

    private static let address = Entry(
        summary: "an address that moves",
        description: "ADDRESS[/BITS[/INTERFACE[:LABEL]][/BROADCAST]]: brought up and announced by the daemon itself.",
        parameters: [("address", "string", true, nil)])

    private static let entries: [String: Entry] = [
        "IPaddr": address, "IPaddr2": address, "IPv6addr": address,
        "Filesystem": Entry(
            summary: "a filesystem that is mounted where the group runs",
            description: "Processes that keep it busy are ended before it is unmounted.",
            parameters: [
                ("device", "string", true, nil), ("directory", "string", true, nil), ("fstype", "string", false, nil),
                ("options", "string", false, nil),
            ]),
        "AudibleAlarm": Entry(
            summary: "rings the bell of the machine that has the group",
            description: "Nodes that are named do not ring: those to which the group belongs.",
            parameters: [("nodelist", "string", false, nil)]),
        "Delay": Entry(
            summary: "waits when a group starts and when it stops", description: "In seconds.",
            parameters: [("startdelay", "second", false, "10"), ("stopdelay", "second", false, nil)]),
        "IPsrcaddr": Entry(
            summary: "the source address of connections that this node makes",
            description: "The default route and that of the address's own network get the address as their source; a"
                + " stop gives them back what they had. The address must be up: name it before.",
            parameters: [("ipaddress", "string", true, nil)]),
        "LVM": Entry(
            summary: "a volume group that is active where the group runs", description: "By vgchange of lvm2.",
            parameters: [("volgrpname", "string", true, nil)]),
        "LVSSyncDaemonSwap": Entry(
            summary: "the role of a director in telling its connections to others",
            description: "The node that has the group is what role says, the others are the opposite. By ipvsadm.",
            parameters: [
                ("role", "string", true, nil), ("interface", "string", false, "eth0"),
                ("syncid", "integer", false, nil),
            ]),
        "MailTo": Entry(
            summary: "a mail when a group comes and when it goes",
            description: "Through the system's sendmail. A mail that fails does not keep a group from starting.",
            parameters: [("email", "string", true, nil), ("subject", "string", false, "Resource Group")]),
        "Raid1": Entry(
            summary: "a software RAID that is assembled where the group runs", description: "By mdadm.",
            parameters: [("raidconf", "string", true, nil), ("raiddev", "string", true, nil)]),
        "SendArp": Entry(
            summary: "announces an address that something else brings up",
            description: "ADDRESS/INTERFACE: five times, 200 ms apart, as request and reply.",
            parameters: [("ip", "string", true, nil), ("nic", "string", true, nil)]),
        "VirtualMAC": Entry(
            summary: "a hardware address that moves with the addresses behind it",
            description: "Makes the interface NAME on the link of INTERFACE, with MAC, or that of the virtual router of"
                + " this number. Put it in front of the addresses, which name it: ADDRESS/BITS/NAME.",
            parameters: [
                ("interface", "string", true, nil), ("mac", "string", true, nil), ("name", "string", true, nil),
            ]),
        "drbddisk": Entry(
            summary: "a replicated disk that is primary where the group runs", description: "By drbdadm of drbd-utils.",
            parameters: [("resource", "string", false, "all")]),
        "drbdupper": Entry(
            summary: "a stacked replicated disk", description: "By drbdadm --stacked of drbd-utils.",
            parameters: [("resource", "string", true, nil)]),
        "portblock": Entry(
            summary: "drops what comes in for ports, or lets it in",
            description: "Put a block before address and service of a group, and an unblock behind them: clients then"
                + " meet the whole service or nothing. By nftables, in the table inet heartbeat_ports.",
            parameters: [
                ("protocol", "string", true, nil), ("portno", "string", true, nil), ("action", "string", true, nil),
            ]),
    ]
}
