// Addresses taken over and given up in a network namespace, seen by a neighbour on the other end of the cable.
import CLinux
import ClusterModel
import LinuxSystem
import Reactor
import Testing

@testable import ResourceAgents

@Suite("Addresses that a node holds", .serialized)
struct AddressKeeperTests {
    private let network: TestNetwork
    private let loop: EventLoop
    private let records = Records()
    private let keeper: AddressKeeper
    /// Inside the namespace: what is there.
    private let session: NetlinkSession
    private let ethernet: UInt32
    /// Everything that the neighbour's interface receives.
    private let neighbour: PacketSocket

    init() throws {
        let network = try TestNetwork()
        let loop = try EventLoop()
        let records = self.records
        (keeper, session) = try network.inside(network.near) {
            (try AddressKeeper(loop: loop, log: records.write), try NetlinkSession())
        }
        ethernet = try #require(try session.interfaces().first { $0.name == "eth0" }).index
        neighbour = try network.inside(network.far) {
            let index = try #require(try NetlinkSession().interfaces().first { $0.name == "eth0" }).index
            return try PacketSocket(receiving: 3, interface: index)  // ETH_P_ALL
        }
        var size: Int32 = 16 << 20
        setsockopt(neighbour.raw, SOL_SOCKET, SO_RCVBUFFORCE, &size, socklen_t(MemoryLayout<Int32>.size))
        self.network = network
        self.loop = loop
    }

    private func specifications(_ texts: String...) throws -> [AddressSpecification] {
        try texts.map { text throws(ArgumentError) in try AddressSpecification(argument: text) }
    }

    /// Starts as a node would whose whole network is the namespace.
    private func start(_ texts: String...) throws -> [ResourceOutcome] {
        try start(texts.map { text throws(ArgumentError) in try AddressSpecification(argument: text) })
    }

    private func start(_ specifications: [AddressSpecification]) throws -> [ResourceOutcome] {
        try network.inside(network.near) { keeper.start(specifications) }
    }

    private func present(_ text: String) throws -> InterfaceAddress? {
        try session.addresses().first { $0.address == IPAddress(text) }
    }

    /// ARP packets and neighbour advertisements that came from our side, in order: `request 10.7.0.100`.
    private func heard() throws -> [String] {
        var heard: [String] = []
        while let frame = try neighbour.receive() {
            if let packet = ARPPacket(frame: frame) {
                guard packet.senderHardware.description == "02:00:00:00:00:01" else { continue }
                let isUnicast = frame[0] & 1 == 0
                heard.append(
                    packet.sender == packet.target
                        ? "\(packet.operation) \(packet.target)"
                        : packet.sender.description == "0.0.0.0"
                            ? "probe \(packet.target)"
                            : "\(isUnicast ? "unicast " : "")\(packet.sender) asks \(packet.target)")
            } else if frame.count == 86, frame[54] == 136, let address = IPAddress(bytes: frame[62..<78]) {
                heard.append("advertisement \(address)")
            }
        }
        return heard
    }

    @Test("A start adds, announces at once, and finds interface and prefix in the routing table")
    func start() throws {
        #expect(try keeper.status(specifications("10.7.0.100", "fd00:7::100")) == [.stopped, .stopped])
        _ = try heard()
        #expect(try start("10.7.0.100", "10.7.0.101", "fd00:7::100") == [.done, .done, .done])
        #expect(
            try heard() == [
                "request 10.7.0.100", "reply 10.7.0.100", "request 10.7.0.101", "reply 10.7.0.101",
                "advertisement fd00:7::100",
            ])
        let four = try #require(try present("10.7.0.100"))
        #expect(four.interface == ethernet && four.prefixLength == 24)
        #expect(four.broadcast == IPAddress("10.7.0.255"))
        let six = try #require(try present("fd00:7::100"))
        #expect(six.prefixLength == 64 && six.flags & UInt32(IFA_F_TENTATIVE) == 0)
        #expect(try keeper.status(specifications("10.7.0.100", "fd00:7::100")) == [.running, .running])
        #expect(
            records.texts("announce") == [
                "announcing 10.7.0.100 10.7.0.101 fd00:7::100 on eth0 at 02:00:00:00:00:01, 7 times in 10 s"
            ])
    }

    @Test("The announcement is repeated until the address is given up")
    func repetition() throws {
        #expect(try start("10.7.0.100") == [.done])
        var all: [String] = []
        #expect(
            turn(loop) {
                all += (try? heard()) ?? []
                return all.filter { $0 == "reply 10.7.0.100" }.count >= 4
            })
        #expect(try keeper.stop(specifications("10.7.0.100")) == [.done])
        _ = try heard()
        let quiet = Clock.now() + .milliseconds(1500)
        _ = turn(loop) { Clock.now() > quiet }
        #expect(try heard() == [])
    }

    @Test("Announcements go out at the pace and as often as ha.cf says, and again while the address is held")
    func pace() throws {
        var policy = AnnouncementPolicy()
        policy.count = 4
        policy.interval = .milliseconds(50)
        policy.refresh = .seconds(1)
        keeper.configure(policy)
        let begin = Clock.now()
        #expect(try start("10.7.0.100") == [.done])
        #expect(records.texts("announce").last?.hasSuffix("4 times in 0 s") == true)
        var times: [Instant] = []
        func listen(until count: Int) -> Bool {
            turn(loop) {
                let replies = ((try? heard()) ?? []).filter { $0 == "reply 10.7.0.100" }
                times += replies.map { _ in Clock.now() }
                return times.count >= count
            }
        }
        #expect(listen(until: 4))
        #expect(Clock.now() - begin >= .milliseconds(150), "no faster than its pace")
        // Not held, as after a start that is undone: nothing is refreshed.
        _ = turn(loop) { Clock.now() - begin > .milliseconds(1500) }
        #expect(try heard().isEmpty)
        keeper.hold(try specifications("10.7.0.100"), group: "g", announce: false)
        #expect(listen(until: 6), "refreshed as long as it is held")
        keeper.configure(AnnouncementPolicy())
        _ = try heard()
        let quiet = Clock.now() + .milliseconds(1500)
        _ = turn(loop) { Clock.now() > quiet }
        #expect(try heard().isEmpty)
    }

    @Test("A router that ha.cf names is asked for its own address by the one that moves, in a frame of its own")
    func router() throws {
        var policy = AnnouncementPolicy()
        policy.routers = ["10.7.0.2", "10.7.0.77"]
        keeper.configure(policy)
        // The router has never heard of the address, and takes no notice of announcements.
        try shell(
            """
            ip netns exec \(network.near) ping -c1 -W5 10.7.0.2 >/dev/null &&
            ip netns exec \(network.far) sysctl -qw net.ipv4.conf.eth0.arp_accept=0
            """)
        _ = try heard()
        #expect(try start("10.7.0.100") == [.done])
        let first = try heard()
        #expect(
            first == [
                "request 10.7.0.100", "reply 10.7.0.100", "unicast 10.7.0.100 asks 10.7.0.2",
                "10.7.0.100 asks 10.7.0.77",
            ])
        try shell("ip -n \(network.far) neigh show 10.7.0.100 | grep -q 02:00:00:00:00:01")
    }

    @Test(
        "Connections of an address that goes are reset, dropped or kept as ha.cf says, those of others are left alone",
        arguments: ConnectionPolicy.allCases, [("10.7.0.100", "10.7.0.101"), ("fd00:7::100", "fd00:7::101")])
    func connections(_ policy: ConnectionPolicy, _ addresses: (going: String, staying: String)) throws {
        keeper.connections = policy
        #expect(try start(addresses.going, addresses.staying) == [.done, .done])
        let listener = try network.inside(network.near) { try TestListener() }
        let going = try network.inside(network.far) { try listener.connect(addresses.going) }
        let staying = try network.inside(network.far) { try listener.connect(addresses.staying) }
        let server = try (listener.accept(), listener.accept())
        _ = try network.inside(network.near) { keeper.stop(try specifications(addresses.going)) }
        // Linux sends a reset from an IPv6 address that it has no more.
        let isTold = policy == .reset || (policy == .drop && addresses.going.contains(":"))
        #expect(going.end(within: isTold ? 20_000 : 300) == (isTold ? ECONNRESET : nil))
        #expect(server.0.end(within: policy == .keep ? 300 : 20_000) == (policy == .keep ? nil : ECONNABORTED))
        #expect(staying.end(within: 0) == nil && server.1.end(within: 0) == nil)
        let told = ["reset": ["1 connections were reset"], "drop": ["1 connections were dropped"]]
        #expect(records.texts("connections-ended") == told[policy.rawValue] ?? [])
        // Who has the address next refuses what he does not know.
        guard policy == .drop, !isTold else { return }
        try shell("ip -n \(network.near) addr add \(addresses.going)/24 dev eth0")
        #expect(going.end(within: 300) == nil)
        try going.say()
        #expect(going.end(within: 20_000) == ECONNRESET)
    }

    @Test("Start and stop are idempotent; a stop removes exactly its addresses")
    func idempotence() throws {
        #expect(try start("10.7.0.100/24/eth0:web") == [.done])
        #expect(try present("10.7.0.100")?.label == "eth0:web")
        #expect(try start("10.7.0.100/24/eth0:web") == [.done])
        #expect(records.texts("address-present") == ["10.7.0.100/24 on eth0 was there already"])
        #expect(try keeper.stop(specifications("10.7.0.100", "10.7.0.101")) == [.done, .done])
        #expect(try present("10.7.0.100") == nil && present("10.7.0.1") != nil)
        #expect(try keeper.stop(specifications("10.7.0.100")) == [.done])
    }

    @Test("500 addresses come and go, and the neighbour hears of every one")
    func manyAddresses() throws {
        let many = try (0..<500).map { index throws(ArgumentError) in
            try AddressSpecification(argument: "10.8.\(index / 250).\(index % 250 + 1)/16/eth0")
        }
        #expect(try start(many).allSatisfy { $0 == .done })
        #expect(keeper.status(many).allSatisfy { $0 == .running })
        #expect(Set(try heard().filter { $0.hasPrefix("reply ") }).count == 500)
        #expect(keeper.stop(many).allSatisfy { $0 == .done })
        #expect(try session.addresses().filter { !$0.address.isIPv6 }.count == 2, "lo and its own")
    }

    @Test("Removing the first address of a network leaves the others there")
    func secondaries() throws {
        #expect(try start("10.9.0.1/24/eth0", "10.9.0.2/24/eth0") == [.done, .done])
        #expect(try keeper.stop(specifications("10.9.0.1")) == [.done])
        #expect(try present("10.9.0.2") != nil)
    }

    @Test("What cannot be brought up says why, and does not keep back the rest")
    func failures() throws {
        #expect(
            try start("10.7.0.100/24/eth9", "192.0.2.1", "192.0.2.1/24", "192.0.2.1/eth0", "10.7.0.101") == [
                .failed("there is no interface eth9"),
                .failed("no connected network holds 192.0.2.1: write 192.0.2.1/BITS/INTERFACE"),
                .failed("no connected network holds 192.0.2.1: write 192.0.2.1/24/INTERFACE"),
                .failed("no network on eth0 holds 192.0.2.1: write 192.0.2.1/BITS/eth0"),
                .done,
            ])
        #expect(try present("10.7.0.101") != nil)
    }

    @Test("An interface that is down is switched on")
    func interfaceDown() throws {
        try shell("ip -n \(network.near) link set eth0 down")
        #expect(try start("10.7.0.100/24/eth0") == [.done])
        #expect(try #require(try session.interfaces().first { $0.index == ethernet }).isUp)
        #expect(records.texts("interface-up") == ["switching eth0 on"])
    }

    @Test("A start finds the interface that has the name now, and a stop what others made of the address meanwhile")
    func changed() throws {
        #expect(try start("10.7.0.100/24/eth0") == [.done])
        #expect(try keeper.stop(specifications("10.7.0.100/24/eth0")) == [.done])
        try shell(
            """
            ip -n \(network.near) link set eth0 down && ip -n \(network.near) link set eth0 name old &&
            ip -n \(network.near) link add eth0 address 02:00:00:00:00:09 type veth peer name plug
            """)
        #expect(try start("10.7.0.100/24/eth0") == [.done])
        let address = try #require(try present("10.7.0.100"))
        #expect(try session.interfaces().first { $0.index == address.interface }?.name == "eth0")
        #expect(address.interface != ethernet)
        #expect(records.texts("announce").last?.contains("02:00:00:00:00:09") == true)
        // As a switch of the whole interface to another prefix does it.
        let name = network.near
        try shell("ip -n \(name) addr del 10.7.0.100/24 dev eth0 && ip -n \(name) addr add 10.7.0.100/16 dev eth0")
        #expect(keeper.status(try specifications("10.7.0.100/24/eth0")) == [.running])
        #expect(try keeper.stop(specifications("10.7.0.100/24/eth0")) == [.done])
        #expect(try present("10.7.0.100") == nil)
    }

    @Test("An address that an earlier daemon left on an interface that was renamed since is here, and can be stopped")
    func renamed() throws {
        let name = network.near
        try shell(
            "ip -n \(name) addr add 10.7.0.100/24 dev eth0 && ip -n \(name) addr add 10.7.0.101/32 dev lo && "
                + "ip -n \(name) link set eth0 down && ip -n \(name) link set eth0 name old")
        let specifications = try specifications("10.7.0.100/24/eth0", "10.7.0.101/24/eth0")
        #expect(keeper.status(specifications) == [.running, .stopped])
        #expect(keeper.stop(specifications) == [.done, .done])
        #expect(try present("10.7.0.100") == nil)
        #expect(try present("10.7.0.101") != nil)
    }

    @Test("An address that somebody removes is put back and announced; one that was given up is not")
    func putBack() throws {
        #expect(try start("10.7.0.100", "fd00:7::100") == [.done, .done])
        try keeper.hold(specifications("10.7.0.100", "fd00:7::100"), group: "web", announce: false)
        _ = try heard()
        try shell("ip -n \(network.near) addr del 10.7.0.100/24 dev eth0")
        #expect(turn(loop) { records.texts("address-restored").count == 1 })
        let text = records.texts("address-restored")[0]
        #expect(text.hasPrefix("10.7.0.100/24 was removed by process "), "\(text)")
        #expect(text.hasSuffix(": put back (1 of 5 times in 10 s)"), "\(text)")
        #expect(try present("10.7.0.100") != nil)
        #expect(try heard().contains("reply 10.7.0.100"))
        try shell("ip -n \(network.near) addr flush dev eth0")
        #expect(turn(loop) { records.texts("address-restored").count == 3 })
        #expect(try present("10.7.0.100") != nil && present("fd00:7::100") != nil)
        #expect(try keeper.stop(specifications("10.7.0.100", "fd00:7::100")) == [.done, .done])
        let quiet = Clock.now() + .milliseconds(300)
        _ = turn(loop) { Clock.now() > quiet }
        #expect(try present("10.7.0.100") == nil && present("fd00:7::100") == nil)
    }

    @Test("An address that vanished before it was held is put back; IPv6 survives its interface being switched off")
    func vanished() throws {
        #expect(try start("10.7.0.100", "fd00:7::100/64/eth0") == [.done, .done])
        try shell("ip -n \(network.near) addr del 10.7.0.100/24 dev eth0")
        try keeper.hold(specifications("10.7.0.100", "fd00:7::100/64/eth0"), group: "web", announce: false)
        #expect(try present("10.7.0.100") != nil)
        try shell("ip -n \(network.near) link set eth0 down && ip -n \(network.near) link set eth0 up")
        let expected = ["fd00:7::100/64 was removed by the kernel: put back (1 of 5 times in 10 s)"]
        #expect(turn(loop) { records.texts("address-restored") == expected })
        let six = try #require(try present("fd00:7::100"))
        #expect(six.flags & UInt32(IFA_F_TENTATIVE) == 0)
    }

    @Test("An IPv6 address that the kernel finds taken is lost, and a start puts it there all the same")
    func duplicate() throws {
        var lost: [String] = []
        keeper.onLost = { group, reason in lost.append("\(group): \(reason)") }
        try shell("ip -n \(network.far) addr add fd00:7::100/64 dev eth0 nodad")
        // With duplicate address detection, as an operator adds it.
        try shell("ip -n \(network.near) addr add fd00:7::100/64 dev eth0")
        #expect(try start("fd00:7::100/64/eth0") == [.done])
        try keeper.hold(specifications("fd00:7::100/64/eth0"), group: "web", announce: false)
        #expect(turn(loop) { !lost.isEmpty })
        #expect(lost == ["web: another machine on the link uses fd00:7::100"])
        #expect(try keeper.status(specifications("fd00:7::100/64/eth0")) == [.stopped])
        #expect(try start("fd00:7::100/64/eth0") == [.done])
        #expect(try keeper.status(specifications("fd00:7::100/64/eth0")) == [.running])
    }

    @Test("The kernel goes on asking for an IPv6 address of a cold start, which is in use all the while")
    func optimistic() throws {
        var lost: [String] = []
        keeper.onLost = { group, reason in lost.append("\(group): \(reason)") }
        let specification = try specifications("fd00:7::100/64/eth0")
        let isUsed = "ip netns exec \(network.far) ping -c1 -W5 fd00:7::100 >/dev/null"
        keeper.expectStart(specification, isCold: true)
        var outcomes: [ResourceOutcome]?
        try network.inside(network.near) {
            let running = keeper.start(specification) { outcomes = $0 }
            #expect(running != nil && turn(loop) { outcomes != nil })
        }
        #expect(outcomes == [.done])
        let first = try #require(try present("fd00:7::100"))
        #expect(first.flags & UInt32(IFA_F_OPTIMISTIC) != 0, "\(first.flags)")
        #expect(keeper.status(specification) == [.running])
        try shell(isUsed)
        keeper.hold(specification, group: "web", announce: false)
        let settled = UInt32(IFA_F_TENTATIVE | IFA_F_OPTIMISTIC)
        #expect(turn(loop) { ((try? present("fd00:7::100")) ?? nil).map { $0.flags & settled == 0 } ?? false })
        // Put back, it has no need to be asked for.
        try shell("ip -n \(network.near) addr del fd00:7::100/64 dev eth0")
        #expect(turn(loop) { records.texts("address-restored").count == 1 })
        #expect(try #require(try present("fd00:7::100")).flags & settled == 0)
        #expect(keeper.stop(specification) == [.done] && lost.isEmpty)

        // Who did not hear what this node asked before, and hears the kernel.
        try shell("ip -n \(network.far) addr add fd00:7::100/64 dev eth0 nodad")
        #expect(try network.inside(network.near) { keeper.start(specification, asking: true) } == [.done])
        keeper.hold(specification, group: "web", announce: false)
        #expect(turn(loop) { !lost.isEmpty })
        #expect(lost == ["web: another machine on the link uses fd00:7::100"])
    }

    @Test("An address whose interface goes is lost, and so is one that is removed again and again")
    func lost() throws {
        var lost: [String] = []
        keeper.onLost = { group, reason in lost.append("\(group): \(reason)") }
        try keeper.hold(specifications("10.7.0.1"), group: "own", announce: false)
        for round in 1...6 {
            try shell("ip -n \(network.near) addr del 10.7.0.1/24 dev eth0")
            #expect(turn(loop) { records.texts("address-restored").count == round || !lost.isEmpty })
        }
        #expect(lost.count == 1)
        #expect(lost[0].hasPrefix("own: 10.7.0.1/24 is removed again and again, at last by process "), "\(lost)")
        #expect(try start("10.7.0.100/24/eth0") == [.done])
        try keeper.hold(specifications("10.7.0.100"), group: "web", announce: false)
        try shell("ip -n \(network.near) link del eth0")
        #expect(turn(loop) { lost.count == 2 })
        #expect(lost.last == "web: 10.7.0.100/24 was removed by the kernel: No such device")
    }

    @Test("After the cable was out, held addresses are announced again, when who gives up has had time to hear it")
    func linkReturns() throws {
        keeper.linkPause = .seconds(3)
        #expect(try start("10.7.0.100") == [.done])
        try keeper.hold(specifications("10.7.0.100"), group: "web", announce: false)
        try shell("ip -n \(network.far) link set eth0 down")
        let index = ethernet
        func isRunning() -> Bool {
            (try? session.interfaces().first { $0.index == index })??.isRunning ?? false
        }
        #expect(turn(loop) { !isRunning() })
        _ = turn(loop, within: .milliseconds(100)) { false }
        let announced = records.texts("announce").count
        try shell("ip -n \(network.far) link set eth0 up")
        #expect(turn(loop) { isRunning() })
        let back = Clock.now()
        #expect(turn(loop) { records.texts("announce").count > announced })
        #expect(Clock.now() - back > .seconds(2))
    }

    @Test("send_arp sends what it was asked for")
    func command() throws {
        _ = try heard()
        try network.inside(network.near) {
            try AnnounceCommand(arguments: ["-i", "20", "-r", "2", "eth0", "10.7.0.100", "auto", "x", "x"]).run()
            let hardware = "020000000001"
            try AnnounceCommand(
                arguments: [
                    "10.7.0.9", hardware, "10.7.0.9", "000000000000", "eth0:1", hardware, "ffffffffffff", "request",
                ]
            ).run()
        }
        #expect(
            try heard() == [
                "request 10.7.0.100", "reply 10.7.0.100", "request 10.7.0.100", "reply 10.7.0.100", "request 10.7.0.9",
            ])
        #expect(throws: ArgumentError(reason: "there is no interface eth9")) {
            try AnnounceCommand(arguments: ["eth9", "10.7.0.100", "auto"]).run()
        }
    }
}

/// A server that listens on every address of its namespace, IPv4 by way of IPv6 as most services do.
private final class TestListener {
    private let socket: Descriptor
    private let port: UInt16

    init() throws {
        let type = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
        socket = Descriptor(owning: try retrying("socket") { CLinux.socket(AF_INET6, type, 0) })
        guard listen(socket.raw, 8) == 0 else { throw SystemError.last("listen") }
        var address = sockaddr_in6()
        var length = socklen_t(MemoryLayout<sockaddr_in6>.size)
        let raw = socket.raw
        let result = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(raw, .init(__sockaddr__: $0), &length) }
        }
        guard result == 0 else { throw SystemError.last("getsockname") }
        port = UInt16(bigEndian: address.sin6_port)
    }

    func connect(_ text: String) throws -> TestConnection {
        let address = try #require(IPAddress(text))
        let type = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
        let family = address.isIPv6 ? AF_INET6 : AF_INET
        let client = Descriptor(owning: try retrying("socket") { CLinux.socket(family, type, 0) })
        let raw = client.raw
        let result = SocketAddress(address, port: port).withSockaddr {
            CLinux.connect(raw, .init(__sockaddr__: $0), $1)
        }
        guard result == 0 else { throw SystemError.last("connect to \(text)") }
        return TestConnection(client)
    }

    /// The connections in the order in which they were made.
    func accept() throws -> TestConnection {
        let raw = socket.raw
        return TestConnection(Descriptor(owning: try retrying("accept") { CLinux.accept(raw, .init(), nil) }))
    }
}

private final class TestConnection {
    private let socket: Descriptor

    init(_ socket: consuming Descriptor) { self.socket = socket }

    func say() throws {
        let raw = socket.raw
        _ = try retrying("send") { send(raw, "x", 1, Int32(MSG_NOSIGNAL)) }
    }

    /// With what error it has ended within so many milliseconds; nil where it goes on.
    func end(within limit: Int32) -> Int32? {
        var poll = pollfd(fd: socket.raw, events: Int16(POLLIN), revents: 0)
        guard CLinux.poll(&poll, 1, limit) == 1 else { return nil }
        var byte: UInt8 = 0
        return recv(socket.raw, &byte, 1, Int32(MSG_DONTWAIT)) == -1 ? cl_errno() : 0
    }
}
