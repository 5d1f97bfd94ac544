// ARP over Ethernet (RFC 826), in the forms that announce and probe an IPv4 address (specs/address-takeover.md 4, 8).

/// One ARP packet and the Ethernet frame around it.
package struct ARPPacket: Equatable, Sendable {
    /// The operation code (RFC 826).
    package enum Operation: UInt16, Sendable {
        case request = 1
        case reply = 2
    }

    /// Frames are padded with zeros to the least size of Ethernet, less its checksum.
    private static let frameSize = 60
    /// EtherType of ARP.
    package static let etherType: UInt16 = 0x0806

    package var operation: Operation
    package var senderHardware: MACAddress
    package var sender: IPAddress
    package var targetHardware: MACAddress
    package var target: IPAddress

    /// nil unless both addresses are IPv4.
    package init?(
        _ operation: Operation, sender: IPAddress, at senderHardware: MACAddress, target: IPAddress,
        at targetHardware: MACAddress
    ) {
        guard !sender.isIPv6, !target.isIPv6 else { return nil }
        self.operation = operation
        self.senderHardware = senderHardware
        self.sender = sender
        self.targetHardware = targetHardware
        self.target = target
    }

    /// The pair that tells every neighbour where an address is now: a request with no target hardware address, and a
    /// reply whose target hardware address is the sender's, because Linux ignores other replies for entries younger
    /// than a second. Some neighbours learn from one form only. Empty for IPv6.
    package static func announcement(of address: IPAddress, at hardware: MACAddress) -> [ARPPacket] {
        [
            ARPPacket(.request, sender: address, at: hardware, target: address, at: .zero),
            ARPPacket(.reply, sender: address, at: hardware, target: address, at: hardware),
        ].compactMap(\.self)
    }

    /// The question whether anybody uses an address, which claims nothing (RFC 5227 2.1.1); nil for IPv6.
    package static func probe(for address: IPAddress, from hardware: MACAddress) -> ARPPacket? {
        guard let nobody = IPAddress(bytes: [0, 0, 0, 0]) else { return nil }
        return ARPPacket(.request, sender: nobody, at: hardware, target: address, at: .zero)
    }

    /// The frame, 60 bytes.
    package func frame(source: MACAddress, destination: MACAddress = .broadcast) -> [UInt8] {
        var frame = destination.bytes + source.bytes + ARPPacket.fixed + [0, UInt8(operation.rawValue)]
        frame += senderHardware.bytes + sender.bytes + targetHardware.bytes + target.bytes
        frame += [UInt8](repeating: 0, count: ARPPacket.frameSize - frame.count)
        return frame
    }

    /// The packet in a received frame; nil where it is not ARP for IPv4 over Ethernet.
    package init?(frame: some Collection<UInt8>) {
        let bytes = Array(frame)
        guard bytes.count >= 42, Array(bytes[12..<20]) == ARPPacket.fixed, bytes[20] == 0,
            let operation = Operation(rawValue: UInt16(bytes[21])),
            let senderHardware = MACAddress(bytes: bytes[22..<28]), let sender = IPAddress(bytes: bytes[28..<32]),
            let targetHardware = MACAddress(bytes: bytes[32..<38]), let target = IPAddress(bytes: bytes[38..<42])
        else { return nil }
        self.init(operation, sender: sender, at: senderHardware, target: target, at: targetHardware)
    }

    /// EtherType ARP, hardware Ethernet, protocol IPv4, address lengths 6 and 4.
    private static let fixed: [UInt8] = [0x08, 0x06, 0, 1, 0x08, 0, 6, 4]
}
