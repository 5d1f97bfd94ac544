// Neighbour discovery (RFC 4861 7.2.6, RFC 4862 5.4): what announces an IPv6 address (specs/address-takeover.md 5),
// asks for it, and claims it.

/// Neighbour advertisements, and the solicitation that asks for one.
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
        return packet(
            message, source: address.bytes, destination: allNodes, from: hardware, to: MACAddress.allNodes.bytes)
    }

    /// The Ethernet frame, 78 bytes, with which duplicate address detection asks for an IPv6 address (RFC 4862 5.4.2):
    /// whoever has it answers to all nodes. nil for IPv4.
    package static func probe(for address: IPAddress, from hardware: MACAddress) -> [UInt8]? {
        guard address.isIPv6 else { return nil }
        let message: [UInt8] = [135, 0, 0, 0, 0, 0, 0, 0] + address.bytes
        let last = address.bytes.suffix(3)
        let group: [UInt8] = [0xff, 0x02] + [UInt8](repeating: 0, count: 9) + [1, 0xff] + last
        return packet(
            message, source: [UInt8](repeating: 0, count: 16), destination: group, from: hardware,
            to: [0x33, 0x33, 0xff] + last)
    }

    /// What a neighbour advertisement claims, solicited or not: its target, at the hardware address that it names, else
    /// at the sender of the frame. nil for every other frame, and for one that came through a router.
    package static func claim(in frame: [UInt8]) -> AddressClaim? {
        guard frame.count >= 78, frame[12] == 0x86, frame[13] == 0xdd, frame[20] == icmp6, frame[21] == 255,
            frame[54] == 136, let target = IPAddress(bytes: frame[62..<78]),
            let source = MACAddress(bytes: frame[6..<12])
        else { return nil }
        let named = frame.count >= 86 && frame[78] == 2 && frame[79] == 1 ? MACAddress(bytes: frame[80..<86]) : nil
        return AddressClaim(address: target, hardware: named ?? source)
    }

    private static let icmp6: UInt8 = 58

    private static func packet(
        _ message: [UInt8], source: [UInt8], destination: [UInt8], from hardware: MACAddress, to receiver: [UInt8]
    ) -> [UInt8] {
        var message = message
        let sum = checksum(source: source, destination: destination, message)
        message[2] = UInt8(sum >> 8)
        message[3] = UInt8(sum & 0xff)
        var frame = receiver + hardware.bytes + [0x86, 0xdd]
        frame += [0x60, 0, 0, 0, 0, UInt8(message.count), icmp6, 255]
        frame += source + destination + message
        return frame
    }

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
