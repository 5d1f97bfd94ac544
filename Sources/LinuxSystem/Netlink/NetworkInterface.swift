// Network interfaces as the kernel lists them.
import CLinux

/// A network interface at one moment.
package struct NetworkInterface: Hashable, Sendable {
    package var index: UInt32
    package var name: String
    /// ARPHRD_ number; 1 is Ethernet.
    package var hardwareType: UInt16
    /// nil where the interface has no Ethernet address.
    package var hardwareAddress: MACAddress?
    /// IFF_ bits.
    package var flags: UInt32
    /// The interface that this one is on top of, as a VLAN or a macvlan is.
    package var parent: UInt32?
    /// What the kernel calls its kind, `macvlan`; nil for that of a card.
    package var kind: String?

    /// Switched on by the administrator.
    package var isUp: Bool { flags & UInt32(IFF_UP) != 0 }
    /// Switched on, and the carrier is there.
    package var isRunning: Bool { isUp && flags & UInt32(IFF_RUNNING) != 0 }
    package var isLoopback: Bool { flags & UInt32(IFF_LOOPBACK) != 0 }
    /// Whether neighbours learn from announcements here: Ethernet that resolves addresses.
    package var announces: Bool {
        hardwareType == 1 && flags & UInt32(IFF_NOARP | IFF_LOOPBACK) == 0
    }

    static let structureSize = 16

    /// The interface in RTM_NEWLINK or RTM_DELLINK; nil where the message makes no sense.
    init?(_ message: NetlinkMessage) {
        guard message.body.count >= NetworkInterface.structureSize else { return nil }
        var name: String?
        var hardwareAddress: MACAddress?
        var parent: UInt32?
        var kind: String?
        message.forEachAttribute(after: NetworkInterface.structureSize) { type, value in
            switch type {
            case Int(IFLA_IFNAME): name = value.cString
            case Int(IFLA_ADDRESS): hardwareAddress = MACAddress(bytes: value)
            case Int(IFLA_LINK): parent = value.native(UInt32.self, at: 0)
            case Int(IFLA_LINKINFO): kind = NetworkInterface.kind(value)
            default: break
            }
        }
        guard let name else { return nil }
        self.name = name
        self.hardwareAddress = hardwareAddress
        self.parent = parent
        self.kind = kind
        hardwareType = message.body.native(UInt16.self, at: 2)
        index = message.body.native(UInt32.self, at: 4)
        flags = message.body.native(UInt32.self, at: 8)
    }

    /// IFLA_INFO_KIND, the first of the nested attributes.
    private static func kind(_ information: ArraySlice<UInt8>) -> String? {
        guard information.native(UInt16.self, at: 2) & 0x3fff == 1 else { return nil }
        let length = Int(information.native(UInt16.self, at: 0))
        return length > 4 ? information.prefix(length).dropFirst(4).cString : nil
    }
}

extension NetlinkSession {
    /// All interfaces.
    package func interfaces() throws(SystemError) -> [NetworkInterface] {
        var interfaces: [NetworkInterface] = []
        try dump(
            type: Int(RTM_GETLINK), { writer in for _ in 0..<16 { writer.integer(UInt8(0)) } },
            begin: { interfaces = [] },
            { message in
                if let interface = NetworkInterface(message) { interfaces.append(interface) }
            })
        return interfaces
    }

    /// Switches an interface on, as an administrator would.
    package func switchOn(_ interface: UInt32) throws(SystemError) {
        let request = Request(type: Int(RTM_NEWLINK), flags: 0) { writer in
            writer.link(interface, flags: UInt32(IFF_UP))
        }
        try check(request, "switch an interface on")
    }

    /// Makes one request; throws in the words of `operation` where the kernel refuses it.
    func check(_ request: Request, _ operation: String) throws(SystemError) {
        if let code = try perform([request]).first, code != 0 { throw SystemError(code: code, operation: operation) }
    }
}

extension NetlinkWriter {
    /// struct ifinfomsg: an interface, 0 for one that is to be made, and the flags that are to be set.
    mutating func link(_ interface: UInt32, flags: UInt32 = 0) {
        integer(UInt32(0))
        integer(interface)
        integer(flags)
        integer(flags)
    }
}
