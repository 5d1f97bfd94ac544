// Leases that the kernel ends, seen by a neighbour that asks for the addresses.
import CLinux
import ClusterModel
import Leases
import LinuxSystem
import Reactor
import Testing

@testable import ResourceAgents

@Suite("Leased addresses", .serialized)
struct LeaseTests {
    private let network: TestNetwork
    private let loop: EventLoop
    private let records = Records()

    init() throws {
        network = try TestNetwork()
        loop = try EventLoop()
    }

    /// A keeper in the near namespace whose addresses run on a lease.
    private func keeper(_ lease: (any AddressLease)?) throws -> AddressKeeper {
        try network.inside(network.near) {
            try AddressKeeper(loop: loop, lease: lease, log: records.write)
        }
    }

    private func kernelLease() throws -> KernelLease {
        try network.inside(network.near) { try KernelLease(node: "alpha.example", log: records.write) }
    }

    private func start(_ keeper: AddressKeeper, _ texts: [String]) throws {
        let specifications = try texts.map { text throws(ArgumentError) in try AddressSpecification(argument: text) }
        let outcomes = try network.inside(network.near) { keeper.start(specifications) }
        #expect(outcomes == texts.map { _ in .done })
    }

    private func stop(_ keeper: AddressKeeper, _ texts: [String]) throws {
        let specifications = try texts.map { text throws(ArgumentError) in try AddressSpecification(argument: text) }
        let outcomes = try network.inside(network.near) { keeper.stop(specifications) }
        #expect(outcomes == texts.map { _ in .done })
    }

    private func end(_ keeper: AddressKeeper) throws { try network.inside(network.near) { keeper.end() } }

    /// Whether the neighbour, who knows nothing yet, gets an answer.
    private func answers(_ address: String) throws -> Bool {
        try shell("ip -n \(network.far) neigh flush dev eth0")
        return try shellStatus("ip netns exec \(network.far) ping -c 1 -W 1 \(address) >/dev/null 2>&1") == .exited(0)
    }

    private func rules() throws -> String {
        try shell("ip netns exec \(network.near) nft list ruleset > /tmp/\(network.near).rules")
        defer { unlink("/tmp/\(network.near).rules") }
        return FileSystem.text(of: "/tmp/\(network.near).rules", limit: 1 << 20) ?? ""
    }

    private let addresses = ["10.7.0.100/24/eth0", "fd00:7::100/64/eth0"]

    @Test("Held addresses answer while the lease runs, not after it, and again when it is renewed")
    func lapse() throws {
        let lease = try kernelLease()
        let keeper = try keeper(lease)
        let start = Clock.now()
        lease.renew(until: start + .seconds(20), now: start)
        try self.start(keeper, addresses)
        #expect(try answers("10.7.0.100") && answers("fd00:7::100"))
        // A shorter one replaces the one that runs.
        var now = Clock.now()
        lease.renew(until: now + .milliseconds(50), now: now)
        usleep(100_000)
        #expect(try !answers("10.7.0.100") && !answers("fd00:7::100"))
        #expect(try answers("10.7.0.1") && answers("fd00:7::1"), "other addresses of the node are not touched")
        now = Clock.now()
        lease.renew(until: now + .seconds(20), now: now)
        #expect(try answers("10.7.0.100") && answers("fd00:7::100"))
        lease.renew(until: now - .seconds(1), now: now)
        #expect(try answers("10.7.0.100"), "an instant that has passed neither renews nor ends")
        // Put back as ever, though it may be silent.
        try network.inside(network.near) {
            keeper.hold([try AddressSpecification(argument: addresses[0])], group: "ip", announce: false)
        }
        try shell("ip -n \(network.near) addr del 10.7.0.100/24 dev eth0")
        #expect(turn(loop) { records.events.contains("address-restored") })
    }

    @Test("A lease that the kernel gets late, for this process stood still on the way, ends in time all the same")
    func late() throws {
        let lease = try kernelLease()
        let keeper = try keeper(lease)
        var now = Clock.now()
        lease.renew(until: now + .seconds(20), now: now)
        try start(keeper, addresses)
        // The clock was read 10 s ago, and the right is over by now.
        now = Clock.now() - .seconds(10)
        lease.renew(until: now + .seconds(9), now: now)
        #expect(try !answers("10.7.0.100") && !answers("fd00:7::100"))
        // It is not over, but nearly.
        now = Clock.now()
        lease.renew(until: now + .milliseconds(500), now: now - .seconds(10))
        #expect(try answers("10.7.0.100"))
        usleep(600_000)
        #expect(try !answers("10.7.0.100") && !answers("fd00:7::100"))
    }

    @Test("Nobody gets a packet from an address whose lease has run out, not even on an open connection")
    func silence() throws {
        let lease = try kernelLease()
        let keeper = try keeper(lease)
        var now = Clock.now()
        lease.renew(until: now + .seconds(20), now: now)
        try start(keeper, addresses)
        // What is sent from the address without being asked.
        let send = "ip netns exec \(network.near) ping -c 1 -W 1 -I 10.7.0.100 10.7.0.2 >/dev/null 2>&1"
        #expect(try shellStatus(send) == .exited(0))
        now = Clock.now()
        lease.renew(until: now + .milliseconds(20), now: now)
        usleep(60_000)
        let neighbour = try network.inside(network.far) {
            let index = try #require(try NetlinkSession().interfaces().first { $0.name == "eth0" }).index
            return try PacketSocket(receiving: 3, interface: index)
        }
        while try neighbour.receive() != nil {}
        #expect(try shellStatus(send) != .exited(0))
        #expect(try !answers("10.7.0.100") && !answers("fd00:7::100"))
        while let frame = try neighbour.receive() {
            // Sender of an ARP packet, source of an IPv4 and of an IPv6 packet.
            let isARP = frame[12] == 8 && frame[13] == 6
            let source = isARP ? frame[28..<32] : frame[12] == 8 ? frame[26..<30] : frame[22..<38]
            let address = IPAddress(bytes: source)?.description ?? ""
            #expect(!["10.7.0.100", "fd00:7::100"].contains(address) || frame[6..<12] == frame[0..<6], "\(frame)")
        }
    }

    @Test("What is stopped needs no lease, and the end leaves nothing behind")
    func end() throws {
        try shell("ip netns exec \(network.near) nft add table inet filter")
        let lease = try kernelLease()
        let keeper = try keeper(lease)
        let now = Clock.now()
        lease.renew(until: now + .seconds(20), now: now)
        try start(keeper, addresses)
        try end(keeper)
        #expect(try rules().contains("heartbeat-alpha-example"), "a daemon that leaves addresses leaves their lease")
        try stop(keeper, addresses)
        keeper.renew(until: now + .seconds(20), now: now)
        #expect(try !rules().contains("10.7.0.100") && !rules().contains("fd00:7::100"))
        try end(keeper)
        let rules = try rules()
        #expect(!rules.contains("heartbeat") && rules.contains("table inet filter"), "\(rules)")
        #expect(records.all.isEmpty || !records.events.contains { $0.hasPrefix("lease") }, "\(records.events)")
    }

    @Test("What was removed by others before it was stopped needs no lease either: the end leaves nothing behind")
    func goneBefore() throws {
        let lease = try kernelLease()
        let keeper = try keeper(lease)
        let now = Clock.now()
        lease.renew(until: now + .seconds(20), now: now)
        try start(keeper, addresses)
        try shell("ip -n \(network.near) addr del 10.7.0.100/24 dev eth0")
        try stop(keeper, addresses)
        try end(keeper)
        #expect(try !rules().contains("heartbeat"))
    }

    @Test("The next daemon goes on with the lease of the one before, without a gap and without rules twice")
    func handOver() throws {
        try earlierDaemon()
        let before = try rules().split(separator: "\n").count
        let next = try kernelLease()
        #expect(try answers("10.7.0.100"))
        let keeper = try keeper(next)
        try network.inside(network.near) {
            keeper.hold([try AddressSpecification(argument: "10.7.0.100/24/eth0")], group: "ip", announce: false)
        }
        #expect(try rules().split(separator: "\n").count == before)
        let now = Clock.now()
        next.renew(until: now + .milliseconds(30), now: now)
        usleep(60_000)
        #expect(try !answers("10.7.0.100"))
    }

    private func earlierDaemon() throws {
        let lease = try kernelLease()
        let keeper = try keeper(lease)
        let now = Clock.now()
        lease.renew(until: now + .seconds(20), now: now)
        try start(keeper, addresses)
    }

    @Test("Tables that somebody flushes are there again with the next renewal")
    func flushed() throws {
        let lease = try kernelLease()
        let keeper = try keeper(lease)
        var now = Clock.now()
        lease.renew(until: now + .seconds(20), now: now)
        try start(keeper, addresses)
        try shell("ip netns exec \(network.near) nft flush ruleset")
        now = Clock.now()
        try network.inside(network.near) { lease.renew(until: now + .seconds(20), now: now) }
        #expect(records.events.contains("lease-restored"))
        #expect(try answers("10.7.0.100"))
        now = Clock.now()
        lease.renew(until: now + .milliseconds(30), now: now)
        usleep(60_000)
        #expect(try !answers("10.7.0.100") && !answers("fd00:7::100"))
        #expect(!records.events.contains("lease-failed"))
    }

    @Test(
        "What somebody else does to the lease's tables is undone with the next renewal",
        arguments: [
            "flush table inet heartbeat-alpha-example; flush table arp heartbeat-alpha-example",
            "delete table arp heartbeat-alpha-example",
            "flush set inet heartbeat-alpha-example held4; flush set arp heartbeat-alpha-example held4; "
                + "flush set inet heartbeat-alpha-example held6",
            "insert rule inet heartbeat-alpha-example input accept; "
                + "insert rule arp heartbeat-alpha-example input accept",
            "add table inet heartbeat-alpha-example { flags dormant; }; "
                + "add table arp heartbeat-alpha-example { flags dormant; }",
            "delete table inet heartbeat-alpha-example; add table inet heartbeat-alpha-example; "
                + "add set inet heartbeat-alpha-example lease { type ipv4_addr; }",
        ])
    func tampered(_ commands: String) throws {
        let lease = try kernelLease()
        let keeper = try keeper(lease)
        var now = Clock.now()
        lease.renew(until: now + .seconds(20), now: now)
        try start(keeper, addresses)
        try shell("ip netns exec \(network.near) nft '\(commands)'")
        now = Clock.now()
        try network.inside(network.near) { lease.renew(until: now + .seconds(20), now: now) }
        #expect(try answers("10.7.0.100") && answers("fd00:7::100"))
        now = Clock.now()
        try network.inside(network.near) { lease.renew(until: now + .milliseconds(30), now: now) }
        usleep(60_000)
        #expect(try !answers("10.7.0.100") && !answers("fd00:7::100"))
        #expect(!records.events.contains("lease-failed"))
    }

    @Test("Other people's changes of their own rules are no reason to make the lease's tables again")
    func others() throws {
        let lease = try kernelLease()
        let keeper = try keeper(lease)
        let now = Clock.now()
        lease.renew(until: now + .seconds(20), now: now)
        try start(keeper, addresses)
        let before = try rules()
        for round in 1...3 {
            try shell("ip netns exec \(network.near) nft 'add table inet site\(round)'")
            try network.inside(network.near) { lease.renew(until: now + .seconds(20), now: Clock.now()) }
        }
        #expect(!records.events.contains { $0.hasPrefix("lease") }, "\(records.events)")
        #expect(try answers("10.7.0.100") && answers("fd00:7::100"))
        #expect(try rules().contains("site3") && before.contains("heartbeat-alpha-example"))
    }

    @Test("Lifetimes do not bring back what was stopped")
    func lifetimesStopped() throws {
        let lease = try network.inside(network.near) { try AddressLifetimes(log: records.write) }
        let keeper = try keeper(lease)
        try start(keeper, addresses)
        var now = Clock.now()
        lease.renew(until: now + .seconds(5), now: now)
        try shell("ip -n \(network.near) addr del fd00:7::100/64 dev eth0")
        try stop(keeper, addresses)
        now = Clock.now()
        lease.renew(until: now + .seconds(5), now: now)
        #expect(try !answers("10.7.0.100") && !answers("fd00:7::100"))
    }

    @Test("Where lifetimes stand in for the lease, the kernel removes what nobody prolongs, and it is not put back")
    func lifetimes() throws {
        let lease = try network.inside(network.near) { try AddressLifetimes(log: records.write) }
        let keeper = try keeper(lease)
        var lost: [String] = []
        keeper.onLost = { group, _ in lost.append(group) }
        try start(keeper, ["10.7.0.100/24/eth0"])
        try network.inside(network.near) {
            keeper.hold([try AddressSpecification(argument: "10.7.0.100/24/eth0")], group: "ip", announce: false)
        }
        var now = Clock.now()
        lease.renew(until: now + .milliseconds(500), now: now)
        #expect(records.texts("lease-failed").count == 1, "half a second is too short for lifetimes")
        now = Clock.now()
        lease.renew(until: now + .milliseconds(1200), now: now)
        #expect(try answers("10.7.0.100"))
        #expect(turn(loop) { lost == ["ip"] })
        #expect(try !answers("10.7.0.100"))
        #expect(records.texts("address-restored").isEmpty)
    }
}
