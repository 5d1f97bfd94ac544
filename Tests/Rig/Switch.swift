// The network between the nodes: bridges in a namespace of their own, a router's address on each, and cables that can
// be pulled out.
import CLinux
import ClusterModel
import LinuxSystem

/// The bridges and everything that is plugged into them.
package final class Switch {
    private let holder: HeldProcess
    private let namespace: Namespace
    private let folder: String
    private let control: Descriptor
    package let bridgeCount: Int

    /// Makes bridges. The process that holds them removes `folder` when the rig is gone.
    package init(program: String, bridges: Int, folder: String, waiting: Waiting) throws {
        holder = try HeldProcess.start(program, ["rig-network", folder], waiting: waiting).process
        namespace = Namespace(pid: holder.pid)
        self.folder = folder
        bridgeCount = bridges
        let type = Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        control = Descriptor(
            owning: try namespace.inside { try retrying("socket") { socket(AF_INET, type, 0) } })
        var lines = ["link set lo up"]
        for bridge in 0..<bridges {
            // Without an address of its own a bridge takes that of a port, and another one when the port goes.
            let hardware = NetworkPlan.hardwareAddress(of: NetworkPlan.routerNumber, on: bridge)
            lines += [
                "link add br\(bridge) address \(hardware) type bridge forward_delay 0 mcast_snooping 0",
                "address add \(NetworkPlan.router(on: bridge))/24 dev br\(bridge)",
                "link set br\(bridge) up",
            ]
        }
        try namespace.ip(lines, folder: folder)
    }

    /// Plugs the machine in whose network is that of a process: `eth0` to the first bridge, `eth1` to the second.
    func plugIn(_ machine: Int, pid: pid_t, bridges: Range<Int>) throws {
        try namespace.ip(
            bridges.flatMap { bridge in
                let port = Switch.port(machine, bridge)
                let hardware = NetworkPlan.hardwareAddress(of: machine, on: bridge)
                return [
                    "link add \(port) type veth peer name eth\(bridge) address \(hardware) netns \(pid)",
                    "link set \(port) master br\(bridge) up",
                ]
            }, folder: folder)
        let settings = bridges.flatMap { bridge in
            [
                "address add \(NetworkPlan.address(of: machine, on: bridge))/24 broadcast + dev eth\(bridge)",
                "address add \(NetworkPlan.address6(of: machine, on: bridge))/64 dev eth\(bridge) nodad",
                "link set eth\(bridge) up",
            ]
        }
        try Namespace(pid: pid).ip(["link set lo up"] + settings, folder: folder)
    }

    /// Makes ports of the first bridge for a machine that brings its own kernel. They have no carrier before it runs.
    func plugInTaps(_ machine: Int, cards: Int) throws {
        for port in (0..<cards).map({ Switch.port(machine, $0) }) {
            try namespace.ip(["tuntap add dev \(port) mode tap", "link set \(port) master br0 up"], folder: folder)
        }
    }

    /// Removes a machine's cables, so that a machine with the same number can be plugged in. The kernel may have done
    /// so already, with the machine's network.
    func remove(_ machine: Int, bridges: Range<Int>) throws {
        for bridge in bridges {
            _ = try Command(namespace.words + ["ip", "link", "delete", Switch.port(machine, bridge)]).run()
        }
    }

    /// Pulls a cable out or plugs it in again: the machine's interface loses its carrier. Takes microseconds.
    func set(_ machine: Int, bridge: Int, up: Bool) throws {
        var request = ifreq()
        withUnsafeMutableBytes(of: &request.ifr_ifrn.ifrn_name) {
            $0.copyBytes(from: Switch.port(machine, bridge).utf8.prefix(Int(IFNAMSIZ) - 1))
        }
        let raw = control.raw
        _ = try retrying("read the flags of a port") { cl_ioctl_pointer(raw, UInt(SIOCGIFFLAGS), &request) }
        let bit = Int16(IFF_UP)
        request.ifr_ifru.ifru_flags = up ? request.ifr_ifru.ifru_flags | bit : request.ifr_ifru.ifru_flags & ~bit
        _ = try retrying("set a port") { cl_ioctl_pointer(raw, UInt(SIOCSIFFLAGS), &request) }
    }

    /// Loses so many of a hundred frames that a machine sends over a bridge; 0 ends it.
    func lose(percent: Int, of machine: Int, bridge: Int) throws {
        let table = "rig_\(machine)_\(bridge)"
        var commands = "add table bridge \(table)\ndelete table bridge \(table)\n"
        if percent > 0 {
            commands += "add table bridge \(table)\n"
            commands += "add chain bridge \(table) lossy { type filter hook prerouting priority 0; }\n"
            commands += "add rule bridge \(table) lossy iifname \"\(Switch.port(machine, bridge))\""
            commands += " numgen random mod 100 < \(percent) drop\n"
        }
        try Folder.write(commands, to: "\(folder)/nft-batch")
        try Command(namespace.words + ["nft", "-f", "\(folder)/nft-batch"]).check()
    }

    /// Loses frames as these say, instead of what was said before.
    package func disturb(_ losses: [FrameLoss]) throws {
        var commands = "add table bridge rig_losses\ndelete table bridge rig_losses\n"
        if !losses.isEmpty {
            commands += "add table bridge rig_losses\n"
            for hook in ["prerouting", "forward", "postrouting"] {
                commands += "add chain bridge rig_losses \(hook) { type filter hook \(hook) priority 0; }\n"
            }
            for loss in losses { commands += "add rule bridge rig_losses \(loss.rule)\n" }
        }
        try Folder.write(commands, to: "\(folder)/nft-batch")
        try Command(namespace.words + ["nft", "-f", "\(folder)/nft-batch"]).check()
    }

    /// Ends the holder, which ends the network and removes the folder.
    package func finish() { holder.finish() }

    var words: [String] { namespace.words }

    /// The switch's end of a machine's cable to a bridge.
    package static func port(_ machine: Int, _ bridge: Int) -> String { "port\(machine)-\(bridge)" }
}

/// Frames that a switch loses.
package struct FrameLoss: Equatable, Sendable {
    /// The machine that sends them; nil: any.
    package var from: Int?
    /// The machine that they are for; nil: any, the switch's own address included.
    package var to: Int?
    package var bridge: Int
    /// So many of a hundred.
    package var percent: Int
    /// Only messages of heartbeat.
    package var messagesOnly = false

    package init(from: Int? = nil, to: Int? = nil, bridge: Int, percent: Int = 100, messagesOnly: Bool = false) {
        self.from = from
        self.to = to
        self.bridge = bridge
        self.percent = percent
        self.messagesOnly = messagesOnly
    }

    /// The chain and the rule of nftables.
    fileprivate var rule: String {
        var words = [from == nil ? "postrouting" : to == nil ? "prerouting" : "forward"]
        if let from { words.append("iifname \"\(Switch.port(from, bridge))\"") }
        if let to { words.append("oifname \"\(Switch.port(to, bridge))\"") }
        if messagesOnly { words.append("ether type ip udp dport 694") }
        if percent < 100 { words.append("numgen random mod 100 < \(percent)") }
        return (words + ["drop"]).joined(separator: " ")
    }
}

/// The addresses of a cluster's machines. Nodes are numbered from 0, those of the client and the router are fixed.
package enum NetworkPlan {
    package static let client = 199
    static let routerNumber = 253

    package static func address(of machine: Int, on bridge: Int = 0) -> String { "10.77.\(bridge).\(machine + 1)" }
    package static func address6(of machine: Int, on bridge: Int = 0) -> String { "fd77:\(bridge)::\(machine + 1)" }
    /// A host that every plugged-in machine reaches: a ping node.
    package static func router(on bridge: Int = 0) -> String { address(of: routerNumber, on: bridge) }
    package static func broadcast(on bridge: Int = 0) -> String { "10.77.\(bridge).255" }
    /// An address for a resource group, numbered from 0.
    package static func service(_ number: Int = 0) -> String { "10.77.0.\(100 + number)" }

    /// The same after a power cut, as a card has it.
    package static func hardwareAddress(of machine: Int, on bridge: Int = 0) -> String {
        func hex(_ number: Int) -> String { (number < 16 ? "0" : "") + String(number, radix: 16) }
        return "02:77:00:00:\(hex(bridge)):\(hex(machine + 1))"
    }
}
