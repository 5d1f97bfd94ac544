// Addresses as they are written in configuration files. Two spellings of one address give equal values.

/// An IPv4 or IPv6 address literal.
package enum AddressLiteral: Equatable, Hashable, Sendable {
    /// In network order.
    case ipv4(UInt32)
    /// The eight groups, in network order.
    case ipv6([UInt16])

    /// Strict: four decimal numbers without leading zeros, or the text forms of RFC 4291; no zone, no brackets.
    package init?(_ text: some StringProtocol) {
        if text.contains(":") {
            guard let groups = AddressLiteral.groups(of: text) else { return nil }
            self = .ipv6(groups)
        } else {
            guard let number = AddressLiteral.ipv4Number(text) else { return nil }
            self = .ipv4(number)
        }
    }

    package var isIPv4: Bool {
        if case .ipv4 = self { true } else { false }
    }

    /// 224.0.0.0/4 or ff00::/8.
    package var isMulticast: Bool {
        switch self {
        case .ipv4(let number): number >> 28 == 0xE
        case .ipv6(let groups): groups[0] >> 8 == 0xFF
        }
    }

    /// 0.0.0.0/8, 255.255.255.255 or `::`: no node can be reached there.
    package var isUnspecified: Bool {
        switch self {
        case .ipv4(let number): number >> 24 == 0 || number == UInt32.max
        case .ipv6(let groups): groups.allSatisfy { $0 == 0 }
        }
    }

    private static func ipv4Number(_ text: some StringProtocol) -> UInt32? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var number: UInt32 = 0
        for part in parts {
            guard let octet = octet(part) else { return nil }
            number = number << 8 | UInt32(octet)
        }
        return number
    }

    /// A decimal number up to 255 without sign or leading zero.
    private static func octet(_ part: some StringProtocol) -> UInt8? {
        guard part.utf8.allSatisfy(isDigit), part.count == 1 || part.utf8.first != UInt8(ascii: "0") else { return nil }
        return UInt8(part)
    }

    private static func groups(of text: some StringProtocol) -> [UInt16]? {
        let fields = text.split(separator: ":", omittingEmptySubsequences: false)
        guard (3...9).contains(fields.count) else { return nil }
        var groups: [UInt16] = []
        var gap: Int?
        for (index, field) in fields.enumerated() {
            if field.isEmpty {
                // The first and the last field are empty only beside a `::`, which is one gap.
                if index == 0 {
                    guard fields[1].isEmpty else { return nil }
                } else if index == fields.count - 1 {
                    guard fields[index - 1].isEmpty else { return nil }
                } else {
                    guard gap == nil else { return nil }
                    gap = groups.count
                }
            } else if index == fields.count - 1, field.contains(".") {
                guard let number = ipv4Number(field) else { return nil }
                groups += [UInt16(number >> 16), UInt16(number & 0xFFFF)]
            } else {
                guard field.utf8.count <= 4, field.allSatisfy(\.isHexDigit), field.utf8.count == field.count,
                    let group = UInt16(field, radix: 16)
                else { return nil }
                groups.append(group)
            }
        }
        guard let gap else { return groups.count == 8 ? groups : nil }
        guard groups.count < 8 else { return nil }
        groups.insert(contentsOf: [UInt16](repeating: 0, count: 8 - groups.count), at: gap)
        return groups
    }
}

/// Where a heartbeat is sent to: a literal, or a name that is resolved when the medium is opened.
enum HostName {
    /// What is wrong with a word as a literal or a host name; nil: nothing.
    static func problem(in word: String, ipv6: Bool) -> String? {
        let family = ipv6 ? "an IPv6 address" : "an IPv4 address"
        if let literal = AddressLiteral(word) {
            if literal.isIPv4 == ipv6 { return "\(word): not \(family)" }
            if literal.isMulticast { return "\(word): a multicast address, expected that of one host" }
            if literal.isUnspecified { return "\(word): the address of no host" }
            return nil
        }
        if word.contains("%") { return "\(word): the interface is named apart, drop what follows the %" }
        let looksLikeLiteral = word.contains(":") || word.utf8.allSatisfy { isDigit($0) || $0 == UInt8(ascii: ".") }
        if looksLikeLiteral || !isName(word) { return "\(word): neither \(family) nor a host name" }
        return nil
    }

    /// Letters, digits, hyphens and underscores in labels of 1 to 63, 253 in all.
    static func isName(_ word: String) -> Bool {
        word.utf8.count <= 253
            && word.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { label in
                (1...63).contains(label.utf8.count) && label.utf8.first != UInt8(ascii: "-")
                    && label.utf8.allSatisfy {
                        isDigit($0) || isLetter($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_")
                    }
            }
    }
}

func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

func isLetter(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
}
