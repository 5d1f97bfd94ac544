// `bcast`: one datagram reaches every node of an Ethernet (specs/heartbeat.md 6.4).
import CLinux
import ClusterModel
import LinuxSystem

struct UDPBroadcast {
    var medium: Medium
    var interface: String
    var port: UInt16

    func open(_ signature: MediumSignature) throws(MediumError) -> OpenMedium {
        let state = try InterfaceState.usable(interface, for: medium)
        guard let broadcast = state.broadcast else {
            throw MediumError(
                medium, "the interface has no broadcast address",
                remedy: "give it an IPv4 address: ip address add ADDRESS/PREFIX broadcast + dev \(interface)")
        }
        return try opening(medium) { () throws(SystemError) in
            let sender = try Descriptor.socket(family: AF_INET, type: SOCK_DGRAM)
            try sender.setOption("SO_BROADCAST", SOL_SOCKET, SO_BROADCAST)
            try sender.setOption("SO_DONTROUTE", SOL_SOCKET, SO_DONTROUTE)
            try sender.prioritize(family: AF_INET)
            try sender.bindToDevice(interface)
            try sender.connect(to: SocketAddress(broadcast, port: port))
            let receiver = try UDPReceiver.open(family: AF_INET, interface: interface, port: port)
            try receiver.refuseOwnBroadcasts()
            return OpenMedium(receiver: receiver, sender: sender, transport: .datagram, signature: signature)
        }
    }
}

/// The receiving socket of `bcast` and `ucast`: every datagram to the port that comes in on the interface. Where it
/// came from is not checked, its digest is.
enum UDPReceiver {
    static func open(family: Int32, interface: String, port: UInt16) throws(SystemError) -> Descriptor {
        let socket = try Descriptor.socket(family: family, type: SOCK_DGRAM)
        // Media of the same interface share the port, with nobody but root: with SO_REUSEADDR any user could bind a
        // port from 1024 on, too, and get what is sent to this node.
        try socket.setOption("SO_REUSEPORT", SOL_SOCKET, SO_REUSEPORT)
        if family == AF_INET6 { try socket.setOption("IPV6_V6ONLY", Int32(IPPROTO_IPV6), IPV6_V6ONLY) }
        try socket.bindToDevice(interface)
        socket.widenReceiveBuffer(MediumOpener.receiveBuffer)
        try socket.stampArrivals()
        try socket.bind(to: SocketAddress(.any(family: family), port: port))
        return socket
    }
}

extension IPAddress {
    /// 0.0.0.0 or ::.
    static func any(family: Int32) -> IPAddress {
        let bytes = [UInt8](repeating: 0, count: family == AF_INET6 ? 16 : 4)
        guard let address = IPAddress(bytes: bytes) else { preconditionFailure("\(bytes.count) bytes are an address") }
        return address
    }
}
