// Other machines that have, or claim, what this node starts or holds: real packets between network namespaces.
import CLinux
import ClusterModel
import LinuxSystem
import Reactor
import Testing

@testable import ResourceAgents

@Suite("Addresses that another machine claims", .serialized)
struct ConflictTests {
    private let network: TestNetwork
    private let loop: EventLoop
    private let records = Records()
    private let keeper: AddressKeeper
    private let session: NetlinkSession
    /// Sends and receives at the other end of the cable.
    private let other: PacketSocket
    private let otherInterface: UInt32
    private let contests = Contests()

    private final class Contests {
        var told: [(group: String, contest: AddressContest)] = []
    }

    init() throws {
        let network = try TestNetwork()
        let loop = try EventLoop()
        let records = self.records
        (keeper, session) = try network.inside(network.near) {
            (try AddressKeeper(loop: loop, log: records.write), try NetlinkSession())
        }
        (other, otherInterface) = try network.inside(network.far) {
            let index = try #require(try NetlinkSession().interfaces().first { $0.name == "eth0" }).index
            return (try PacketSocket(receiving: ARPPacket.etherType, interface: index), index)
        }
        let contests = self.contests
        keeper.onContest = { contests.told.append(($0, $1)) }
        self.network = network
        self.loop = loop
    }

    private func specifications(_ texts: [String]) throws -> [AddressSpecification] {
        try texts.map { text throws(ArgumentError) in try AddressSpecification(argument: text) }
    }

    /// Starts addresses that nobody is known to have had, and waits for the outcome.
    private func startCold(_ texts: String...) throws -> [ResourceOutcome] { try startCold(specifications(texts)) }

    private func startCold(_ specifications: [AddressSpecification]) throws -> [ResourceOutcome] {
        keeper.expectStart(specifications, isCold: true)
        return try start(specifications)
    }

    private func start(_ specifications: [AddressSpecification]) throws -> [ResourceOutcome] {
        var outcomes: [ResourceOutcome]?
        return try network.inside(network.near) {
            let running = keeper.start(specifications) { outcomes = $0 }
            #expect(turn(loop) { outcomes != nil })
            return withExtendedLifetime(running) { outcomes ?? [] }
        }
    }

    private func isPresent(_ text: String) throws -> Bool {
        try session.addresses().contains { $0.address == IPAddress(text) }
    }

    /// Turns the loop for a while, in the namespace of the node.
    private func go(_ time: Duration, until condition: () -> Bool = { false }) throws {
        _ = try network.inside(network.near) { turn(loop, within: time, until: condition) }
    }

    /// The other machine announces an address once.
    private func claim(_ text: String, from hardware: String = "02:00:00:00:00:02") throws {
        let address = try #require(IPAddress(text))
        let hardware = try #require(MACAddress(hardware))
        for frame in Announcer.frames(of: address, at: hardware) { try other.send(frame, interface: otherInterface) }
    }

    /// ARP packets of this node that claim an address.
    private func announcements(of text: String) throws -> Int {
        var count = 0
        while let frame = try other.receive() {
            guard let packet = ARPPacket(frame: frame), packet.sender == IPAddress(text) else { continue }
            if packet.senderHardware.description == "02:00:00:00:00:01" { count += 1 }
        }
        return count
    }

    // MARK: Before a start

    @Test("A cold start does not take an address that another machine answers for, of either family")
    func taken() throws {
        try shell(
            """
            ip -n \(network.far) addr add 10.7.0.100/24 dev eth0 &&
            ip -n \(network.far) addr add fd00:7::100/64 dev eth0 nodad
            """)
        for address in ["10.7.0.100", "fd00:7::100"] {
            let outcomes = try startCold(address, address == "10.7.0.100" ? "10.7.0.101" : "fd00:7::101")
            #expect(
                outcomes == [
                    .failed(
                        "\(address) is in use on the link of eth0: 02:00:00:00:00:02 answers for it. It was not taken; "
                            + "free it there, then say hb cleanup"), .stopped,
                ])
            #expect(try !isPresent(address) && !isPresent("10.7.0.101") && !isPresent("fd00:7::101"))
        }
        #expect(try announcements(of: "10.7.0.100") == 0)
        try shell("ip -n \(network.far) addr del 10.7.0.100/24 dev eth0")
        #expect(try startCold("10.7.0.100", "10.7.0.101") == [.done, .done])
    }

    @Test("A free address is started when the time for answers is over, and a start that was cancelled fails")
    func free() throws {
        keeper.probeTime = .milliseconds(50)
        let begin = Clock.now()
        #expect(try startCold("10.7.0.100", "fd00:7::100") == [.done, .done])
        #expect(Clock.now() - begin >= .milliseconds(50))
        var heard = 0
        while let frame = try other.receive() {
            if let packet = ARPPacket(frame: frame), packet.sender.bytes == [0, 0, 0, 0] { heard += 1 }
        }
        #expect(heard == 2, "two probes")
        // What is there already is not asked for.
        #expect(try startCold("10.7.0.100") == [.done])
        keeper.probeTime = .seconds(20)
        var outcomes: [ResourceOutcome]?
        let specifications = try specifications(["10.7.0.102"])
        keeper.expectStart(specifications, isCold: true)
        let running = try network.inside(network.near) { keeper.start(specifications) { outcomes = $0 } }
        #expect(outcomes == nil)
        running?.cancel()
        #expect(outcomes == [.failed("ended early")])
        #expect(try !isPresent("10.7.0.102"))
        keeper.probeTime = nil
        try shell("ip -n \(network.far) addr add 10.7.0.103/24 dev eth0")
        #expect(try startCold("10.7.0.103") == [.done], "nobody is asked")
    }

    @Test("A takeover does not wait: the address is up and announced before it is known that another machine has it")
    func takeover() throws {
        try shell("ip -n \(network.far) addr add 10.7.0.100/24 dev eth0")
        let specifications = try specifications(["10.7.0.100"])
        var outcomes: [ResourceOutcome]?
        try network.inside(network.near) {
            #expect(keeper.start(specifications) { outcomes = $0 } == nil)
            #expect(outcomes == [.done], "before the loop turns")
            let announced = try announcements(of: "10.7.0.100")
            #expect(announced == 2)
            keeper.hold(specifications, group: "web", announce: false)
        }
        try go(.seconds(30)) { !contests.told.isEmpty }
        let told = try #require(contests.told.first)
        #expect(told.group == "web" && told.contest.claim.interface == "eth0")
        #expect(told.contest.claim.hardware.description == "02:00:00:00:00:02")
        #expect(try isPresent("10.7.0.100"))
    }

    @Test("300 addresses in one group are asked for in one go, and the one that is taken is named")
    func manyAddresses() throws {
        try shell("ip -n \(network.far) addr add 10.8.1.101/16 dev eth0")
        // Every second number, so that no two form an interval.
        let many = try specifications((0..<300).map { "10.8.\($0 / 100).\($0 % 100 * 2 + 1)/16/eth0" })
        let outcomes = try startCold(many)
        #expect(outcomes.filter { $0.failure != nil }.count == 1)
        #expect(outcomes[150].failure?.hasPrefix("10.8.1.101 is in use") == true, "\(outcomes[150])")
        try shell("ip -n \(network.far) addr del 10.8.1.101/16 dev eth0")
        #expect(try startCold(many).allSatisfy { $0 == .done })
        try network.inside(network.near) { keeper.hold(many, group: "web", announce: false) }
        try go(.milliseconds(400))
        try claim("10.8.2.199")
        try claim("10.8.2.198")
        try go(.seconds(30)) { !contests.told.isEmpty }
        #expect(contests.told.map { "\($0.contest.claim.place.address)" } == ["10.8.2.199"])
    }

    // MARK: While held

    @Test("Claims are heard as long as an address is held, answered at once, then every ten seconds, the last one too")
    func defence() throws {
        let specifications = try specifications(["10.7.0.100", "fd00:7::100"])
        #expect(try startCold(specifications) == [.done, .done])
        try network.inside(network.near) { keeper.hold(specifications, group: "web", announce: false) }
        try go(.seconds(12))
        _ = try announcements(of: "10.7.0.100")
        #expect(contests.told.isEmpty)
        try claim("10.7.0.100")
        try go(.seconds(30)) { contests.told.count == 1 }
        #expect(try announcements(of: "10.7.0.100") == 2, "a request and a reply")
        for _ in 0..<10 {
            try claim("10.7.0.100", from: "00:00:5e:00:01:07")
            try go(.milliseconds(50))
        }
        #expect(contests.told.count == 1)
        #expect(try announcements(of: "10.7.0.100") == 0)
        try go(.seconds(30)) { contests.told.count == 2 }
        #expect(contests.told.last?.contest.count == 21, "the first reply, ten requests and ten replies")
        #expect(
            contests.told.last?.contest.claim.hardware.machine == "00:00:5e:00:01:07, the virtual router 7 of VRRP,")
        #expect(try announcements(of: "10.7.0.100") == 2)
        try claim("fd00:7::100")
        try go(.seconds(30)) { contests.told.count == 3 }
        #expect(contests.told.last?.contest.claim.place.address == IPAddress("fd00:7::100"))
        // What was given up is nobody's business.
        #expect(keeper.stop(specifications) == [.done, .done])
        try claim("10.7.0.100")
        try claim("fd00:7::100")
        try go(.milliseconds(500))
        #expect(contests.told.count == 3)
    }

    @Test("A claim that comes while one of two owners may be about to give up is answered later")
    func yielding() throws {
        let specifications = try specifications(["10.7.0.100"])
        #expect(try startCold(specifications) == [.done])
        try network.inside(network.near) { keeper.hold(specifications, group: "web", announce: false) }
        try go(.seconds(12))
        _ = try announcements(of: "10.7.0.100")
        let end = Clock.now() + .seconds(3)
        keeper.conflicts.yield(until: end)
        try claim("10.7.0.100")
        try go(.seconds(30)) { contests.told.count == 1 }
        #expect(Clock.now() >= end)
        #expect(try announcements(of: "10.7.0.100") == 2, "a request and a reply")
    }

    @Test("This node's own second interface on the same segment is no other machine")
    func ownInterface() throws {
        try shell(
            """
            n="ip -n \(network.near)"; f="ip -n \(network.far)"
            $n link add eth1 address 02:00:00:00:00:11 type veth peer name eth1 netns \(network.far) &&
            $f link add br0 address 02:00:00:00:00:22 type bridge && $f link set br0 up &&
            $f link set eth0 master br0 && $f link set eth1 master br0 up && $n link set eth1 up &&
            $n addr add 10.7.0.11/24 dev eth1
            """)
        let specifications = try specifications(["10.7.0.100/24/eth0"])
        // The bridge needs a moment before it forwards.
        keeper.probeTime = .milliseconds(500)
        #expect(try startCold(specifications) == [.done])
        try network.inside(network.near) {
            keeper.hold(specifications, group: "web", announce: false)
            // It answers for every address of the node, and here it even announces it.
            let index = try #require(try session.interfaces().first { $0.name == "eth1" }).index
            let hardware = try #require(MACAddress("02:00:00:00:00:11"))
            let address = try #require(IPAddress("10.7.0.100"))
            let socket = try PacketSocket()
            for _ in 0..<20 {
                for frame in Announcer.frames(of: address, at: hardware) { try socket.send(frame, interface: index) }
                _ = turn(loop, within: .milliseconds(50)) { false }
            }
        }
        #expect(contests.told.isEmpty)
        // A machine behind the same bridge is one.
        try network.inside(network.far) {
            let index = try #require(try NetlinkSession().interfaces().first { $0.name == "br0" }).index
            let hardware = try #require(MACAddress("02:00:00:00:00:33"))
            let socket = try PacketSocket()
            let address = try #require(IPAddress("10.7.0.100"))
            for frame in Announcer.frames(of: address, at: hardware) {
                try socket.send(frame, interface: index)
            }
        }
        try go(.seconds(30)) { !contests.told.isEmpty }
        #expect(contests.told.first?.contest.claim.hardware.description == "02:00:00:00:00:33")
    }

    @Test("A flood of ARP that is not about held addresses wakes nobody; its cost is printed")
    func flood() throws {
        let count = 100_000
        let sender = try #require(MACAddress("02:00:00:00:01:00"))
        let unrelated = try (0..<256).map { number in
            let address = try #require(IPAddress("10.8.0.\(number / 2 * 2)"))
            return ARPPacket.announcement(of: address, at: sender)[0].frame(source: sender)
        }
        func flood() throws -> Duration {
            let begin = Clock.now()
            for number in 0..<count { try other.send(unrelated[number % 256], interface: otherInterface) }
            return Clock.now() - begin
        }
        func processorTime() -> Duration {
            var usage = rusage()
            getrusage(RUSAGE_THREAD, &usage)
            return .microseconds(
                usage.ru_utime.tv_sec * 1_000_000 + usage.ru_utime.tv_usec + usage.ru_stime.tv_sec * 1_000_000
                    + usage.ru_stime.tv_usec)
        }
        func perFrame(_ time: Duration) -> Int64 { time.wholeNanoseconds / Int64(count) }
        _ = try flood()
        let without = try flood()
        let many = try specifications((0..<300).map { "10.8.\($0 / 100).\($0 % 100 * 2 + 1)/16/eth0" })
        #expect(try startCold(many).allSatisfy { $0 == .done })
        try network.inside(network.near) { keeper.hold(many, group: "web", announce: false) }
        // Until the announcements of the start are over.
        try go(.seconds(11))
        let before = keeper.conflicts.frameCount
        let with = try flood()
        let begin = processorTime()
        try go(.milliseconds(200))
        let spent = processorTime() - begin
        print(
            "flood of \(count) unrelated ARP frames, 300 addresses held: the filter takes "
                + "\(perFrame(with) - perFrame(without)) ns of \(perFrame(with)) ns a frame in the kernel; the process "
                + "reads \(keeper.conflicts.frameCount - before) of them, in \(spent)")
        #expect(keeper.conflicts.frameCount - before <= count / 100)
        try claim("10.8.0.1")
        try go(.seconds(30)) { !contests.told.isEmpty }
        #expect(contests.told.count == 1, "and the one that counts is heard")
    }

    @Test("Of a storm of claims a bounded number is read, and one is told")
    func storm() throws {
        let specifications = try specifications(["10.7.0.100/24/eth0"])
        #expect(try start(specifications) == [.done])
        try network.inside(network.near) { keeper.hold(specifications, group: "web", announce: false) }
        try go(.milliseconds(300))
        let begin = Clock.now()
        for _ in 0..<100 {
            for _ in 0..<50 { try claim("10.7.0.100") }
            try go(.milliseconds(5))
        }
        let windows = Int((Clock.now() - begin).wholeMilliseconds / 100) + 2
        #expect(contests.told.count == 1)
        #expect(keeper.conflicts.frameCount <= windows * 64 && keeper.conflicts.frameCount >= 64)
    }

    // MARK: On this node

    @Test("An address that is removed is back within milliseconds (printed), also when its interface got another name")
    func putBack() throws {
        let specifications = try specifications(["10.7.0.100/24/eth0"])
        #expect(try start(specifications) == [.done])
        try network.inside(network.near) { keeper.hold(specifications, group: "web", announce: false) }
        let held = try #require(try session.addresses().first { $0.address == IPAddress("10.7.0.100") })
        let begin = Clock.now()
        #expect(try session.remove([held]) == [0])
        try go(.seconds(30)) { records.texts("address-restored").count == 1 }
        print("an address that was removed is back after \(Clock.now() - begin)")
        #expect(try isPresent("10.7.0.100"))
        try shell("n='ip -n \(network.near)'; $n link set eth0 down; $n link set eth0 name lan0; $n link set lan0 up")
        try go(.seconds(30)) { !records.texts("interface-renamed").isEmpty }
        #expect(
            records.texts("interface-renamed") == [
                "eth0 is called lan0 from here on: 1 held addresses stay on it. Lines of haresources that name eth0 "
                    + "fail at their next start"
            ])
        #expect(keeper.status(specifications) == [.running])
        try network.inside(network.near) { keeper.hold(specifications, group: "web", announce: true) }
        try shell("ip -n \(network.near) addr del 10.7.0.100/24 dev lan0")
        try go(.seconds(30)) { records.texts("address-restored").count == 2 }
        #expect(try isPresent("10.7.0.100"))
        #expect(keeper.stop(specifications) == [.done])
        #expect(try !isPresent("10.7.0.100"))
    }

    @Test("A copy of a held address that somebody adds goes with it, so that no second owner is left")
    func copies() throws {
        let specifications = try specifications(["10.7.0.100/24/eth0"])
        #expect(try start(specifications) == [.done])
        try network.inside(network.near) { keeper.hold(specifications, group: "web", announce: false) }
        try shell(
            """
            n='ip -n \(network.near)'; $n addr add 10.7.0.100/16 dev eth0 &&
            $n link add other type veth peer name another && $n addr add 10.7.0.100/32 dev other
            """)
        try go(.seconds(30)) { records.texts("address-copied").count == 2 }
        #expect(records.texts("address-copied")[0].hasPrefix("10.7.0.100/16 was added on eth0 by process "))
        try shell("ip -n \(network.near) addr del 10.7.0.100/24 dev eth0")
        try go(.seconds(30)) { records.texts("address-restored").count == 1 }
        try network.inside(network.near) { keeper.hold(specifications, group: "web", announce: true) }
        #expect(try session.addresses().filter { $0.address == IPAddress("10.7.0.100") }.count == 3)
        // A copy is not held: whoever made it may remove it.
        try shell("ip -n \(network.near) addr del 10.7.0.100/32 dev other")
        try go(.milliseconds(300))
        #expect(try session.addresses().filter { $0.address == IPAddress("10.7.0.100") }.count == 2)
        #expect(keeper.stop(specifications) == [.done])
        #expect(try !isPresent("10.7.0.100"))
    }
}
