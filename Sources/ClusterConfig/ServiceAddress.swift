// The argument of IPaddr, IPaddr2 and IPv6addr: `ADDRESS[/BITS[/INTERFACE[:LABEL]][/BROADCAST]]`
// (specs/heartbeat.md 5.1).

/// An address that a group carries from node to node.
package struct ServiceAddress: Equatable, Sendable {
    package var address: AddressLiteral
    /// Length of the prefix; nil: that of the route to the address.
    package var prefixLength: Int?
    /// nil: that of the route to the address.
    package var interface: String?
    /// What follows a colon behind the interface: the label of an IPv4 address.
    package var label: String?
    /// IPv4 only.
    package var broadcast: AddressLiteral?

    /// A mistake, and where in the argument it stands, in bytes.
    package struct Problem: Error, Equatable, Sendable {
        package var message: String
        package var range: Range<Int>
    }

    /// Reads the argument. A part may be empty, which says as much as its absence; the third part is a broadcast
    /// address if it begins with a digit, as in 3.0.6.
    package init(parsing argument: String) throws(Problem) {
        let parts = argument.split(separator: "/", maxSplits: 4, omittingEmptySubsequences: false)
        func problem(_ index: Int, _ message: String) -> Problem {
            let start = argument.utf8.distance(from: argument.utf8.startIndex, to: parts[index].startIndex)
            return Problem(message: message, range: start..<start + parts[index].utf8.count)
        }
        guard let address = AddressLiteral(parts[0]) else {
            throw problem(0, "\(parts[0]): expected an IPv4 or IPv6 address")
        }
        if address.isMulticast { throw problem(0, "\(parts[0]): a multicast address cannot be held by a node") }
        if address.isUnspecified { throw problem(0, "\(parts[0]): this is the address of no host") }
        self.address = address

        if parts.count > 1, !parts[1].isEmpty {
            guard let length = ServiceAddress.prefixLength(parts[1], isIPv4: address.isIPv4) else {
                let longest = address.isIPv4 ? 32 : 128
                throw problem(1, "\(parts[1]): expected the length of the prefix in bits, 0 to \(longest)")
            }
            prefixLength = length
        }
        if parts.count > 2, let first = parts[2].utf8.first {
            if isDigit(first) {
                broadcast = AddressLiteral(parts[2])
                guard address.isIPv4, broadcast?.isIPv4 ?? false else {
                    throw problem(2, "\(parts[2]): expected an interface or a broadcast address")
                }
                guard parts.count == 3 else {
                    throw problem(3, "\(parts[3]): expected nothing behind the broadcast address")
                }
            } else {
                let names = parts[2].split(separator: ":", omittingEmptySubsequences: false)
                guard parts[2].utf8.count <= 15, !names[0].isEmpty, names.count <= 2 else {
                    throw problem(2, "\(parts[2]): expected INTERFACE or INTERFACE:LABEL, 15 letters at most")
                }
                interface = String(names[0])
                label = names.count > 1 && !names[1].isEmpty ? String(names[1]) : nil
            }
        }
        if parts.count > 3, !parts[3].isEmpty {
            broadcast = AddressLiteral(parts[3])
            guard address.isIPv4, broadcast?.isIPv4 ?? false else {
                throw problem(3, "\(parts[3]): expected \(address.isIPv4 ? "a broadcast address" : "nothing more")")
            }
        }
        if parts.count > 4 { throw problem(4, "\(parts[4]): expected nothing behind the broadcast address") }
    }

    /// Bits, or for IPv4 a mask such as 255.255.255.0.
    private static func prefixLength(_ text: Substring, isIPv4: Bool) -> Int? {
        if isIPv4, case .ipv4(let mask)? = AddressLiteral(text) {
            return ~mask & (~mask &+ 1) == 0 ? mask.nonzeroBitCount : nil
        }
        guard text.utf8.allSatisfy(isDigit), let length = Int(text), length <= (isIPv4 ? 32 : 128) else { return nil }
        return length
    }
}
