// Interfaces on top of others, with hardware addresses of their own (macvlan of the kernel).
import CLinux

extension NetlinkSession {
    /// IFLA_MACVLAN_MODE, MACVLAN_MODE_PRIVATE and IFLA_INFO_ of linux/if_link.h.
    private static let modeAttribute = 1
    private static let privateMode: UInt32 = 1
    private static let infoKind = 1
    private static let infoData = 2

    /// Makes an interface that has its own hardware address on the link of another one, and exchanges nothing with
    /// others of that kind here. It is off. Throws EEXIST where there is one of that name, EOPNOTSUPP where the kernel
    /// has no macvlan.
    package func addVirtualLink(_ name: String, on parent: UInt32, _ hardware: MACAddress) throws(SystemError) {
        var data = NetlinkWriter()
        data.attribute(NetlinkSession.modeAttribute, NetlinkSession.privateMode)
        var info = NetlinkWriter()
        info.attribute(NetlinkSession.infoKind, Array("macvlan".utf8))
        info.attribute(NetlinkSession.infoData, data.bytes)
        let request = Request(type: Int(RTM_NEWLINK), flags: NLM_F_CREATE | NLM_F_EXCL) { writer in
            writer.link(0)
            writer.attribute(Int(IFLA_IFNAME), Array(name.utf8) + [0])
            writer.attribute(Int(IFLA_LINK), parent)
            writer.attribute(Int(IFLA_ADDRESS), hardware.bytes)
            writer.attribute(Int(IFLA_LINKINFO), info.bytes)
        }
        try check(request, "make the interface \(name)")
    }

    /// Removes an interface, with the addresses on it. Throws ENODEV where it is gone.
    package func removeLink(_ interface: UInt32) throws(SystemError) {
        try check(Request(type: Int(RTM_DELLINK), flags: 0) { $0.link(interface) }, "remove an interface")
    }
}
