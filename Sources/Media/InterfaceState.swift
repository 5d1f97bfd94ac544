// What a medium over UDP depends on: its interface, whether it is up, and the addresses that it sends from and to.
import ClusterModel
import LinuxSystem

/// An interface at one moment.
struct InterfaceState: Equatable {
    var index: UInt32
    var isUp: Bool
    /// First address of each family; link-local ones only where there is no other.
    var address: IPAddress?
    var address6: IPAddress?
    /// Where a broadcast from the first IPv4 address goes; nil where the interface cannot broadcast.
    var broadcast: IPAddress?

    /// The interface of that name; nil where there is none.
    static func named(_ name: String) throws(SystemError) -> InterfaceState? {
        let netlink = try NetlinkSession()
        guard let interface = try netlink.interfaces().first(where: { $0.name == name }) else { return nil }
        let addresses = try netlink.addresses().filter { $0.interface == interface.index }
        let first = addresses.first { !$0.address.isIPv6 }
        let addresses6 = addresses.map(\.address).filter(\.isIPv6)
        return InterfaceState(
            index: interface.index, isUp: interface.isUp, address: first?.address,
            address6: addresses6.first { !$0.isLinkLocal } ?? addresses6.first,
            // An address that was added without its broadcast address has the network's all the same.
            broadcast: first.flatMap { $0.broadcast ?? $0.address.broadcast(prefixLength: $0.prefixLength) })
    }

    /// The interface that a medium needs, there and up, or an error that says what is missing.
    static func usable(_ name: String, for medium: Medium) throws(MediumError) -> InterfaceState {
        let found: InterfaceState?
        do throws(SystemError) {
            found = try named(name)
        } catch {
            throw MediumError(medium, "\(error)")
        }
        guard let state = found else {
            throw MediumError(medium, "no such interface", remedy: "`ip link` lists the interfaces of this node")
        }
        guard state.isUp else {
            throw MediumError(medium, "the interface is down", remedy: "bring it up: ip link set \(name) up")
        }
        return state
    }
}

/// What an open medium depends on, as text for a log. A medium whose signature has changed MUST be opened again.
package struct MediumSignature: Equatable, Sendable, CustomStringConvertible {
    /// `eth0 index 2 up address 10.0.0.1 broadcast 10.0.0.255`.
    package let description: String

    /// What the medium would depend on if it were opened now. Reads the kernel's tables, waits for nobody.
    package static func current(_ medium: Medium) -> MediumSignature {
        switch medium {
        case .broadcast(let interface, _), .multicast(let interface, _, _, _, _), .unicast(let interface, _, _):
            MediumSignature(interface: interface) { "address \(text($0.address)) broadcast \(text($0.broadcast))" }
        case .multicast6(let interface, _, _, _, _), .unicast6(let interface, _, _):
            MediumSignature(interface: interface) { "address \(text($0.address6))" }
        case .serial(let tty, _):
            MediumSignature(description: DeviceIdentity.of(tty).map { "\(tty) device \($0)" } ?? "\(tty) missing")
        case .ping, .ping6, .pingGroup: MediumSignature(description: "no interface")
        }
    }

    private init(description: String) { self.description = description }

    private init(interface: String, _ addresses: (InterfaceState) -> String) {
        do throws(SystemError) {
            guard let state = try InterfaceState.named(interface) else {
                description = "\(interface) missing"
                return
            }
            description = "\(interface) index \(state.index) \(state.isUp ? "up" : "down") \(addresses(state))"
        } catch {
            description = "\(interface) unknown"
        }
    }

    private static func text(_ address: IPAddress?) -> String { address.map { "\($0)" } ?? "none" }
}
