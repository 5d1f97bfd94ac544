// The neighbours whose hardware addresses the kernel knows (proc(5), net/arp).

/// What ARP has found out.
package enum ARPTable {
    /// One neighbour.
    package struct Entry: Equatable, Sendable {
        package var address: IPAddress
        package var hardware: MACAddress
        package var interface: String
    }

    /// Lines that are read: routers are few, and their neighbours may be very many.
    private static let sizeMax = 1 << 20

    /// The complete entries, in the network namespace of the calling thread.
    package static func read() -> [Entry] {
        let text = FileSystem.text(of: "/proc/thread-self/net/arp", limit: sizeMax) ?? ""
        return text.split(separator: "\n").dropFirst().compactMap { line in
            // Address, hardware type, flags, hardware address, mask, device.
            let words = line.split(separator: " ").map(String.init)
            guard words.count == 6, let address = IPAddress(words[0]), let hardware = MACAddress(words[3]),
                hardware != .zero
            else { return nil }
            return Entry(address: address, hardware: hardware, interface: words[5])
        }
    }
}
