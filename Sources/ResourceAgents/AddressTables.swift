// Where an address of haresources belongs, by what the kernel's tables say.
import LinuxSystem

/// Interfaces, addresses and routes at one moment.
struct AddressTables {
    /// By the kernel's index.
    private(set) var interfaces: [UInt32: NetworkInterface]
    /// By address, which may be on several interfaces, and on one of them with several prefixes.
    private var places: [IPAddress: [InterfaceAddress]]
    /// May be very many: they are here only where an address is to be placed that needs them (`needsRoutes`).
    var routes: [Route] = []

    init(interfaces: [NetworkInterface], addresses: [InterfaceAddress]) {
        self.interfaces = Dictionary(interfaces.map { ($0.index, $0) }) { $1 }
        places = Dictionary(grouping: addresses, by: \.address)
    }

    /// Takes in a change of which the kernel tells. What is lost in an overrun is not known here.
    mutating func apply(_ event: NetworkEvent) {
        switch event {
        case .link(let event):
            let index = event.interface.index
            interfaces[index] = event.isRemoved ? nil : event.interface
            if event.isRemoved { places = places.mapValues { $0.filter { $0.interface != index } } }
        case .address(let event):
            var forms = places[event.address.address, default: []]
            let known = forms.firstIndex { $0.isSame(as: event.address) }
            if event.isRemoved {
                if let known { forms.remove(at: known) }
            } else if let known {
                forms[known] = event.address
            } else {
                forms.append(event.address)
            }
            places[event.address.address] = forms.isEmpty ? nil : forms
        case .overrun: break
        }
    }

    /// Everything that the kernel has of an address.
    func forms(of address: IPAddress) -> [InterfaceAddress] { places[address, default: []] }

    /// The interface of a name.
    func interface(named name: String) -> NetworkInterface? { interfaces.values.first { $0.name == name } }

    /// Whether placing one of the addresses takes the routes.
    static func needsRoutes(_ specifications: [AddressSpecification]) -> Bool {
        !specifications.allSatisfy { $0.interface != nil && $0.prefixLength != nil }
    }

    /// Where an address is now: on its interface if it names one, else on every interface but loopback ones. So too
    /// where no interface has the name: one that was renamed has kept its addresses.
    func find(_ specification: AddressSpecification) -> [InterfaceAddress] {
        let forms = forms(of: specification.address)
        if forms.isEmpty { return [] }
        let named = specification.interface.flatMap { interface(named: $0) }
        return forms.filter { address in
            guard let interface = interfaces[address.interface] else { return false }
            return named.map { $0.index == interface.index } ?? !interface.isLoopback
        }
    }

    /// Where an address is to be, and in which form. Interface and prefix that are not given are those of the route
    /// whose network holds the address.
    func place(_ specification: AddressSpecification) -> Result<InterfaceAddress, ArgumentError> {
        var named: NetworkInterface?
        if let name = specification.interface {
            named = interface(named: name)
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
    func describe(_ address: InterfaceAddress) -> String {
        let name = interfaces[address.interface]?.name ?? "interface \(address.interface)"
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
