import CLinux
import ClusterModel
import LinuxSystem
import Media
import Privsep
import Testing

@Suite struct UDPMediaTests {
    private static func media(from node: Int) -> [Medium] {
        let peer = 3 - node
        return [
            .broadcast(interface: "eth0", port: 694),
            .multicast(interface: "eth0", group: "239.0.0.42", port: 694, ttl: 1, loop: false),
            .multicast6(interface: "eth0", group: "ff02::94", port: 694, hops: 1, loop: false),
            .unicast(interface: "eth0", address: "10.94.0.\(peer)", port: 694),
            .unicast6(interface: "eth0", address: "fd94::\(peer)", port: 694),
        ]
    }

    @Test("a message goes from node to node through the real workers, whatever the medium", arguments: 0..<5)
    func carried(kind: Int) throws {
        let network = try TestNetwork()
        let sending = UDPMediaTests.media(from: 1)[kind]
        let receiving = UDPMediaTests.media(from: 2)[kind]
        let near = try network.open(sending, on: 1)
        let far = try network.open(receiving, on: 2)
        let reader = try TestWorker(.read, receiving, far)
        let before = Clock.now()
        let writer = try TestWorker(.write, sending, near)
        for size in [1, 300, 1472, 1473, 65507] {
            let message = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 7) }
            try writer.send(message)
            let received = try #require(try reader.receive())
            #expect(received.bytes == message)
            #expect(received.arrival >= before && received.arrival <= Clock.now())
        }
    }

    @Test("a node is not given its own broadcasts back, only those of others")
    func ownBroadcast() throws {
        let network = try TestNetwork()
        let media = (1...2).map { UDPMediaTests.media(from: $0)[0] }
        let near = try network.open(media[0], on: 1)
        let far = try network.open(media[1], on: 2)
        let reader = try TestWorker(.read, media[0], near)
        let farReader = try TestWorker(.read, media[1], far)
        let own = try TestWorker(.write, media[0], near)
        try own.send(Array("own".utf8))
        // It is out, and would be back.
        #expect(try farReader.receive()?.bytes == Array("own".utf8))
        let others = try TestWorker(.write, media[1], far)
        try others.send(Array("other".utf8))
        #expect(try reader.receive()?.bytes == Array("other".utf8))
    }

    @Test("an empty datagram is none, and garbage is passed on for the status process to judge")
    func garbage() throws {
        let network = try TestNetwork()
        let medium = UDPMediaTests.media(from: 2)[0]
        let far = try network.open(medium, on: 2)
        let reader = try TestWorker(.read, medium, far)
        try network.inside(1) {
            let socket = try Descriptor.socket(family: AF_INET, type: SOCK_DGRAM)
            try socket.connect(to: try #require(SocketAddress(numeric: "10.94.0.2", port: 694)))
            #expect(send(socket.raw, "", 0, 0) == 0)
            #expect(send(socket.raw, "\u{0}garbage", 8, 0) == 8)
        }
        #expect(try reader.receive()?.bytes == Array("\u{0}garbage".utf8))
    }

    @Test("the arrival is the kernel's, not the moment at which a stopped reader came to it")
    func arrival() throws {
        let network = try TestNetwork()
        let sending = UDPMediaTests.media(from: 1)[3]
        let receiving = UDPMediaTests.media(from: 2)[3]
        let near = try network.open(sending, on: 1)
        let far = try network.open(receiving, on: 2)
        func sendAndWait() throws -> Instant {
            #expect(send(near.sender.raw, "x", 1, 0) == 1)
            var ready = [Readiness(far.receiver.raw, read: true)]
            try Readiness.wait(&ready, timeout: .seconds(5))
            return Clock.now()
        }
        // The kernel begins to stamp some moments after the first socket has asked for it.
        let receiver = DatagramReceiver(socket: far.receiver.raw, sizeMax: 10)
        for _ in 0..<1000 {
            let arrived = try sendAndWait()
            usleep(1000)
            if let datagram = try receiver.receive(), datagram.arrival <= arrived { break }
        }
        // Nobody reads yet: the datagram waits in the kernel.
        let arrived = try sendAndWait()
        let reader = try TestWorker(.read, receiving, far)
        let received = try #require(try reader.receive())
        #expect(received.arrival <= arrived)
    }

    @Test("a stamp of the wall clock is believed within a minute, and never lies in the future")
    func clamped() {
        let now = Instant(nanoseconds: 500_000_000_000)
        let wall: Int64 = 1_800_000_000_000_000_000
        func age(_ stamp: Int64) -> Duration { now - DatagramReceiver.arrival(stamp, wall: wall, now: now) }
        #expect(age(wall) == .zero)
        #expect(age(wall - 1_500_000) == .microseconds(1500))
        #expect(age(wall + 3_600_000_000_000) == .zero)
        #expect(age(wall - 3_600_000_000_000) == .seconds(60))
        #expect(age(.min) == .zero || age(.min) == .seconds(60))
    }

    @Test("media of one interface share the port")
    func sharedPort() throws {
        let network = try TestNetwork()
        let media: [Medium] = [
            .broadcast(interface: "eth0", port: 694),
            .unicast(interface: "eth0", address: "10.94.0.2", port: 694),
            .unicast(interface: "eth0", address: "10.94.0.3", port: 694),
        ]
        try network.inside(1) {
            let first = try MediumOpener.open(media[0], echoIdentifier: 1)
            let second = try MediumOpener.open(media[1], echoIdentifier: 1)
            let third = try MediumOpener.open(media[2], echoIdentifier: 1)
            #expect(Set([first.receiver.raw, second.receiver.raw, third.receiver.raw]).count == 3)
        }
    }

    @Test("nobody else can share the port, and get what is sent to this node", arguments: [false, true])
    func portOfOthers(isIPv6: Bool) throws {
        let network = try TestNetwork()
        let medium: Medium =
            isIPv6
            ? .unicast6(interface: "eth0", address: "fd94::2", port: 5694)
            : .unicast(interface: "eth0", address: "10.94.0.2", port: 5694)
        let group = Medium.multicast(interface: "eth0", group: "239.0.0.94", port: 5694, ttl: 1, loop: false)
        let opened = try network.open(medium, on: 1)
        // Other media of this node can.
        let beside = try network.open(group, on: 1)
        let own = try #require(IPAddress(isIPv6 ? "fd94::1" : "10.94.0.1"))
        let code = try network.inside(1) { () throws -> Int32? in
            let other = try Descriptor.socket(family: own.family, type: SOCK_DGRAM)
            try other.setOption("SO_REUSEADDR", SOL_SOCKET, SO_REUSEADDR)
            do throws(SystemError) {
                try other.bind(to: SocketAddress(own, port: 5694))
                return nil
            } catch {
                return error.code
            }
        }
        #expect(code == EADDRINUSE)
        #expect(opened.receiver.raw != beside.receiver.raw)
    }

    @Test("a peer that is not there is logged once and forgotten; what is sent when it comes back arrives")
    func peerDown() throws {
        let network = try TestNetwork()
        let scratch = try ScratchFile()
        let sending = UDPMediaTests.media(from: 1)[3]
        let receiving = UDPMediaTests.media(from: 2)[3]
        let near = try network.open(sending, on: 1)
        let log = try scratch.open()
        let writer = try TestWorker(.write, sending, near, logfile: log.raw)
        // Each is answered by `port unreachable`, which the next send reports.
        for _ in 0..<5000 where try !scratch.content().contains("Connection refused") {
            try writer.send(Array("lost".utf8))
            usleep(1000)
        }
        let far = try network.open(receiving, on: 2)
        let reader = try TestWorker(.read, receiving, far)
        try writer.send(Array("found".utf8))
        var last: [UInt8]?
        while last != Array("found".utf8), let received = try reader.receive() { last = received.bytes }
        #expect(last == Array("found".utf8))
        let lines = try scratch.content().split(separator: "\n")
        #expect(lines.count == 1)
        #expect(lines[0].hasSuffix(" WARN: write ucast eth0: send: Connection refused: does heartbeat run there?"))
    }

    @Test("a node whose address is another one from now on goes on sending from that")
    func otherSource() throws {
        let network = try TestNetwork()
        for node in 1...2 {
            try run("ip", "-n", network.name(node), "address", "add", "10.95.0.\(node)/24", "dev", "eth0")
        }
        let sending = Medium.unicast(interface: "eth0", address: "10.95.0.2", port: 694)
        let near = try network.open(sending, on: 1)
        let far = try network.open(UDPMediaTests.media(from: 2)[0], on: 2)
        let writer = try TestWorker(.write, sending, near)
        let reader = try TestWorker(.read, sending, far)
        try writer.send(Array("before".utf8))
        #expect(try reader.receive()?.bytes == Array("before".utf8))
        try run("ip", "-n", network.name(1), "address", "delete", "10.95.0.1/24", "dev", "eth0")
        // The first address of the interface is as it was: control has no reason to open the medium again.
        #expect(try network.inside(1) { MediumSignature.current(sending) } == near.signature)
        try writer.send(Array("lost".utf8))
        try run("ip", "-n", network.name(1), "address", "add", "10.95.0.3/24", "dev", "eth0")
        try writer.send(Array("after".utf8))
        var last: [UInt8]?
        while last != Array("after".utf8), let received = try reader.receive() { last = received.bytes }
        #expect(last == Array("after".utf8))
    }

    @Test("an interface that goes down and comes back carries on; one that is removed changes the signature")
    func interfaceComesBack() throws {
        let network = try TestNetwork()
        let sending = UDPMediaTests.media(from: 1)[0]
        let receiving = UDPMediaTests.media(from: 2)[0]
        let near = try network.open(sending, on: 1)
        let far = try network.open(receiving, on: 2)
        func signature() throws -> String { try network.inside(1) { MediumSignature.current(sending).description } }
        let first = near.signature.description
        #expect(first.hasSuffix(" up address 10.94.0.1 broadcast 10.94.0.255"))
        #expect(try signature() == first)
        let writer = try TestWorker(.write, sending, near)
        let reader = try TestWorker(.read, receiving, far)
        try run("ip", "-n", network.name(1), "link", "set", "eth0", "down")
        #expect(try signature() == first.replacing(" up ", with: " down "))
        for _ in 0..<5 { try writer.send(Array("lost".utf8)) }
        try run("ip", "-n", network.name(1), "link", "set", "eth0", "up")
        #expect(try signature() == first)
        var received: ReceivedDatagram?
        for _ in 0..<50 where received == nil {
            try writer.send(Array("again".utf8))
            var ready = [Readiness(reader.channel.raw, read: true)]
            try Readiness.wait(&ready, timeout: .milliseconds(100))
            if ready[0].isReadable { received = try reader.receive() }
        }
        #expect(received != nil)
        try run("ip", "-n", network.name(1), "link", "delete", "eth0")
        #expect(try signature() == "eth0 missing")
    }

    @Test("what cannot be opened says why, and what helps", arguments: [
        (
            Medium.broadcast(interface: "eth7", port: 694),
            "bcast eth7: no such interface; `ip link` lists the interfaces of this node"
        ),
        (
            .broadcast(interface: "lo", port: 694),
            "bcast lo: the interface is down; bring it up: ip link set lo up"
        ),
        (
            .unicast(interface: "eth0", address: "fd94::2", port: 694),
            "ucast eth0: fd94::2: an IPv6 address where IPv4 is meant"
        ),
        (
            .multicast(interface: "eth0", group: "group", port: 694, ttl: 1, loop: false),
            "mcast eth0: group is no address of a group"
        ),
        (
            .serial(tty: "/dev/hbc-none", baud: 9600),
            "serial /dev/hbc-none: open /dev/hbc-none: No such file or directory"
        ),
        (
            .serial(tty: "/dev/null", baud: 9600),
            "serial /dev/null: read the settings of /dev/null: Inappropriate ioctl for device"
        ),
    ])
    func errors(medium: Medium, text: String) throws {
        let network = try TestNetwork()
        try run("ip", "-n", network.name(1), "link", "set", "lo", "down")
        #expect(try openError(medium, network) == text)
    }

    @Test("an interface without an address cannot broadcast; a port that is taken is named")
    func addressAndPort() throws {
        let network = try TestNetwork()
        let medium = Medium.broadcast(interface: "eth0", port: 694)
        let blocker = try network.inside(1) {
            let socket = try Descriptor.socket(family: AF_INET, type: SOCK_DGRAM)
            try socket.bind(to: try #require(SocketAddress(numeric: "0.0.0.0", port: 694)))
            return socket
        }
        #expect(
            try openError(medium, network)
                == "bcast eth0: bind 0.0.0.0:694: Address already in use; "
                + "another program uses the port: stop it, or choose another with udpport")
        #expect(blocker.raw >= 0)
        try run("ip", "-n", network.name(1), "address", "flush", "dev", "eth0")
        #expect(
            try openError(medium, network)
                == "bcast eth0: the interface has no broadcast address; "
                + "give it an IPv4 address: ip address add ADDRESS/PREFIX broadcast + dev eth0")
    }

    private func openError(_ medium: Medium, _ network: TestNetwork) throws -> String {
        try network.inside(1) {
            do throws(MediumError) {
                _ = try MediumOpener.open(medium, echoIdentifier: 1)
                return "opened"
            } catch {
                return error.description
            }
        }
    }
}

/// A file of one test, removed with the value.
final class ScratchFile {
    private let path: String

    init() throws {
        path = "/tmp/hbc-media-\(getpid())-\(Clock.now().nanoseconds)"
        _ = try Descriptor.open(path, O_WRONLY | O_CREAT | O_EXCL, mode: 0o600)
    }

    deinit { unlink(path) }

    func open() throws -> Descriptor { try Descriptor.open(path, O_WRONLY | O_APPEND) }

    func content() throws -> String { try MediaTests.content(path) }
}
