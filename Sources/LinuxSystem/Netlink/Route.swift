// The main routing table, and what it says about an address whose interface or prefix the administrator left out.
import CLinux

/// A unicast route of the main table that leaves through one interface.
package struct Route: Hashable, Sendable {
    /// nil for the default route.
    package var destination: IPAddress?
    package var prefixLength: Int
    package var interface: UInt32
    /// Whether the destination is on the link itself, without a gateway.
    package var isConnected: Bool
    /// Smaller is preferred.
    package var metric: UInt32

    package init(
        destination: IPAddress?, prefixLength: Int, interface: UInt32, isConnected: Bool, metric: UInt32
    ) {
        self.destination = destination
        self.prefixLength = prefixLength
        self.interface = interface
        self.isConnected = isConnected
        self.metric = metric
    }

    private static let structureSize = 12

    /// The route in RTM_NEWROUTE; nil where it is not of the main table, not unicast or has several next hops.
    init?(_ message: NetlinkMessage) {
        guard message.body.count >= Route.structureSize,
            message.body.native(UInt8.self, at: 7) == UInt8(RTN_UNICAST)
        else { return nil }
        prefixLength = Int(message.body.native(UInt8.self, at: 1))
        interface = 0
        isConnected = false
        var table = UInt32(message.body.native(UInt8.self, at: 4))
        var gateway = false
        var outgoing: UInt32?
        metric = 0
        message.forEachAttribute(after: Route.structureSize) { type, value in
            switch type {
            case Int(RTA_DST.rawValue): destination = IPAddress(bytes: value)
            case Int(RTA_OIF.rawValue): outgoing = value.native(UInt32.self, at: 0)
            case Int(RTA_GATEWAY.rawValue), Int(RTA_VIA.rawValue): gateway = true
            case Int(RTA_PRIORITY.rawValue): metric = value.native(UInt32.self, at: 0)
            case Int(RTA_TABLE.rawValue): table = value.native(UInt32.self, at: 0)
            default: break
            }
        }
        guard let outgoing, table == UInt32(RT_TABLE_MAIN.rawValue), prefixLength == 0 || destination != nil else {
            return nil
        }
        interface = outgoing
        isConnected = !gateway
    }

    /// The route whose network an address belongs to: the most specific one that holds it, connected before routed,
    /// smaller metric first. Default routes name no network and are left out. `interface` limits the choice.
    package static func best(_ routes: [Route], for address: IPAddress, interface: UInt32? = nil) -> Route? {
        routes.filter { route in
            guard let destination = route.destination, interface == nil || interface == route.interface else {
                return false
            }
            return route.prefixLength > 0 && address.isIn(destination, prefixLength: route.prefixLength)
        }.min { a, b in
            if a.isConnected != b.isConnected { return a.isConnected }
            if a.prefixLength != b.prefixLength { return a.prefixLength > b.prefixLength }
            return a.metric < b.metric
        }
    }
}

extension NetlinkSession {
    /// The unicast routes of the main table, of both families.
    package func routes() throws(SystemError) -> [Route] {
        var routes: [Route] = []
        try dump(
            type: Int(RTM_GETROUTE), { writer in for _ in 0..<12 { writer.integer(UInt8(0)) } },
            begin: { routes = [] },
            { message in
                if let route = Route(message) { routes.append(route) }
            })
        return routes
    }
}
