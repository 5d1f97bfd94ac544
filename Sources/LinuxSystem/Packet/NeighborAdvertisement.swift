// Unsolicited neighbour advertisements (RFC 4861 7.2.6): what announces an IPv6 address (specs/address-takeover.md 5).

/// Unsolicited neighbour advertisements (RFC 4861, 7.2.6).
package enum NeighborAdvertisement {
    /// The Ethernet frame, 86 bytes, that tells all nodes of a link where an IPv6 address is now: Override set, hop
    /// limit 255, the hardware address as option 2. Built whole, so that it can be sent before the kernel itself would
    /// use the address. nil for IPv4.
    package static func frame(of address: IPAddress, at hardware: MACAddress) -> [UInt8]? {
        guard address.isIPv6 else { return nil }
        var message: [UInt8] = [136, 0, 0, 0, 0x20, 0, 0, 0]
        message += address.bytes
        message += [2, 1] + hardware.bytes
        let allNodes: [UInt8] = [0xff, 0x02] + [UInt8](repeating: 0, count: 13) + [1]
        let sum = checksum(source: address.bytes, destination: allNodes, message)
        message[2] = UInt8(sum >> 8)
        message[3] = UInt8(sum & 0xff)

        var frame = MACAddress.allNodes.bytes + hardware.bytes + [0x86, 0xdd]
        frame += [0x60, 0, 0, 0, 0, UInt8(message.count), icmp6, 255]
        frame += address.bytes + allNodes + message
        return frame
    }

    private static let icmp6: UInt8 = 58

    /// The Internet checksum over the IPv6 pseudo-header and the message (RFC 8200 8.1).
    private static func checksum(source: [UInt8], destination: [UInt8], _ message: [UInt8]) -> UInt16 {
        let bytes = source + destination + [0, 0, 0, UInt8(message.count), 0, 0, 0, icmp6] + message
        var sum: UInt32 = 0
        for index in stride(from: 0, to: bytes.count, by: 2) {
            sum += UInt32(bytes[index]) << 8 | UInt32(index + 1 < bytes.count ? bytes[index + 1] : 0)
        }
        while sum > 0xffff { sum = (sum & 0xffff) + (sum >> 16) }
        return ~UInt16(sum)
    }
}
