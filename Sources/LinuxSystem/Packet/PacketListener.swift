// What passes an interface, in both directions, without its link header (packet(7), SOCK_DGRAM).
import CLinux

/// One packet that an interface sent or received.
package struct CookedPacket: Sendable {
    /// EtherType: 0x0800 for IPv4, 0x86DD for IPv6.
    package var etherType: UInt16
    /// From the network header on.
    package var bytes: [UInt8]
}

/// Listens to an interface without taking part. Needs CAP_NET_RAW.
package final class PacketListener {
    /// The largest IP packet.
    private static let sizeMax = 65_536
    /// ETH_P_ALL: both directions of every protocol.
    private static let everyType: UInt16 = 3

    private let socket: Descriptor
    private var buffer = [UInt8](repeating: 0, count: sizeMax)

    /// Listens to one interface, `any` for all. Throws ENODEV where there is no such interface, EPERM without the right
    /// to listen.
    package init(interface: String) throws(SystemError) {
        let index = interface == "any" ? 0 : if_nametoindex(interface)
        guard index != 0 || interface == "any" else {
            throw SystemError(code: ENODEV, operation: "interface \(interface)")
        }
        let type = Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        socket = Descriptor(owning: try retrying("open a packet socket") { CLinux.socket(AF_PACKET, type, 0) })
        let raw = socket.raw
        var size: Int32 = 4 * 1024 * 1024
        setsockopt(raw, SOL_SOCKET, SO_RCVBUFFORCE, &size, socklen_t(MemoryLayout<Int32>.size))
        var address = sockaddr_ll()
        address.sll_family = sa_family_t(AF_PACKET)
        address.sll_protocol = PacketListener.everyType.bigEndian
        address.sll_ifindex = Int32(truncatingIfNeeded: index)
        _ = try retrying("listen to \(interface)") {
            withUnsafePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    bind(raw, .init(__sockaddr__: $0), socklen_t(MemoryLayout<sockaddr_ll>.size))
                }
            }
        }
    }

    /// The descriptor, to wait on.
    package var raw: Int32 { socket.raw }

    /// The next packet; nil where there is none now. What the loopback interface sends is left out: it comes in too.
    package func receive() throws(SystemError) -> CookedPacket? {
        let raw = socket.raw
        while true {
            var address = sockaddr_ll()
            var length = socklen_t(MemoryLayout<sockaddr_ll>.size)
            let count: Int
            do throws(SystemError) {
                count = try retrying("listen") {
                    withUnsafeMutablePointer(to: &address) {
                        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                            recvfrom(raw, &buffer, buffer.count, 0, .init(__sockaddr__: $0), &length)
                        }
                    }
                }
            } catch {
                if error.code == EAGAIN { return nil }
                throw error
            }
            let isLoopback = address.sll_hatype == UInt16(ARPHRD_LOOPBACK)
            if isLoopback && Int32(address.sll_pkttype) == PACKET_OUTGOING { continue }
            return CookedPacket(etherType: UInt16(bigEndian: address.sll_protocol), bytes: Array(buffer[..<count]))
        }
    }
}
