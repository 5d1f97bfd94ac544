// Where an address of haresources belongs: what the kernel's tables say, read once for a whole batch.
import CLinux
import LinuxSystem

/// Interfaces, addresses and routes at one moment.
package struct AddressTables {
    package let interfaces: [NetworkInterface]
    package let addresses: [InterfaceAddress]
    private let routes: [Route]

    package init(interfaces: [NetworkInterface], addresses: [InterfaceAddress], routes: [Route]) {
        self.interfaces = interfaces
        self.addresses = addresses
        self.routes = routes
    }

    /// Reads the tables. Routes, which may be very many, only where one of the addresses `placing` needs them.
    package init(_ session: NetlinkSession, placing specifications: [AddressSpecification] = []) throws(SystemError) {
        interfaces = try session.interfaces()
        addresses = try session.addresses()
        let isComplete = specifications.allSatisfy { $0.interface != nil && $0.prefixLength != nil }
        routes = isComplete ? [] : try session.routes()
    }

    /// Where an address is now: on its interface if it names one, else on every interface but loopback ones.
    package func find(_ specification: AddressSpecification) -> [InterfaceAddress] {
        addresses.filter { address in
            guard address.address == specification.address,
                let interface = interfaces.first(where: { $0.index == address.interface })
            else { return false }
            return specification.interface.map { $0 == interface.name } ?? !interface.isLoopback
        }
    }

    /// Where an address is to be, and in which form. Interface and prefix that are not given are those of the route
    /// whose network holds the address.
    package func place(_ specification: AddressSpecification) -> Result<InterfaceAddress, ArgumentError> {
        var named: NetworkInterface?
        if let name = specification.interface {
            named = interfaces.first { $0.name == name }
            if named == nil { return .failure(ArgumentError(reason: "there is no interface \(name)")) }
        }
        var route: Route?
        if named == nil || specification.prefixLength == nil {
            route = Route.best(routes, for: specification.address, interface: named?.index)
        }
        guard let interface = named?.index ?? route?.interface,
            let prefixLength = specification.prefixLength ?? route?.prefixLength
        else { return .failure(ArgumentError(reason: missing(specification))) }

        var address = InterfaceAddress(
            interface: interface, address: specification.address, prefixLength: prefixLength)
        address.broadcast = specification.broadcast ?? specification.address.broadcast(prefixLength: prefixLength)
        address.label = specification.label
        // Nobody else has the address: the cluster decided so. Duplicate address detection would cost a second.
        return .success(address.settled)
    }

    /// `10.0.0.1/24 on eth0`.
    package func describe(_ address: InterfaceAddress) -> String {
        let name = interfaces.first { $0.index == address.interface }?.name ?? "interface \(address.interface)"
        return "\(address.address)/\(address.prefixLength) on \(name)"
    }

    private func missing(_ specification: AddressSpecification) -> String {
        let address = specification.address
        if let interface = specification.interface {
            return "no network on \(interface) holds \(address): write \(address)/BITS/\(interface)"
        }
        let bits = specification.prefixLength.map(String.init) ?? "BITS"
        return "no connected network holds \(address): write \(address)/\(bits)/INTERFACE"
    }
}
