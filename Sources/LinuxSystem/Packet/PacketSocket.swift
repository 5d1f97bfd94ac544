// Whole Ethernet frames out of, and into, an interface (packet(7)).
import CLinux

/// A raw packet socket.
package final class PacketSocket {
    private let socket: Descriptor

    /// A socket that sends on every interface and receives nothing. Nothing waits on it.
    package init() throws(SystemError) {
        socket = try PacketSocket.open()
        // Room for the announcements of some thousand addresses behind a slow interface.
        var size: Int32 = 2 * 1024 * 1024
        let length = socklen_t(MemoryLayout<Int32>.size)
        if setsockopt(socket.raw, SOL_SOCKET, SO_SNDBUFFORCE, &size, length) == -1 {
            setsockopt(socket.raw, SOL_SOCKET, SO_SNDBUF, &size, length)
        }
    }

    /// A socket that also receives the frames of one EtherType from one interface; with a filter, those alone that it
    /// passes.
    package init(
        receiving etherType: UInt16, interface: UInt32, filter: [ClaimFilter.Instruction]? = nil
    ) throws(SystemError) {
        socket = try PacketSocket.open()
        if let filter { try attach(filter) }
        var address = PacketSocket.address(interface)
        address.sll_protocol = etherType.bigEndian
        let raw = socket.raw
        _ = try retrying("bind a packet socket") {
            withUnsafePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    bind(raw, .init(__sockaddr__: $0), socklen_t(MemoryLayout<sockaddr_ll>.size))
                }
            }
        }
    }

    /// Has the kernel keep back what the filter drops, in place of an earlier one. Throws ENOMEM for a program that is
    /// longer than sockets may have (sysctl net.core.optmem_max).
    package func attach(_ filter: [ClaimFilter.Instruction]) throws(SystemError) {
        try socket.attach(filter)
    }

    /// The descriptor, for an event loop to watch.
    package var raw: Int32 { socket.raw }

    /// Sends one frame. Throws ENETDOWN where the interface is down, EAGAIN or ENOBUFS where its queue is full.
    package func send(_ frame: [UInt8], interface: UInt32) throws(SystemError) {
        var address = PacketSocket.address(interface)
        let raw = socket.raw
        _ = try retrying("send a frame") {
            withUnsafePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    let length = socklen_t(MemoryLayout<sockaddr_ll>.size)
                    return sendto(raw, frame, frame.count, 0, .init(__sockaddr__: $0), length)
                }
            }
        }
    }

    /// The next received frame, cut at 2048 bytes; nil where there is none now.
    package func receive() throws(SystemError) -> [UInt8]? {
        var frame = [UInt8](repeating: 0, count: 2048)
        let raw = socket.raw
        do throws(SystemError) {
            let count = try retrying("receive a frame") { recv(raw, &frame, frame.count, 0) }
            return Array(frame[..<count])
        } catch {
            if error.code == EAGAIN { return nil }
            throw error
        }
    }

    private static func open() throws(SystemError) -> Descriptor {
        let type = Int32(SOCK_RAW.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        // Protocol 0: nothing is received until `bind` names one.
        return Descriptor(owning: try retrying("open a packet socket") { CLinux.socket(AF_PACKET, type, 0) })
    }

    private static func address(_ interface: UInt32) -> sockaddr_ll {
        var address = sockaddr_ll()
        address.sll_family = sa_family_t(AF_PACKET)
        address.sll_ifindex = Int32(truncatingIfNeeded: interface)
        address.sll_halen = 6
        return address
    }
}
