// Ends of a conversation over UDP or ICMP as values, and the one place where names are looked up.
import CLinux

/// An address, a port and, for link-local addresses, the interface that they belong to.
package struct SocketAddress: Hashable, Sendable, CustomStringConvertible {
    /// Of either family.
    package var address: IPAddress
    /// 0 where the protocol has none.
    package var port: UInt16
    /// Index of an interface, or 0; IPv6 only.
    package var scope: UInt32

    /// An address from its parts.
    package init(_ address: IPAddress, port: UInt16, scope: UInt32 = 0) {
        self.address = address
        self.port = port
        self.scope = scope
    }

    /// The address in the kernel's form; nil for other families than the internet's.
    package init?(_ storage: sockaddr_storage) {
        let bytes = withUnsafeBytes(of: storage) { Array($0) }
        switch Int32(storage.ss_family) {
        case AF_INET:
            guard let address = IPAddress(bytes: bytes[4..<8]) else { return nil }
            self.init(address, port: UInt16(bytes[2]) << 8 | UInt16(bytes[3]))
        case AF_INET6:
            guard let address = IPAddress(bytes: bytes[8..<24]) else { return nil }
            let scope = withUnsafeBytes(of: storage) { $0.loadUnaligned(fromByteOffset: 24, as: UInt32.self) }
            self.init(address, port: UInt16(bytes[2]) << 8 | UInt16(bytes[3]), scope: scope)
        default: return nil
        }
    }

    /// `10.0.0.1:694`, `[fe80::1%2]:694`; without the colon where the port is 0.
    package var description: String {
        let name = scope == 0 ? "\(address)" : "\(address)%\(scope)"
        return port == 0 ? name : address.isIPv6 ? "[\(name)]:\(port)" : "\(name):\(port)"
    }

    /// The address and its zone: `fe80::1%2` is link-local on interface 2, and `fe80::1%eth0` on that one.
    package init?(numeric text: String, port: UInt16 = 0) {
        let parts = text.split(separator: "%", maxSplits: 1, omittingEmptySubsequences: false)
        guard let address = IPAddress(String(parts[0])) else { return nil }
        if parts.count == 1 {
            self.init(address, port: port)
            return
        }
        let zone = String(parts[1])
        let scope = UInt32(zone) ?? if_nametoindex(zone)
        guard address.isIPv6, scope != 0 else { return nil }
        self.init(address, port: port, scope: scope)
    }

    /// Calls with the address in the kernel's form.
    package func withSockaddr<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
        var storage = sockaddr_storage()
        storage.ss_family = sa_family_t(address.family)
        withUnsafeMutableBytes(of: &storage) { bytes in
            bytes[2] = UInt8(truncatingIfNeeded: port >> 8)
            bytes[3] = UInt8(truncatingIfNeeded: port)
            for (index, byte) in address.bytes.enumerated() { bytes[(address.isIPv6 ? 8 : 4) + index] = byte }
            if address.isIPv6 { bytes.storeBytes(of: scope, toByteOffset: 24, as: UInt32.self) }
        }
        let length = address.isIPv6 ? MemoryLayout<sockaddr_in6>.size : MemoryLayout<sockaddr_in>.size
        return withUnsafePointer(to: &storage) { storage in
            storage.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(length)) }
        }
    }
}

/// Why a host has no address that could be used.
package enum NameError: Error, Equatable, CustomStringConvertible {
    /// The look-up failed, in the C library's words.
    case notFound(String)
    /// The name servers have not answered yet (`HostNames`).
    case late
    /// The host is a numeric address, but of the other family.
    case wrongFamily(isIPv6: Bool)

    /// One clause of a log line.
    package var description: String {
        switch self {
        case .notFound(let reason): reason
        case .late: "the name servers have not answered yet"
        case .wrongFamily(isIPv6: true): "an IPv6 address where IPv4 is meant"
        case .wrongFamily(isIPv6: false): "an IPv4 address where IPv6 is meant"
        }
    }

    /// What an operator can do.
    package var remedy: String? {
        switch self {
        case .notFound, .late: "an address instead of a name needs no look-up"
        case .wrongFamily: nil
        }
    }
}

/// Host names, and the addresses behind them.
package enum NameLookup {
    /// The first address of a host; AF_UNSPEC takes either family. A numeric address is not looked up; a name may wait
    /// for servers, many seconds. The corresponding C function is `getaddrinfo`.
    package static func address(of host: String, family: Int32) throws(NameError) -> SocketAddress {
        if let numeric = try numeric(host, family: family) { return numeric }
        var hints = addrinfo()
        hints.ai_family = family
        hints.ai_socktype = Int32(SOCK_DGRAM.rawValue)
        var first: UnsafeMutablePointer<addrinfo>?
        let result = getaddrinfo(host, nil, &hints, &first)
        defer { if let first { freeaddrinfo(first) } }
        return try NameLookup.first(of: first, result)
    }

    /// A host that needs no look-up; nil for a name.
    static func numeric(_ host: String, family: Int32) throws(NameError) -> SocketAddress? {
        guard let numeric = SocketAddress(numeric: host) else { return nil }
        if family == AF_UNSPEC || numeric.address.family == family { return numeric }
        throw .wrongFamily(isIPv6: numeric.address.isIPv6)
    }

    /// The first address of an answer, or why there is none; `code` is one of `getaddrinfo`.
    static func first(
        of first: UnsafeMutablePointer<addrinfo>?, _ code: Int32
    ) throws(NameError) -> SocketAddress {
        if code != 0 { throw .notFound(String(cString: gai_strerror(code))) }
        guard let entry = first?.pointee, let address = entry.ai_addr,
            Int(entry.ai_addrlen) <= MemoryLayout<sockaddr_storage>.size
        else { throw .notFound("no address") }
        var storage = sockaddr_storage()
        withUnsafeMutableBytes(of: &storage) {
            $0.copyMemory(from: UnsafeRawBufferPointer(start: address, count: Int(entry.ai_addrlen)))
        }
        guard let found = SocketAddress(storage) else { throw .notFound("no internet address") }
        return found
    }
}
