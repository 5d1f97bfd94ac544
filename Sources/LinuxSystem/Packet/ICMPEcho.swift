// ICMP echo requests and replies, RFC 792 and RFC 4443: their bytes, and the sockets that carry them.
import CLinux

/// Builds requests and takes replies apart.
package enum ICMPEcho {
    /// Bytes before the payload.
    package static let headerSize = 8

    /// An echo request. The identifier stands in host byte order, as heartbeat 3.0.6 has it. For IPv6 the checksum is
    /// left to the kernel, which knows the addresses that it covers.
    package static func request(isIPv6: Bool, identifier: UInt16, sequence: UInt16, payload: [UInt8]) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: headerSize)
        bytes[0] = isIPv6 ? 128 : 8
        withUnsafeBytes(of: identifier) { bytes.replaceSubrange(4..<6, with: $0) }
        bytes[6] = UInt8(sequence >> 8)
        bytes[7] = UInt8(truncatingIfNeeded: sequence)
        bytes += payload
        if !isIPv6 {
            let sum = checksum(bytes[...])
            bytes[2] = UInt8(sum >> 8)
            bytes[3] = UInt8(truncatingIfNeeded: sum)
        }
        return bytes
    }

    /// The sequence number and the payload of a reply to one of our requests; nil for everything else. From IPv4 raw
    /// sockets the IP header comes first, from IPv6 ones and from ping sockets (`hasHeader: false`) it does not. Of a
    /// ping socket the kernel chooses the identifier, and passes on nothing else: `identifier` is nil then.
    package static func reply(
        _ bytes: [UInt8], isIPv6: Bool, hasHeader: Bool = true, identifier: UInt16?
    ) -> (sequence: UInt16, payload: ArraySlice<UInt8>)? {
        var message = bytes[...]
        if !isIPv6, hasHeader {
            guard let first = bytes.first, first >> 4 == 4 else { return nil }
            let headerLength = Int(first & 0x0f) * 4
            guard headerLength >= 20, bytes.count >= headerLength else { return nil }
            message = bytes[headerLength...]
        }
        guard message.count >= headerSize else { return nil }
        let start = message.startIndex
        guard message[start] == (isIPv6 ? 129 : 0), message[start + 1] == 0 else { return nil }
        guard isIPv6 || checksum(message) == 0 else { return nil }
        if let identifier {
            let expected = withUnsafeBytes(of: identifier) { Array($0) }
            guard Array(message[(start + 4)..<(start + 6)]) == expected else { return nil }
        }
        let sequence = UInt16(message[start + 6]) << 8 | UInt16(message[start + 7])
        return (sequence, message[(start + headerSize)...])
    }

    /// The internet checksum: 0 over a message that carries its own.
    private static func checksum(_ bytes: ArraySlice<UInt8>) -> UInt16 {
        var sum: UInt32 = 0
        var index = bytes.startIndex
        while index < bytes.endIndex {
            let high = UInt32(bytes[index]) << 8
            let low = index + 1 < bytes.endIndex ? UInt32(bytes[index + 1]) : 0
            sum += high | low
            sum = (sum & 0xffff) + (sum >> 16)
            index += 2
        }
        return ~UInt16(truncatingIfNeeded: sum)
    }
}

extension ICMPEcho {
    /// A raw ICMP socket to which the kernel passes echo replies only. Needs CAP_NET_RAW.
    package static func rawSocket(isIPv6: Bool) throws(SystemError) -> Descriptor {
        if isIPv6 {
            let socket = try Descriptor.socket(family: AF_INET6, type: SOCK_RAW, protocol: Int32(IPPROTO_ICMPV6))
            // A set bit blocks its type.
            var blocked = [UInt32](repeating: .max, count: 8)
            blocked[Int(ICMP6_ECHO_REPLY) / 32] &= ~(1 << UInt32(ICMP6_ECHO_REPLY % 32))
            var filter = icmp6_filter()
            withUnsafeMutableBytes(of: &filter) { $0.copyBytes(from: blocked.withUnsafeBytes { Array($0) }) }
            try socket.setOption("ICMP6_FILTER", Int32(IPPROTO_ICMPV6), ICMP6_FILTER, structure: filter)
            return socket
        }
        let socket = try Descriptor.socket(family: AF_INET, type: SOCK_RAW, protocol: Int32(IPPROTO_ICMP))
        // SOL_RAW and ICMP_FILTER of linux/icmp.h, which does not go together with netinet/ip_icmp.h.
        let rawLevel: Int32 = 255
        let filterOption: Int32 = 1
        let blocked = ~(UInt32(1) << UInt32(ICMP_ECHOREPLY))
        try socket.setOption("ICMP_FILTER", rawLevel, filterOption, structure: blocked)
        return socket
    }

    /// A ping socket: the kernel gives it an identifier of its own and passes on only what answers that. For users in
    /// the groups of `net.ipv4.ping_group_range`.
    package static func pingSocket(isIPv6: Bool) throws(SystemError) -> Descriptor {
        try Descriptor.socket(
            family: isIPv6 ? AF_INET6 : AF_INET, type: SOCK_DGRAM,
            protocol: Int32(isIPv6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP))
    }
}
