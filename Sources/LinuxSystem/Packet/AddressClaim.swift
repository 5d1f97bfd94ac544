// Another machine's word that an address is its own: ARP (RFC 826, RFC 5227 2.4) and neighbour advertisements (RFC 4861
// 4.4, RFC 4862 5.4).

/// An address and the hardware address that a frame claims for it.
package struct AddressClaim: Hashable, Sendable {
    package var address: IPAddress
    package var hardware: MACAddress

    package init(address: IPAddress, hardware: MACAddress) {
        self.address = address
        self.hardware = hardware
    }

    /// The claim in a whole Ethernet frame; nil where it claims nothing. A probe, whose sender is nobody, claims
    /// nothing.
    package init?(frame: [UInt8]) {
        if let packet = ARPPacket(frame: frame) {
            if packet.sender.bytes == [0, 0, 0, 0] { return nil }
            self.init(address: packet.sender, hardware: packet.senderHardware)
        } else if let claim = NeighborAdvertisement.claim(in: frame) {
            self = claim
        } else {
            return nil
        }
    }

    /// The frame that asks whether anybody uses an address and claims nothing itself, so that every holder answers: an
    /// ARP probe, or the solicitation of duplicate address detection.
    package static func probe(for address: IPAddress, from hardware: MACAddress) -> [UInt8]? {
        if let packet = ARPPacket.probe(for: address, from: hardware) { return packet.frame(source: hardware) }
        return NeighborAdvertisement.probe(for: address, from: hardware)
    }
}

extension MACAddress {
    /// The virtual router that an Ethernet address stands for (RFC 5798 7.3), which is what keepalived and routers
    /// answer with; nil for every other.
    package var virtualRouter: UInt8? {
        bytes.starts(with: [0x00, 0x00, 0x5e, 0x00, 0x01]) || bytes.starts(with: [0x00, 0x00, 0x5e, 0x00, 0x02])
            ? bytes[5] : nil
    }
}
