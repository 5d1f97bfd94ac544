// The source address that the kernel chooses for what goes out through a route (RTA_PREFSRC).
import CLinux

/// A route of the main table as the kernel tells it, to be told again with another source address.
package struct SourceRoute: Sendable {
    /// nil: the kernel chooses the address of the interface.
    package let source: IPAddress?
    /// nil: the default route.
    package let destination: IPAddress?
    package let prefixLength: Int
    package let metric: UInt32
    /// Every attribute but the source, and the fixed structure before them.
    private let structure: [UInt8]
    private let attributes: [(type: Int, value: [UInt8])]

    private static let structureSize = 12

    fileprivate init?(_ message: NetlinkMessage) {
        let size = SourceRoute.structureSize
        guard message.body.count >= size, message.body.native(UInt8.self, at: 7) == UInt8(RTN_UNICAST)
        else { return nil }
        var structure = Array(message.body.prefix(size))
        // Flags tell the state of the route; they are not for who sets one.
        structure.replaceSubrange(8..<12, with: [0, 0, 0, 0])
        self.structure = structure
        prefixLength = Int(structure[1])
        var table = UInt32(structure[4])
        var attributes: [(Int, [UInt8])] = []
        var source: IPAddress?
        var destination: IPAddress?
        var metric: UInt32 = 0
        message.forEachAttribute(after: size) { type, value in
            switch type {
            case Int(RTA_PREFSRC.rawValue): source = IPAddress(bytes: value)
            case Int(RTA_CACHEINFO.rawValue): break
            default:
                if type == Int(RTA_TABLE.rawValue) { table = value.native(UInt32.self, at: 0) }
                if type == Int(RTA_DST.rawValue) { destination = IPAddress(bytes: value) }
                if type == Int(RTA_PRIORITY.rawValue) { metric = value.native(UInt32.self, at: 0) }
                attributes.append((type, Array(value)))
            }
        }
        guard table == UInt32(RT_TABLE_MAIN.rawValue) else { return nil }
        self.source = source
        self.destination = destination
        self.metric = metric
        self.attributes = attributes
    }

    /// Whether the route is of the family of an address.
    package func isOfFamily(of address: IPAddress) -> Bool {
        Int32(structure[0]) == (address.isIPv6 ? AF_INET6 : AF_INET)
    }

    fileprivate func write(to writer: inout NetlinkWriter, source: IPAddress?) {
        for byte in structure { writer.integer(byte) }
        for attribute in attributes { writer.attribute(attribute.type, attribute.value) }
        if let source { writer.attribute(Int(RTA_PREFSRC.rawValue), source.bytes) }
    }
}

extension NetlinkSession {
    /// The unicast routes of the main table, of both families, with their source addresses.
    package func sourceRoutes() throws(SystemError) -> [SourceRoute] {
        var routes: [SourceRoute] = []
        try dump(
            type: Int(RTM_GETROUTE), { writer in for _ in 0..<12 { writer.integer(UInt8(0)) } },
            begin: { routes = [] },
            { message in
                if let route = SourceRoute(message) { routes.append(route) }
            })
        return routes
    }

    /// Gives a route another source address, in one step; nil: the kernel's choice. Throws what the kernel says.
    package func set(_ source: IPAddress?, of route: SourceRoute) throws(SystemError) {
        let request = Request(type: Int(RTM_NEWROUTE), flags: NLM_F_CREATE | NLM_F_REPLACE) {
            route.write(to: &$0, source: source)
        }
        let code = try perform([request])[0]
        if code != 0 { throw SystemError(code: code, operation: "set the source address of a route") }
    }
}
