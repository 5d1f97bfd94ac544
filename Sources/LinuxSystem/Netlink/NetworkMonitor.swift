// What the kernel tells of its own accord: interfaces that come, go, rise and fall, addresses that come and go.
import CLinux

/// A change of an interface.
package struct LinkEvent: Equatable, Sendable {
    /// The interface after the change, or as it last was.
    package var interface: NetworkInterface
    package var isRemoved: Bool
    /// Neighbours are to be told anew where its addresses are, though it was never down: the active member of a bond
    /// has changed, or a virtual machine has moved.
    package var movesPort = false

    /// nil for what tells of an interface as the port of a bridge, and of a part of it only, as wireless cards do.
    init?(_ message: NetlinkMessage) {
        guard let interface = NetworkInterface(message), message.body.first == UInt8(AF_UNSPEC) else { return nil }
        self.interface = interface
        isRemoved = Int(message.type) == Int(RTM_DELLINK)
        var event: UInt32 = 0
        var isWhole = false
        message.forEachAttribute(after: NetworkInterface.structureSize) { type, value in
            switch type {
            case Int(IFLA_EVENT): event = value.native(UInt32.self, at: 0)
            case Int(IFLA_MTU): isWhole = true
            default: break
            }
        }
        guard isWhole else { return nil }
        movesPort = event == UInt32(IFLA_EVENT_NOTIFY_PEERS)
    }
}

/// A change of an address.
package struct AddressEvent: Equatable, Sendable {
    package var address: InterfaceAddress
    package var isRemoved: Bool
    /// The netlink port of who asked for it, most often that process's id; 0 where the kernel did it by itself or on an
    /// ioctl.
    package var requester: UInt32 = 0

    package init(address: InterfaceAddress, isRemoved: Bool, requester: UInt32 = 0) {
        self.address = address
        self.isRemoved = isRemoved
        self.requester = requester
    }
}

/// One thing that the kernel told.
package enum NetworkEvent: Equatable, Sendable {
    case link(LinkEvent)
    case address(AddressEvent)
    /// Events were lost: whoever keeps a picture MUST read the tables again.
    case overrun
}

/// A subscription to changes of interfaces and addresses.
package final class NetworkMonitor {
    /// Datagrams taken in one call of `events`, so that a storm does not hold up the rest of the process.
    private static let readMax = 64
    /// The same where all are asked for.
    private static let allMax = 16_384
    /// Room in the kernel for what was not taken yet, in bytes, which it doubles: an event takes less than 1 KB.
    private static let bufferSize: Int32 = 1 << 20

    private let socket: Descriptor
    private var buffer = [UInt8](repeating: 0, count: 64 * 1024)

    /// Subscribes; `links` alone leaves the addresses out.
    package init(links: Bool = true, addresses: Bool) throws(SystemError) {
        let groups =
            (links ? RTMGRP_LINK : 0) | (addresses ? RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR : 0)
        socket = try NetlinkSession.open(groups: UInt32(groups), flags: Int32(SOCK_NONBLOCK.rawValue))
        var size = NetworkMonitor.bufferSize
        setsockopt(socket.raw, SOL_SOCKET, SO_RCVBUFFORCE, &size, socklen_t(MemoryLayout<Int32>.size))
    }

    /// The descriptor, for an event loop to watch.
    package var raw: Int32 { socket.raw }

    /// What has happened since the last call, in order. Does not wait; what is left leaves the descriptor readable.
    package func events() throws(SystemError) -> [NetworkEvent] { try events(atMost: NetworkMonitor.readMax).events }

    /// The same of all that has happened before the call; of more than anybody should take in one go, that events are
    /// lost.
    package func allEvents() throws(SystemError) -> [NetworkEvent] {
        let (events, isDrained) = try events(atMost: NetworkMonitor.allMax)
        return isDrained ? events : events + [.overrun]
    }

    private func events(atMost limit: Int) throws(SystemError) -> (events: [NetworkEvent], isDrained: Bool) {
        var events: [NetworkEvent] = []
        for _ in 0..<limit {
            do throws(SystemError) {
                guard let datagram = try NetlinkSession.receive(socket, &buffer) else { continue }
                events += NetworkMonitor.decode(datagram)
            } catch {
                switch error.code {
                case EAGAIN: return (events, true)
                case ENOBUFS: events.append(.overrun)
                default: throw error
                }
            }
        }
        return (events, false)
    }

    /// The events in one datagram; what is neither link nor address is left out.
    static func decode(_ datagram: ArraySlice<UInt8>) -> [NetworkEvent] {
        NetlinkMessage.split(datagram).compactMap { message in
            switch Int(message.type) {
            case Int(RTM_NEWLINK), Int(RTM_DELLINK):
                LinkEvent(message).map { .link($0) }
            case Int(RTM_NEWADDR), Int(RTM_DELADDR):
                InterfaceAddress(message).map {
                    .address(
                        AddressEvent(
                            address: $0, isRemoved: Int(message.type) == Int(RTM_DELADDR), requester: message.port))
                }
            default: nil
            }
        }
    }
}
