// Opening and setting up internet sockets, one kernel option a call, each failure with the option's name.
import CLinux

extension Descriptor {
    /// A socket, close-on-exec and blocking. The corresponding C function is `socket`.
    package static func socket(
        family: Int32, type: __socket_type, protocol number: Int32 = 0
    ) throws(SystemError) -> Descriptor {
        let type = Int32(type.rawValue | SOCK_CLOEXEC.rawValue)
        return Descriptor(owning: try retrying("socket") { CLinux.socket(family, type, number) })
    }

    /// Sets an option that is one number. The corresponding C function is `setsockopt`.
    package borrowing func setOption(
        _ name: String, _ level: Int32, _ option: Int32, _ value: Int32 = 1
    ) throws(SystemError) {
        try setOption(name, level, option, structure: value)
    }

    /// Sets an option that is a C structure. The corresponding C function is `setsockopt`.
    package borrowing func setOption<Value>(
        _ name: String, _ level: Int32, _ option: Int32, structure: Value
    ) throws(SystemError) {
        let raw = self.raw
        _ = try retrying(name) {
            withUnsafeBytes(of: structure) { setsockopt(raw, level, option, $0.baseAddress, socklen_t($0.count)) }
        }
    }

    /// Sends and receives on one interface only. The corresponding C option is SO_BINDTODEVICE.
    package borrowing func bindToDevice(_ interface: String) throws(SystemError) {
        let raw = self.raw
        _ = try retrying("bind to device \(interface)") {
            setsockopt(raw, SOL_SOCKET, SO_BINDTODEVICE, interface, socklen_t(interface.utf8.count))
        }
    }

    /// The corresponding C function is `bind`.
    package borrowing func bind(to address: SocketAddress) throws(SystemError) {
        let raw = self.raw
        _ = try retrying("bind \(address)") {
            address.withSockaddr { CLinux.bind(raw, .init(__sockaddr__: $0), $1) }
        }
    }

    /// The corresponding C function is `connect`.
    package borrowing func connect(to address: SocketAddress) throws(SystemError) {
        let raw = self.raw
        _ = try retrying("connect to \(address)") {
            address.withSockaddr { CLinux.connect(raw, .init(__sockaddr__: $0), $1) }
        }
    }

    /// Asks for room for bursts: as much as the kernel allows, up to `bytes`.
    package borrowing func widenReceiveBuffer(_ bytes: Int32) {
        do throws(SystemError) {
            try setOption("SO_RCVBUFFORCE", SOL_SOCKET, SO_RCVBUFFORCE, bytes)
        } catch {
            // The usual limit applies; a smaller buffer works too.
            try? setOption("SO_RCVBUF", SOL_SOCKET, SO_RCVBUF, bytes)
        }
    }

    /// Lets heartbeats pass before bulk traffic: IPTOS_LOWDELAY and the queueing priority 6.
    package borrowing func prioritize(family: Int32) throws(SystemError) {
        if family == AF_INET6 {
            try setOption("IPV6_TCLASS", Int32(IPPROTO_IPV6), IPV6_TCLASS, IPTOS_LOWDELAY)
        } else {
            try setOption("IP_TOS", Int32(IPPROTO_IP), IP_TOS, IPTOS_LOWDELAY)
        }
        try setOption("SO_PRIORITY", SOL_SOCKET, SO_PRIORITY, 6)
    }

    /// Receives a group's datagrams from one interface. The corresponding C options are IP_ADD_MEMBERSHIP and
    /// IPV6_JOIN_GROUP.
    package borrowing func join(group: IPAddress, interface index: UInt32) throws(SystemError) {
        if group.isIPv6 {
            var request = ipv6_mreq()
            withUnsafeMutableBytes(of: &request.ipv6mr_multiaddr) { $0.copyBytes(from: group.bytes) }
            request.ipv6mr_interface = index
            try setOption("join \(group)", Int32(IPPROTO_IPV6), IPV6_JOIN_GROUP, structure: request)
        } else {
            var request = ip_mreqn()
            withUnsafeMutableBytes(of: &request.imr_multiaddr) { $0.copyBytes(from: group.bytes) }
            request.imr_ifindex = Int32(bitPattern: index)
            try setOption("join \(group)", Int32(IPPROTO_IP), IP_ADD_MEMBERSHIP, structure: request)
        }
    }

    /// Sends multicasts on one interface with this time to live, and to sockets of this host too where `loop`.
    package borrowing func setMulticast(
        family: Int32, interface index: UInt32, hops: UInt8, loop: Bool
    ) throws(SystemError) {
        if family == AF_INET6 {
            let level = Int32(IPPROTO_IPV6)
            try setOption("IPV6_MULTICAST_IF", level, IPV6_MULTICAST_IF, Int32(bitPattern: index))
            try setOption("IPV6_MULTICAST_HOPS", level, IPV6_MULTICAST_HOPS, Int32(hops))
            try setOption("IPV6_MULTICAST_LOOP", level, IPV6_MULTICAST_LOOP, loop ? 1 : 0)
        } else {
            let level = Int32(IPPROTO_IP)
            var request = ip_mreqn()
            request.imr_ifindex = Int32(bitPattern: index)
            try setOption("IP_MULTICAST_IF", level, IP_MULTICAST_IF, structure: request)
            try setOption("IP_MULTICAST_TTL", level, IP_MULTICAST_TTL, Int32(hops))
            try setOption("IP_MULTICAST_LOOP", level, IP_MULTICAST_LOOP, loop ? 1 : 0)
        }
    }

    /// Has the kernel note when each datagram arrived, for `DatagramReceiver`.
    package borrowing func stampArrivals() throws(SystemError) {
        try setOption("SO_TIMESTAMPNS", SOL_SOCKET, SO_TIMESTAMPNS)
    }
}
