// `VirtualMAC INTERFACE MAC NAME`: a hardware address that moves with its group, so that neighbours need not learn
// another one: an interface NAME of its own on the link of INTERFACE, for the addresses that the group names behind it.
import CLinux
import ClusterModel
import LinuxSystem

struct VirtualMAC: NativeAgent {
    private let parent: String
    private let hardware: MACAddress
    private let name: String

    /// Longest name of an interface that the kernel takes.
    private static let nameLengthMax = 15

    init(_ arguments: [String]) throws(AgentError) {
        let values = try NativeAgents.read(arguments, ["interface", "mac", "name"], required: 3)
        parent = values["interface"] ?? ""
        name = values["name"] ?? ""
        for interface in [parent, name] {
            guard interface.utf8.count <= VirtualMAC.nameLengthMax, interface != ".", interface != "..",
                !interface.contains(where: { $0.isWhitespace || $0 == "/" || $0 == ":" })
            else { throw AgentError("\(interface) is not the name of an interface", code: 2) }
        }
        if parent == name { throw AgentError("\(name): expected a name that no interface has", code: 2) }
        hardware = try VirtualMAC.hardware(values["mac"] ?? "")
    }

    /// A number is that of a virtual router (RFC 9568, 7.3).
    private static func hardware(_ text: String) throws(AgentError) -> MACAddress {
        if let number = UInt8(text), number > 0, let address = MACAddress(bytes: [0, 0, 0x5e, 0, 1, number]) {
            return address
        }
        guard let address = MACAddress(text), address.bytes[0] & 1 == 0, address != .zero else {
            throw AgentError(
                "\(text): expected a number from 1 to 255, or the hardware address of one machine such as"
                    + " 02:00:0a:07:00:64", code: 2)
        }
        return address
    }

    func start() throws(AgentError) {
        try kernel { session throws(SystemError) in
            let interfaces = try session.interfaces()
            guard let below = interfaces.first(where: { $0.name == parent }) else {
                throw SystemError(code: ENODEV, operation: "find the interface \(parent)")
            }
            if let there = interfaces.first(where: { $0.name == name }) {
                guard isOurs(there, interfaces) else {
                    throw SystemError(code: EEXIST, operation: "make \(name), for another interface has the name")
                }
            } else {
                try session.addVirtualLink(name, on: below.index, hardware)
            }
            guard let own = try session.interfaces().first(where: { $0.name == name }) else {
                throw SystemError(code: ENODEV, operation: "find the interface \(name)")
            }
            settle()
            if !below.isUp { try session.switchOn(below.index) }
            if !own.isUp { try session.switchOn(own.index) }
        }
    }

    /// Before the interface is switched on. Linux answers on every interface for every address, and asks with whichever
    /// address: neighbours would learn the card's hardware address for the one that moves.
    private func settle() {
        for interface in [parent, name] {
            Sysctl.set("net/ipv4/conf/\(interface)/arp_ignore", "1")
            Sysctl.set("net/ipv4/conf/\(interface)/arp_announce", "2")
        }
        // Answers may leave by the card.
        Sysctl.set("net/ipv4/conf/\(name)/rp_filter", "2")
        // An address that the kernel makes of the hardware address would be on two nodes, and speak up on both.
        Sysctl.set("net/ipv6/conf/\(name)/addr_gen_mode", "1")
        Sysctl.set("net/ipv6/conf/\(name)/accept_ra", "0")
    }

    func stop() throws(AgentError) {
        try kernel { session throws(SystemError) in
            let interfaces = try session.interfaces()
            guard let there = interfaces.first(where: { $0.name == name }), isOurs(there, interfaces) else { return }
            do throws(SystemError) {
                try session.removeLink(there.index)
            } catch where error.code == ENODEV {
                return
            }
        }
    }

    func status() throws(AgentError) -> AgentStatus {
        var status = AgentStatus.stopped()
        try kernel { session throws(SystemError) in
            let interfaces = try session.interfaces()
            guard let there = interfaces.first(where: { $0.name == name }) else { return }
            if !isOurs(there, interfaces) {
                status = .stopped("(\(name) is another interface)")
            } else {
                // One that is off has to be removed too.
                status = there.isUp ? .running("(\(hardware) on \(parent))") : .unknown("\(name) is switched off")
            }
        }
        return status
    }

    private func isOurs(_ interface: NetworkInterface, _ interfaces: [NetworkInterface]) -> Bool {
        interface.kind == "macvlan" && interface.hardwareAddress == hardware
            && interfaces.first { $0.index == interface.parent }?.name == parent
    }

    private func kernel(_ body: (NetlinkSession) throws(SystemError) -> Void) throws(AgentError) {
        do throws(SystemError) {
            try body(try NetlinkSession())
        } catch {
            throw AgentError("\(error)")
        }
    }
}
