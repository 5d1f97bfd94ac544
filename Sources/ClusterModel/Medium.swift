// The configured paths of communication, one value for each medium of ha.cf (specs/heartbeat.md 6.1, 6.4).

/// A medium, as its position in `Configuration.media`.
package struct MediumID: Comparable, Hashable, Sendable {
    package let index: Int

    package init(_ index: Int) { self.index = index }

    package static func < (a: MediumID, b: MediumID) -> Bool { a.index < b.index }
}

/// One configured path of communication.
package enum Medium: Equatable, Sendable {
    case broadcast(interface: String, port: UInt16)
    case multicast(interface: String, group: String, port: UInt16, ttl: UInt8, loop: Bool)
    case multicast6(interface: String, group: String, port: UInt16, hops: UInt8, loop: Bool)
    /// `address` is a literal or a host name; it is resolved once, when the medium is opened.
    case unicast(interface: String, address: String, port: UInt16)
    case unicast6(interface: String, address: String, port: UInt16)
    case serial(tty: String, baud: Int)
    /// One ping node. `address` is a literal or a host name; the node is named as the address is written.
    case ping(address: String)
    case ping6(address: String)
    /// One ping node with several addresses; it is alive while one of them answers.
    case pingGroup(name: String, addresses: [String])

    /// The name that links carry in logs and in `cl_status` (specs/heartbeat.md 4.5): interface, tty or host.
    package var linkName: String {
        switch self {
        case .broadcast(let interface, _), .multicast(let interface, _, _, _, _),
            .multicast6(let interface, _, _, _, _), .unicast(let interface, _, _), .unicast6(let interface, _, _):
            interface
        case .serial(let tty, _): tty
        case .ping(let address), .ping6(let address): address
        case .pingGroup(let name, _): name
        }
    }

    /// The word of ha.cf that makes such a medium.
    package var directive: String {
        switch self {
        case .broadcast: "bcast"
        case .multicast: "mcast"
        case .multicast6: "mcast6"
        case .unicast: "ucast"
        case .unicast6: "ucast6"
        case .serial: "serial"
        case .ping: "ping"
        case .ping6: "ping6"
        case .pingGroup: "ping_group"
        }
    }

    /// Whether the medium reaches a ping node and nothing else.
    package var isPing: Bool { pingNodeName != nil }

    /// The name of the ping node behind the medium, if it is one that pings.
    package var pingNodeName: String? {
        switch self {
        case .ping(let address), .ping6(let address): address
        case .pingGroup(let name, _): name
        case .broadcast, .multicast, .multicast6, .unicast, .unicast6, .serial: nil
        }
    }

    package var isSerial: Bool {
        if case .serial = self { true } else { false }
    }
}
