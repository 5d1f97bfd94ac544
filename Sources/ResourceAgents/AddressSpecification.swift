// The argument of IPaddr, IPaddr2 and IPv6addr: ip[/bits[/nic[:label]][/broadcast]] (specs/heartbeat.md 5.1).
import LinuxSystem

/// A mistake in a resource's arguments, in one line.
package struct ArgumentError: Error, Equatable {
    package let reason: String
}

/// An address as haresources describes it. What is nil is found in the routing table when the address is brought up.
package struct AddressSpecification: Hashable, Sendable {
    package var address: IPAddress
    package var prefixLength: Int?
    package var interface: String?
    /// `eth0:1`, with the interface's name; IPv4 only.
    package var label: String?
    package var broadcast: IPAddress?

    /// Longest name of an interface or a label that the kernel takes.
    private static let nameLengthMax = 15

    /// Reads the argument of an address resource. What follows the address is told apart by how it looks: digits are
    /// the prefix length, a dotted mask stands for one, another address is the broadcast address, anything else the
    /// interface.
    package init(argument: String, type: String = "IPaddr2") throws(ArgumentError) {
        let parts = argument.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard let address = IPAddress(parts[0]) else {
            throw ArgumentError(reason: "\(parts[0].isEmpty ? argument : parts[0]) is not an address")
        }
        if type == "IPv6addr", !address.isIPv6 {
            throw ArgumentError(reason: "\(address) is not an IPv6 address")
        }
        self.address = address
        for part in parts.dropFirst() { try take(part) }
    }

    private mutating func take(_ part: String) throws(ArgumentError) {
        if part.isEmpty { throw ArgumentError(reason: "nothing stands between two slashes of the address") }
        if part.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) {
            guard let bits = Int(part), (1...address.bitCount).contains(bits) else {
                throw ArgumentError(reason: "\(part) is not a prefix length from 1 to \(address.bitCount)")
            }
            try set(\.prefixLength, bits, "prefix length")
        } else if let other = IPAddress(part), !other.isIPv6 {
            if address.isIPv6 { throw ArgumentError(reason: "an IPv6 address has no broadcast address") }
            if prefixLength == nil, let bits = AddressSpecification.prefixLength(mask: other) {
                prefixLength = bits
            } else {
                try set(\.broadcast, other, "broadcast address")
            }
        } else {
            let name = part.prefix { $0 != ":" }
            guard !name.isEmpty, part.utf8.count <= AddressSpecification.nameLengthMax,
                !part.contains(where: \.isWhitespace)
            else { throw ArgumentError(reason: "\(part) is not the name of an interface") }
            try set(\.interface, String(name), "interface")
            if name.count < part.count, !address.isIPv6 { label = part }
        }
    }

    private mutating func set<Value>(
        _ field: WritableKeyPath<AddressSpecification, Value?>, _ value: Value, _ name: String
    ) throws(ArgumentError) {
        if self[keyPath: field] != nil { throw ArgumentError(reason: "the \(name) is given twice") }
        self[keyPath: field] = value
    }

    /// The length of a contiguous mask of at least one bit.
    private static func prefixLength(mask: IPAddress) -> Int? {
        let value = mask.bytes.reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        let bits = (~value).leadingZeroBitCount
        return bits > 0 && (value << bits == 0 || bits == 32) ? bits : nil
    }
}
