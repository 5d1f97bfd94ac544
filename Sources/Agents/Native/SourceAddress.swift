// `IPsrcaddr ADDRESS[/BITS]`: connections that this node makes come from an address that moves: the default route, and
// the route of the network that holds the address, get it as their source. A stop gives them what they had before.
import ClusterModel
import LinuxSystem

struct SourceAddress: NativeAgent {
    private let address: IPAddress
    private let mark: StateMark

    init(_ arguments: [String]) throws(AgentError) {
        let values = try NativeAgents.read(arguments, ["ipaddress", "cidr_netmask"], required: 1)
        let text = values["ipaddress"] ?? ""
        guard let address = IPAddress(String(text.prefix { $0 != "/" })) else {
            throw AgentError("\(text) is not an address", code: 2)
        }
        self.address = address
        mark = StateMark("IPsrcaddr", ["\(address)"])
    }

    func start() throws(AgentError) {
        try kernel { session throws(SystemError) in
            guard try session.addresses().contains(where: { $0.address == address }) else {
                throw SystemError(code: 99, operation: "\(address) is not an address of this node: name IPaddr before")
            }
        }
        let routes = try routes()
        guard !routes.isEmpty else { throw AgentError("there is no default route") }
        let changed = routes.filter { $0.source != address }
        if changed.isEmpty { return }
        if !mark.exists {
            let before = changed.map { route in
                "\(SourceAddress.key(route)) \(route.source.map(\.description) ?? "-")\n"
            }
            try mark.set(before.joined())
        }
        try kernel { session throws(SystemError) in
            for route in changed { try session.set(address, of: route) }
        }
    }

    func stop() throws(AgentError) {
        let before = (mark.text ?? "").split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
        let routes = try all().filter { $0.source == address }
        try kernel { session throws(SystemError) in
            for route in routes {
                let line = before.first { $0.count == 2 && $0[0] == SourceAddress.key(route) }
                // A network's own route keeps the source that the kernel gave it, if nobody says which that was.
                if line == nil, route.destination != nil { continue }
                try session.set(line.flatMap { IPAddress($0[1]) }, of: route)
            }
        }
        mark.remove()
    }

    func status() throws(AgentError) -> AgentStatus {
        let route = try routes().first { $0.destination == nil || $0.prefixLength == 0 }
        return route?.source == address ? .running() : .stopped()
    }

    /// The default route in use, and that of the network that holds the address.
    private func routes() throws(AgentError) -> [SourceRoute] {
        let all = try all()
        guard let fallback = all.filter({ $0.prefixLength == 0 }).min(by: { $0.metric < $1.metric }) else { return [] }
        let network = all.filter { route in
            guard let destination = route.destination, route.prefixLength > 0 else { return false }
            return address.isIn(destination, prefixLength: route.prefixLength) && route.source != nil
        }.max { ($0.prefixLength, $1.metric) < ($1.prefixLength, $0.metric) }
        return [fallback] + (network.map { [$0] } ?? [])
    }

    private func all() throws(AgentError) -> [SourceRoute] {
        var routes: [SourceRoute] = []
        try kernel { session throws(SystemError) in routes = try session.sourceRoutes() }
        return routes.filter { $0.isOfFamily(of: address) }
    }

    private static func key(_ route: SourceRoute) -> String {
        "\(route.destination.map { "\($0)" } ?? "default")/\(route.prefixLength)/\(route.metric)"
    }

    private func kernel(_ body: (NetlinkSession) throws(SystemError) -> Void) throws(AgentError) {
        do throws(SystemError) {
            try body(try NetlinkSession())
        } catch {
            throw AgentError("\(error)")
        }
    }
}
