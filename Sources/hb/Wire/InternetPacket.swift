// What of an IP packet may be a message: the content of UDP on one port, or of an ICMP echo.
import LinuxSystem

/// A datagram found in a packet.
struct InternetPacket {
    /// `10.0.0.1:694`, `[fe80::1]:694`; without port for ICMP.
    let source: String
    let destination: String
    let content: ArraySlice<UInt8>
    /// Why the content is not all that was sent; nil where it is.
    let damage: String?

    /// nil for what is no datagram of that port and no echo that carries a message. `packet` begins with the network
    /// header.
    init?(_ packet: ArraySlice<UInt8>, etherType: UInt16, port: UInt16) {
        let parts: Parts?
        switch etherType {
        case 0x0800: parts = InternetPacket.ipv4(packet)
        case 0x86DD: parts = InternetPacket.ipv6(packet)
        default: parts = nil
        }
        guard let parts else { return nil }
        let payload = parts.payload
        switch parts.number {
        case 17:
            guard payload.count >= 8 else { return nil }
            let from = payload.number(at: 0)
            let to = payload.number(at: 2)
            guard from == port || to == port else { return nil }
            source = InternetPacket.text(parts.source, from)
            destination = InternetPacket.text(parts.destination, to)
            let length = Int(payload.number(at: 4)) - 8
            content = payload.dropFirst(8).prefix(max(0, length))
            damage = parts.isFragment ? "a fragment" : content.count < length ? "cut off by the capture" : nil
        case 1, 58:
            // Echo request and reply of both versions.
            guard payload.count > 12, [0, 8, 128, 129].contains(payload[payload.startIndex]) else { return nil }
            content = payload.dropFirst(8)
            guard MessageStart.isPresent(content) else { return nil }
            source = "\(parts.source)"
            destination = "\(parts.destination)"
            damage = parts.isFragment ? "a fragment" : nil
        default: return nil
        }
    }

    private struct Parts {
        let source: IPAddress
        let destination: IPAddress
        /// Of the protocol within.
        let number: UInt8
        let payload: ArraySlice<UInt8>
        let isFragment: Bool
    }

    /// Later fragments have no header of the protocol within, and are left out.
    private static func ipv4(_ packet: ArraySlice<UInt8>) -> Parts? {
        let start = packet.startIndex
        guard packet.count >= 20, packet[start] >> 4 == 4 else { return nil }
        let headerLength = Int(packet[start] & 15) * 4
        let fragment = packet.number(at: 6)
        guard headerLength >= 20, packet.count >= headerLength, fragment & 0x1FFF == 0,
            let source = IPAddress(bytes: packet[(start + 12)..<(start + 16)]),
            let destination = IPAddress(bytes: packet[(start + 16)..<(start + 20)])
        else { return nil }
        // Short frames are padded; a card that sends in segments may leave the length 0.
        let length = packet.number(at: 2)
        let whole = length == 0 ? packet : packet.prefix(Int(length))
        return Parts(
            source: source, destination: destination, number: packet[start + 9],
            payload: whole.dropFirst(headerLength), isFragment: fragment & 0x2000 != 0)
    }

    private static func ipv6(_ packet: ArraySlice<UInt8>) -> Parts? {
        let start = packet.startIndex
        guard packet.count >= 40, packet[start] >> 4 == 6,
            let source = IPAddress(bytes: packet[(start + 8)..<(start + 24)]),
            let destination = IPAddress(bytes: packet[(start + 24)..<(start + 40)])
        else { return nil }
        var payload = packet.dropFirst(40).prefix(Int(packet.number(at: 4)))
        var number = packet[start + 6]
        var isFragment = false
        // Hop-by-hop, routing and destination options name the next header and their own length.
        while [0, 43, 44, 60].contains(number) {
            guard payload.count >= 8 else { return nil }
            let first = payload.startIndex
            if number == 44 {
                let position = payload.number(at: 2)
                guard position & 0xFFF8 == 0 else { return nil }
                isFragment = isFragment || position & 1 != 0
            }
            let length = number == 44 ? 8 : 8 + Int(payload[first + 1]) * 8
            number = payload[first]
            payload = payload.dropFirst(length)
        }
        return Parts(
            source: source, destination: destination, number: number, payload: payload, isFragment: isFragment)
    }

    private static func text(_ address: IPAddress, _ port: UInt16) -> String {
        address.isIPv6 ? "[\(address)]:\(port)" : "\(address):\(port)"
    }
}

/// Whether bytes begin like a message.
enum MessageStart {
    static func isPresent(_ bytes: ArraySlice<UInt8>) -> Bool {
        bytes.starts(with: "###\n".utf8) || bytes.starts(with: ">>>\n".utf8)
    }
}

extension ArraySlice<UInt8> {
    /// 16 bits in network order at an offset from the slice's start, which MUST be there.
    func number(at offset: Int) -> UInt16 {
        UInt16(self[startIndex + offset]) << 8 | UInt16(self[startIndex + offset + 1])
    }
}
