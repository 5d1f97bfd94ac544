// `ucast` and `ucast6`: datagrams to one other node (specs/heartbeat.md 6.4).
import CLinux
import ClusterModel
import LinuxSystem

struct UDPUnicast {
    var medium: Medium
    var interface: String
    /// A literal or a name.
    var host: String
    var port: UInt16
    var names: HostNames

    private var family: Int32 {
        if case .unicast6 = medium { AF_INET6 } else { AF_INET }
    }

    func open(_ signature: MediumSignature) throws(MediumError) -> OpenMedium {
        let state = try InterfaceState.usable(interface, for: medium)
        var peer: SocketAddress
        do throws(NameError) {
            peer = try names.address(of: host, family: family)
        } catch {
            throw MediumError(medium, "\(host): \(error)", remedy: error.remedy)
        }
        peer.port = port
        if peer.address.isIPv6 && peer.address.isLinkLocal { peer.scope = state.index }
        let address = peer
        return try opening(medium) { () throws(SystemError) in
            let sender = try Descriptor.socket(family: family, type: SOCK_DGRAM)
            try sender.prioritize(family: family)
            try sender.bindToDevice(interface)
            try sender.connect(to: address)
            return OpenMedium(
                receiver: try UDPReceiver.open(family: family, interface: interface, port: port), sender: sender,
                transport: .datagram, signature: signature)
        }
    }
}
