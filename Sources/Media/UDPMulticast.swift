// `mcast` and `mcast6`: one datagram reaches every node that has joined the group (specs/heartbeat.md 6.4).
import CLinux
import ClusterModel
import LinuxSystem

struct UDPMulticast {
    var medium: Medium
    var interface: String
    var group: String
    var port: UInt16
    /// IPv4's time to live.
    var hops: UInt8
    var loop: Bool

    func open(_ signature: MediumSignature) throws(MediumError) -> OpenMedium {
        let state = try InterfaceState.usable(interface, for: medium)
        guard let address = SocketAddress(numeric: group, port: port) else {
            throw MediumError(medium, "\(group) is no address of a group")
        }
        if !address.address.isIPv6 && state.address == nil {
            throw MediumError(
                medium, "the interface has no IPv4 address to send from",
                remedy: "give it one: ip address add ADDRESS/PREFIX dev \(interface)")
        }
        return try opening(medium) { () throws(SystemError) in
            try open(signature, SocketAddress(address.address, port: port, scope: state.index), index: state.index)
        }
    }

    private func open(
        _ signature: MediumSignature, _ group: SocketAddress, index: UInt32
    ) throws(SystemError) -> OpenMedium {
        let family = group.address.family
        let sender = try Descriptor.socket(family: family, type: SOCK_DGRAM)
        try sender.prioritize(family: family)
        try sender.setMulticast(family: family, interface: index, hops: hops, loop: loop)
        try sender.bindToDevice(interface)
        try sender.connect(to: group)

        let receiver = try Descriptor.socket(family: family, type: SOCK_DGRAM)
        // Other programs may be in the group, each gets its copy; and other media of this node may use the port.
        try receiver.setOption("SO_REUSEADDR", SOL_SOCKET, SO_REUSEADDR)
        try receiver.setOption("SO_REUSEPORT", SOL_SOCKET, SO_REUSEPORT)
        if family == AF_INET6 { try receiver.setOption("IPV6_V6ONLY", Int32(IPPROTO_IPV6), IPV6_V6ONLY) }
        try receiver.bindToDevice(interface)
        receiver.widenReceiveBuffer(MediumOpener.receiveBuffer)
        try receiver.stampArrivals()
        try receiver.bind(to: group)
        try receiver.join(group: group.address, interface: index)
        return OpenMedium(receiver: receiver, sender: sender, transport: .datagram, signature: signature)
    }
}
