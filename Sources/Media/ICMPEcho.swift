// The bytes of ICMP echo requests and replies, RFC 792 and RFC 4443. The payload is a whole message, so a reply proves
// by its digest that it answers us.

/// Builds requests and takes replies apart.
package enum ICMPEcho {
    /// Bytes before the payload.
    package static let headerSize = 8
    /// Longest payload in bytes: a datagram of 65535 bytes less the headers of IPv4 and ICMP.
    package static let payloadSizeMax = 65507

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
    /// sockets the IP header comes first, from IPv6 ones it does not.
    package static func reply(
        _ bytes: [UInt8], isIPv6: Bool, identifier: UInt16
    ) -> (sequence: UInt16, payload: ArraySlice<UInt8>)? {
        var message = bytes[...]
        if !isIPv6 {
            guard let first = bytes.first, first >> 4 == 4 else { return nil }
            let headerLength = Int(first & 0x0f) * 4
            guard headerLength >= 20, bytes.count >= headerLength else { return nil }
            message = bytes[headerLength...]
        }
        guard message.count >= headerSize else { return nil }
        let start = message.startIndex
        guard message[start] == (isIPv6 ? 129 : 0), message[start + 1] == 0 else { return nil }
        guard isIPv6 || checksum(message) == 0 else { return nil }
        let received = withUnsafeBytes(of: identifier) { Array($0) }
        guard Array(message[(start + 4)..<(start + 6)]) == received else { return nil }
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

/// Remembers which requests were answered: of the members of a ping group, the first to reply counts.
package struct AnsweredRequests {
    private var recent: [UInt16] = []
    private static let countMax = 64

    /// Nothing was answered yet.
    package init() {}

    /// Whether this is the first reply to a request among the last 64 that were answered.
    package mutating func isFirst(_ sequence: UInt16) -> Bool {
        if recent.contains(sequence) { return false }
        if recent.count == AnsweredRequests.countMax { recent.removeFirst() }
        recent.append(sequence)
        return true
    }
}
