// Internet addresses of both families as values: text, bytes, and which network they belong to.
import CLinux

/// An IPv4 or IPv6 address without a zone.
package struct IPAddress: Hashable, Sendable, CustomStringConvertible {
    /// 4 or 16 bytes in network order.
    package let bytes: [UInt8]

    /// An address from its bytes in network order; nil unless there are 4 or 16.
    package init?(bytes: some Collection<UInt8>) {
        guard bytes.count == 4 || bytes.count == 16 else { return nil }
        self.bytes = Array(bytes)
    }

    /// A numeric address; no name is looked up. The corresponding C function is `inet_pton`.
    package init?(_ text: String) {
        let family = text.utf8.contains(UInt8(ascii: ":")) ? AF_INET6 : AF_INET
        var buffer = [UInt8](repeating: 0, count: family == AF_INET6 ? 16 : 4)
        guard inet_pton(family, text, &buffer) == 1 else { return nil }
        bytes = buffer
    }

    package var isIPv6: Bool { bytes.count == 16 }
    /// AF_INET or AF_INET6.
    package var family: Int32 { isIPv6 ? AF_INET6 : AF_INET }
    /// Bits of the address, the longest possible prefix: 32 or 128.
    package var bitCount: Int { bytes.count * 8 }
    package var isLinkLocal: Bool {
        isIPv6 ? bytes[0] == 0xfe && bytes[1] & 0xc0 == 0x80 : bytes[0] == 169 && bytes[1] == 254
    }
    package var isLoopback: Bool {
        isIPv6 ? bytes.last == 1 && bytes.dropLast().allSatisfy { $0 == 0 } : bytes[0] == 127
    }

    /// Whether the first `prefixLength` bits equal those of another address of the same family.
    package func isIn(_ network: IPAddress, prefixLength: Int) -> Bool {
        guard network.bytes.count == bytes.count, (0...bitCount).contains(prefixLength) else { return false }
        for index in bytes.indices {
            let bits = min(8, max(0, prefixLength - index * 8))
            let mask = UInt8(truncatingIfNeeded: 0xff00 >> bits)
            if bytes[index] & mask != network.bytes[index] & mask { return false }
        }
        return true
    }

    /// The broadcast address of the IPv4 network that the address is in; nil for IPv6 and for prefixes longer than 30.
    package func broadcast(prefixLength: Int) -> IPAddress? {
        guard !isIPv6, (0...30).contains(prefixLength) else { return nil }
        return IPAddress(
            bytes: bytes.indices.map { index in
                let bits = min(8, max(0, prefixLength - index * 8))
                return bytes[index] | ~UInt8(truncatingIfNeeded: 0xff00 >> bits)
            })
    }

    package var description: String {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(INET6_ADDRSTRLEN)) { buffer in
            inet_ntop(family, bytes, buffer.baseAddress, socklen_t(buffer.count)).map { String(cString: $0) } ?? ""
        }
    }
}
