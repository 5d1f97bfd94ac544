// Addresses of network interfaces: the value, its netlink form, and the requests that list, add and remove them.
import CLinux

/// An address on an interface.
package struct InterfaceAddress: Hashable, Sendable {
    /// The kernel's interface index.
    package var interface: UInt32
    package var address: IPAddress
    package var prefixLength: Int
    package var broadcast: IPAddress?
    /// `eth0:1`; IPv4 only.
    package var label: String?
    /// IFA_F_ bits.
    package var flags: UInt32 = 0

    package init(interface: UInt32, address: IPAddress, prefixLength: Int) {
        self.interface = interface
        self.address = address
        self.prefixLength = prefixLength
    }

    /// Whether both name the same entry of the kernel's table, whatever its flags, label and broadcast address.
    package func isSame(as other: InterfaceAddress) -> Bool {
        interface == other.interface && prefixLength == other.prefixLength && address == other.address
    }

    /// Whether duplicate address detection found another owner: the address is there but unusable.
    package var isDuplicate: Bool { flags & UInt32(IFA_F_DADFAILED) != 0 }

    /// The same as one that is usable at once, of which duplicate address detection asks nobody.
    package var settled: InterfaceAddress {
        var address = self
        if address.address.isIPv6 { address.flags = UInt32(IFA_F_NODAD) }
        return address
    }

    /// The same as one that is usable at once, while duplicate address detection asks (RFC 4429); the interface MUST
    /// have `optimistic_dad` set, or it is usable only afterwards.
    package var optimistic: InterfaceAddress {
        var address = self
        if address.address.isIPv6 { address.flags = UInt32(IFA_F_OPTIMISTIC) }
        return address
    }

    private static let structureSize = 8

    /// The address in RTM_NEWADDR or RTM_DELADDR; nil where the message is of another family or makes no sense.
    init?(_ message: NetlinkMessage) {
        guard message.body.count >= InterfaceAddress.structureSize else { return nil }
        var local: IPAddress?
        var other: IPAddress?
        var broadcast: IPAddress?
        var label: String?
        var flags = UInt32(message.body.native(UInt8.self, at: 2))
        message.forEachAttribute(after: InterfaceAddress.structureSize) { type, value in
            switch type {
            case Int(IFA_LOCAL): local = IPAddress(bytes: value)
            case Int(IFA_ADDRESS): other = IPAddress(bytes: value)
            case Int(IFA_BROADCAST): broadcast = IPAddress(bytes: value)
            case Int(IFA_LABEL): label = value.cString
            case Int(IFA_FLAGS): flags = value.native(UInt32.self, at: 0)
            default: break
            }
        }
        // On point-to-point links IFA_ADDRESS is the far end.
        guard let address = local ?? other else { return nil }
        self.init(
            interface: message.body.native(UInt32.self, at: 4), address: address,
            prefixLength: Int(message.body.native(UInt8.self, at: 1)))
        self.broadcast = broadcast
        self.label = label
        self.flags = flags
    }

    func write(to writer: inout NetlinkWriter) {
        let scope = address.isLoopback ? RT_SCOPE_HOST : address.isLinkLocal ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE
        writer.integer(UInt8(address.family))
        writer.integer(UInt8(clamping: prefixLength))
        writer.integer(UInt8(truncatingIfNeeded: flags))
        writer.integer(UInt8(scope.rawValue))
        writer.integer(interface)
        writer.attribute(Int(IFA_LOCAL), address.bytes)
        writer.attribute(Int(IFA_ADDRESS), address.bytes)
        if let broadcast { writer.attribute(Int(IFA_BROADCAST), broadcast.bytes) }
        if let label { writer.attribute(Int(IFA_LABEL), Array(label.utf8) + [0]) }
        if flags > 0xff { writer.attribute(Int(IFA_FLAGS), flags) }
    }
}

extension NetlinkSession {
    /// Adds addresses in order. Returns an errno for each, 0 for added; EEXIST where it was there.
    package func add(_ addresses: [InterfaceAddress]) throws(SystemError) -> [Int32] {
        try perform(
            addresses.map { address in
                Request(type: Int(RTM_NEWADDR), flags: NLM_F_CREATE | NLM_F_EXCL) { address.write(to: &$0) }
            })
    }

    /// Has the kernel remove each address when that many seconds have passed, unless it is prolonged again. Returns an
    /// errno for each, 0 for done.
    package func prolong(_ addresses: [InterfaceAddress], seconds: UInt32) throws(SystemError) -> [Int32] {
        try perform(
            addresses.map { address in
                // The kernel takes flags over as they are: an address would be optimistic for ever.
                var plain = address
                plain.flags &= ~UInt32(IFA_F_OPTIMISTIC)
                return Request(type: Int(RTM_NEWADDR), flags: NLM_F_REPLACE) {
                    plain.write(to: &$0)
                    // struct ifa_cacheinfo: preferred, valid, and two stamps that the kernel sets.
                    let lifetimes = [seconds, seconds, 0, 0]
                    $0.attribute(Int(IFA_CACHEINFO), lifetimes.flatMap { number in
                        withUnsafeBytes(of: number) { Array($0) }
                    })
                }
            })
    }

    /// Removes exactly these addresses, in order. Returns an errno for each, 0 for removed; EADDRNOTAVAIL where it was
    /// not there.
    package func remove(_ addresses: [InterfaceAddress]) throws(SystemError) -> [Int32] {
        try perform(
            addresses.map { address in
                // The kernel compares whatever else stands in the request.
                let exact = InterfaceAddress(
                    interface: address.interface, address: address.address, prefixLength: address.prefixLength)
                return Request(type: Int(RTM_DELADDR), flags: 0) { exact.write(to: &$0) }
            })
    }

    /// All addresses of all interfaces.
    package func addresses() throws(SystemError) -> [InterfaceAddress] {
        var addresses: [InterfaceAddress] = []
        try dump(
            type: Int(RTM_GETADDR), { writer in for _ in 0..<8 { writer.integer(UInt8(0)) } },
            begin: { addresses = [] },
            { message in
                if let address = InterfaceAddress(message) { addresses.append(address) }
            })
        return addresses
    }
}
