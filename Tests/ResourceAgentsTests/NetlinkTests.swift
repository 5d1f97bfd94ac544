// The kernel's tables, read and changed in a network namespace; and messages that no kernel would send.
import CLinux
import ClusterModel
import Testing

@testable import LinuxSystem

@Suite("Netlink, with the kernel", .serialized)
struct NetlinkTests {
    private let network: TestNetwork

    init() throws { network = try TestNetwork() }

    private func interface(_ session: NetlinkSession, _ name: String = "eth0") throws -> NetworkInterface {
        try #require(try session.interfaces().first { $0.name == name })
    }

    private func address(_ text: String, _ interface: UInt32, _ prefixLength: Int = 24) throws -> InterfaceAddress {
        InterfaceAddress(interface: interface, address: try #require(IPAddress(text)), prefixLength: prefixLength)
    }

    @Test("Interfaces are listed with name, hardware address and state")
    func interfaces() throws {
        try network.inside(network.near) {
            let session = try NetlinkSession()
            let ethernet = try interface(session)
            #expect(ethernet.hardwareAddress?.description == "02:00:00:00:00:01")
            #expect(ethernet.isUp && ethernet.isRunning && ethernet.announces && !ethernet.isLoopback)
            let loopback = try interface(session, "lo")
            #expect(loopback.isLoopback && !loopback.announces)
        }
    }

    @Test("500 addresses are added, listed and removed in one call each")
    func manyAddresses() throws {
        try network.inside(network.near) {
            let session = try NetlinkSession()
            let index = try interface(session).index
            let addresses = try (0..<500).map { try address("10.8.\($0 / 250).\($0 % 250 + 1)", index, 16) }
            #expect(try session.add(addresses) == [Int32](repeating: 0, count: 500))
            #expect(Set(try session.addresses().map(\.address)).isSuperset(of: addresses.map(\.address)))
            #expect(try session.add(addresses) == [Int32](repeating: EEXIST, count: 500))
            #expect(try session.remove(addresses.reversed()) == [Int32](repeating: 0, count: 500))
            #expect(Set(try session.addresses().map(\.address)).isDisjoint(with: addresses.map(\.address)))
        }
    }

    @Test("What an address was added with is what is listed")
    func addressFields() throws {
        try network.inside(network.near) {
            let session = try NetlinkSession()
            let index = try interface(session).index
            var four = try address("10.7.0.100", index)
            four.label = "eth0:web"
            four.broadcast = IPAddress("10.7.0.255")
            var six = try address("fd00:7::100", index, 64)
            six.flags = UInt32(IFA_F_NODAD)
            #expect(try session.add([four, six]) == [0, 0])
            let listed = try session.addresses()
            let listedFour = try #require(listed.first { $0.address == four.address })
            #expect(listedFour.label == "eth0:web" && listedFour.broadcast == four.broadcast)
            #expect(listedFour.prefixLength == 24 && listedFour.interface == index)
            let listedSix = try #require(listed.first { $0.address == six.address })
            #expect(listedSix.flags & UInt32(IFA_F_TENTATIVE) == 0, "usable at once")
            #expect(!listedSix.isDuplicate)
            // The listed form, flags and all, removes it.
            #expect(try session.remove([listedFour, listedSix]) == [0, 0])
        }
    }

    @Test("A request that fails does not keep back the others, and says why")
    func failures() throws {
        try network.inside(network.near) {
            let session = try NetlinkSession()
            let index = try interface(session).index
            let results = try session.add([
                try address("10.7.0.100", index), try address("10.7.0.101", 9999), try address("10.7.0.1", index),
                try address("10.7.0.102", index, 33), try address("10.7.0.103", index),
            ])
            #expect(results == [0, ENODEV, EEXIST, EINVAL, 0])
            #expect(try session.remove([try address("10.7.0.99", index)]) == [EADDRNOTAVAIL])
            #expect(throws: SystemError(code: ENODEV, operation: "switch an interface on")) {
                try session.switchOn(9999)
            }
        }
    }

    @Test("The route whose network holds an address gives interface and prefix")
    func routes() throws {
        try shell(
            """
            n="ip -n \(network.near)"
            $n link add wide type veth peer name narrow && $n link set narrow up && $n link set wide up &&
            $n addr add 10.0.0.1/8 dev wide && $n route add default via 10.7.0.2 &&
            $n route add 10.9.0.0/24 via 10.7.0.2 && $n route add 10.7.0.0/25 table 77 dev wide
            """)
        try network.inside(network.near) {
            let session = try NetlinkSession()
            let routes = try session.routes()
            let ethernet = try interface(session).index
            let wide = try interface(session, "wide").index
            func best(_ text: String, on interface: UInt32? = nil) -> [Int] {
                IPAddress(text).flatMap { Route.best(routes, for: $0, interface: interface) }
                    .map { [Int($0.interface), $0.prefixLength] } ?? []
            }
            #expect(best("10.7.0.100") == [Int(ethernet), 24], "the most specific; other tables do not count")
            #expect(best("10.6.0.100") == [Int(wide), 8])
            #expect(best("10.7.0.100", on: wide) == [Int(wide), 8])
            #expect(best("10.9.0.5") == [Int(wide), 8], "connected before routed")
            #expect(best("192.0.2.1") == [], "the default route names no network")
            #expect(best("fd00:7::100") == [Int(ethernet), 64])
        }
    }

    @Test("Changes are told as they happen")
    func events() throws {
        let monitor = try network.inside(network.near) { try NetworkMonitor(addresses: true) }
        #expect(try monitor.events() == [])
        let name = network.near
        try shell("ip -n \(name) addr add 10.7.0.50/24 dev eth0 && ip -n \(name) addr del 10.7.0.50/24 dev eth0")
        try shell("ip -n \(network.far) link set eth0 down")
        try shell("ip -n \(network.near) link del eth0")
        var events: [NetworkEvent] = []
        for event in try monitor.events() { events.append(event) }
        let addresses = events.compactMap { event -> String? in
            guard case .address(let event) = event, !event.address.address.isIPv6 else { return nil }
            return "\(event.isRemoved ? "-" : "+")\(event.address.address)/\(event.address.prefixLength)"
        }
        #expect(addresses == ["+10.7.0.50/24", "-10.7.0.50/24", "-10.7.0.1/24"])
        let links = events.compactMap { event -> String? in
            guard case .link(let event) = event, event.interface.name == "eth0" else { return nil }
            return event.isRemoved ? "removed" : event.interface.isRunning ? "running" : "not running"
        }
        #expect(links.contains("not running"))
        #expect(links.last == "removed")
    }

    @Test("Events that were lost are told as an overrun")
    func overrun() throws {
        try network.inside(network.near) {
            let monitor = try NetworkMonitor(addresses: true)
            let session = try NetlinkSession()
            let index = try interface(session).index
            let addresses = try (0..<2000).map { try address("10.8.\($0 / 250).\($0 % 250 + 1)", index, 16) }
            _ = try session.add(addresses)
            _ = try session.remove(addresses.reversed())
            var events: [NetworkEvent] = []
            while true {
                let more = try monitor.events()
                if more.isEmpty { break }
                events += more
            }
            #expect(events.contains(.overrun))
        }
    }
}

@Suite("Netlink messages that make no sense")
struct NetlinkMessageTests {
    /// RTM_NEWADDR as a kernel sends it, with one attribute: 10.7.0.50/24 on interface 2.
    private let message: [UInt8] =
        [
            0x24, 0, 0, 0, 20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,  // length 36, RTM_NEWADDR, flags, sequence, port
            2, 24, 0x80, 0, 2, 0, 0, 0,  // AF_INET, prefix, IFA_F_PERMANENT, scope, interface
            8, 0, 2, 0, 10, 7, 0, 50,  // IFA_LOCAL
            4, 0, 3, 0,  // IFA_LABEL, empty
        ]

    @Test("A whole message is understood")
    func whole() throws {
        var address = InterfaceAddress(
            interface: 2, address: try #require(IPAddress("10.7.0.50")), prefixLength: 24)
        address.flags = 0x80
        address.label = ""
        #expect(NetworkMonitor.decode(message[...]) == [.address(AddressEvent(address: address, isRemoved: false))])
    }

    @Test("No beginning of a message, and no message with a wrong length, does harm")
    func lengths() {
        for count in 0..<message.count { #expect(NetworkMonitor.decode(message.prefix(count)).isEmpty) }
        for length in UInt8.min...UInt8.max {
            var wrong = message
            wrong[0] = length
            _ = NetworkMonitor.decode(wrong[...])
            wrong = message
            wrong[24] = length
            _ = NetworkMonitor.decode(wrong[...])
        }
    }

    @Test("Random changes to messages do no harm", arguments: 0..<20)
    func random(seed: UInt64) {
        var random = RandomSource(seed: seed)
        for _ in 0..<2000 {
            var bytes = message + message
            for _ in 0..<Int.random(in: 1...8, using: &random) {
                bytes[Int.random(in: bytes.indices, using: &random)] = UInt8.random(in: .min ... .max, using: &random)
            }
            let datagram = bytes.dropFirst(Int.random(in: 0...4, using: &random))
            #expect(NetworkMonitor.decode(datagram).count <= 2)
            for part in NetlinkMessage.split(datagram) { _ = (Route(part), NetworkInterface(part)) }
        }
    }
}
