// Ethernet addresses.

/// Six bytes of an Ethernet address.
package struct MACAddress: Hashable, Sendable, CustomStringConvertible {
    package let bytes: [UInt8]

    package static let broadcast = MACAddress(repeating: 0xff)
    package static let zero = MACAddress(repeating: 0)
    /// 33:33:00:00:00:01, where ff02::1, all nodes of a link, is sent to.
    package static let allNodes = MACAddress(known: [0x33, 0x33, 0, 0, 0, 1])

    private init(repeating byte: UInt8) { bytes = [UInt8](repeating: byte, count: 6) }
    private init(known bytes: [UInt8]) { self.bytes = bytes }

    /// nil unless there are six bytes.
    package init?(bytes: some Collection<UInt8>) {
        guard bytes.count == 6 else { return nil }
        self.bytes = Array(bytes)
    }

    /// Twelve hexadecimal digits, in pairs with colons between them or without (specs/address-takeover.md 4).
    package init?(_ text: String) {
        let digits: String
        if text.utf8.contains(UInt8(ascii: ":")) {
            let pairs = text.split(separator: ":", omittingEmptySubsequences: false)
            guard pairs.count == 6, pairs.allSatisfy({ $0.utf8.count == 2 }) else { return nil }
            digits = pairs.joined()
        } else {
            digits = text
        }
        guard digits.utf8.count == 12, digits.allSatisfy(\.isHexDigit), let value = UInt64(digits, radix: 16) else {
            return nil
        }
        bytes = (0..<6).map { UInt8(truncatingIfNeeded: value >> (40 - 8 * $0)) }
    }

    package var description: String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(separator: ":")
    }
}
