// The kernel's tables as they are kept by its word of each change, beside what a reading of them gives.
import CLinux
import LinuxSystem
import Reactor
import Testing

@testable import ResourceAgents

@Suite("The kernel's tables, kept", .serialized)
struct KernelTablesTests {
    private let network: TestNetwork
    private let loop: EventLoop
    private let records = Records()
    private let tables: KernelTables
    /// Reads the tables anew each time.
    private let session: NetlinkSession

    init() throws {
        let network = try TestNetwork()
        let loop = try EventLoop()
        let records = self.records
        (tables, session) = try network.inside(network.near) {
            let session = try NetlinkSession()
            return (try KernelTables(loop: loop, session: session, log: records.write), try NetlinkSession())
        }
        self.network = network
        self.loop = loop
    }

    /// What tells two tables apart: an interface's carrier is told of later than it changes.
    private struct Shown: Equatable {
        var interfaces: Set<String>
        var addresses: Set<String>
    }

    private func shown(_ tables: AddressTables, _ asked: [String]) throws -> Shown {
        let addresses = try asked.flatMap { tables.forms(of: try #require(IPAddress($0))) }
        return Shown(
            interfaces: Set(
                tables.interfaces.map { index, interface in
                    let hardware = interface.hardwareAddress.map { "\($0)" } ?? "none"
                    return "\(index) \(interface.name) \(hardware) \(interface.isUp) \(interface.kind ?? "card")"
                }),
            addresses: Set(addresses.map { "\($0.address)/\($0.prefixLength) \($0.interface) \($0.label ?? "")" }))
    }

    private let asked = ["10.7.0.1", "10.7.0.50", "10.8.0.1", "127.0.0.1"]

    /// Whether what is kept is what a reading gives.
    private func agree(_ command: String) throws {
        let kept = try shown(try tables.current(), asked)
        let read = AddressTables(interfaces: try session.interfaces(), addresses: try session.addresses())
        #expect(try kept == shown(read, asked), "after \(command)")
    }

    @Test("Whatever others change between two questions, the second answer is right")
    func changes() throws {
        try agree("nothing")
        let commands = [
            "addr add 10.7.0.50/24 dev eth0 label eth0:web", "addr add 10.7.0.50/32 dev eth0",
            "addr add 10.7.0.50/24 dev lo", "addr del 10.7.0.50/32 dev eth0",
            // The first address of a network takes the others with it.
            "addr del 10.7.0.1/24 dev eth0", "addr add 10.7.0.1/24 dev eth0",
            "link add bridge type bridge", "link add card address 02:00:00:00:00:09 type veth peer name plug",
            "link set card up", "addr add 10.8.0.1/16 dev card", "link set card address 02:00:00:00:00:0a",
            // A bridge tells of its ports as if they were interfaces that come and go.
            "link set card master bridge", "link set card nomaster",
            "addr add 10.7.0.50/16 dev card label card:x", "link set card down", "link set card name wire",
            "link set wire up", "link set wire down", "link del wire",
            "link add card type veth peer name plug", "addr add 10.8.0.1/16 dev card",
            "link set card netns \(network.far)",
            "addr del 127.0.0.1/8 dev lo", "link del bridge",
        ]
        for command in commands {
            try shell("ip -n \(network.near) \(command)")
            try agree(command)
        }
        #expect(records.all.isEmpty)
    }

    @Test("Of IPv6 addresses the kernel says nothing at first, and the answer is right all the same")
    func delayed() throws {
        let specification = [try AddressSpecification(argument: "fd00:7::50/64/eth0")]
        for _ in 0..<50 {
            let found = try tables.current(about: specification).find(specification[0])
            #expect(found.isEmpty)
            let address = try tables.current(about: specification, placing: true).place(specification[0]).get()
            #expect(try session.add([address]) == [0])
            #expect(try tables.current(about: specification).find(specification[0]).count == 1)
            #expect(try session.remove([address]) == [0])
        }
    }

    @Test("After lost events the tables are read anew")
    func overrun() throws {
        try agree("nothing")
        var told: [NetworkEvent] = []
        tables.onEvents = { told += $0 }
        let ethernet = try #require(try session.interfaces().first { $0.name == "eth0" }).index
        let many = try (0..<2000).map { number in
            InterfaceAddress(
                interface: ethernet, address: try #require(IPAddress("10.8.\(number / 250).\(number % 250 + 1)")),
                prefixLength: 16)
        }
        _ = try session.add(many)
        _ = try session.remove(many.reversed())
        _ = try session.add([many[0]])
        try agree("thousands of changes")
        #expect(turn(loop) { told.contains(.overrun) })
    }

    @Test("What is taken in for an answer is told all the same, once and in order")
    func told() throws {
        var told: [String] = []
        tables.onEvents = { events in
            for case .address(let event) in events where !event.address.address.isIPv6 {
                told.append("\(event.isRemoved ? "-" : "+")\(event.address.address)")
            }
        }
        func change(_ words: String) throws { try shell("ip -n \(network.near) addr \(words) dev eth0") }
        try change("add 10.7.0.50/24")
        try agree("add")
        #expect(told.isEmpty, "from the loop alone")
        try change("del 10.7.0.50/24")
        try agree("del")
        try change("add 10.8.0.1/24")
        #expect(turn(loop) { told.count >= 3 })
        #expect(told == ["+10.7.0.50", "-10.7.0.50", "+10.8.0.1"])
    }
}
