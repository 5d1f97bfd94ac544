import CLinux
import ClusterModel
import LinuxSystem
import Media
import Privsep
import Testing

@Suite struct PingTests {
    private let payload = Array("###\n14:(0)t=NS_st,%%%\n".utf8)

    @Test("a host that answers pings gives every message back", arguments: [
        Medium.ping(address: "10.94.0.2"), .ping6(address: "fd94::2"),
        .pingGroup(name: "routers", addresses: ["10.94.0.2"]),
    ])
    func answered(medium: Medium) throws {
        let network = try TestNetwork()
        let open = try network.open(medium, on: 1)
        let reader = try TestWorker(.read, medium, open)
        let writer = try TestWorker(.write, medium, open)
        for number in 0..<5 {
            let message = payload + Array("\(number)".utf8) + [UInt8](repeating: 7, count: number * 900)
            try writer.send(message)
            #expect(try #require(try reader.receive()).bytes == message)
        }
    }

    @Test("of a group the first answer counts, and members that are dead or unknown do no harm")
    func group() throws {
        let network = try TestNetwork()
        try run("ip", "-n", network.name(2), "address", "add", "10.94.0.3/24", "dev", "eth0")
        let medium = Medium.pingGroup(
            name: "routers", addresses: ["10.94.0.99", "not a host", "10.94.0.2", "10.94.0.3"])
        let open = try network.open(medium, on: 1)
        #expect(open.warnings.count == 1)
        #expect(open.warnings.first?.hasPrefix("not a host: ") == true)
        let reader = try TestWorker(.read, medium, open)
        let writer = try TestWorker(.write, medium, open)
        for number in 0..<10 {
            try writer.send(payload + [UInt8(number)])
            #expect(try #require(try reader.receive()).bytes == payload + [UInt8(number)])
        }
    }

    @Test("answers to other programs' pings are not taken")
    func foreign() throws {
        let network = try TestNetwork()
        let medium = Medium.ping(address: "10.94.0.2")
        let open = try network.open(medium, on: 1)
        let other = try network.inside(1) { try MediumOpener.open(medium, echoIdentifier: 0x4321) }
        let reader = try TestWorker(.read, medium, open)
        let otherReader = try TestWorker(.read, medium, other)
        let otherWriter = try TestWorker(.write, medium, other)
        let writer = try TestWorker(.write, medium, open)
        try otherWriter.send(Array("foreign".utf8))
        #expect(try #require(try otherReader.receive()).bytes == Array("foreign".utf8))
        try writer.send(payload)
        #expect(try #require(try reader.receive()).bytes == payload)
    }

    @Test("a host that cannot be found is an error that names it")
    func unknownHost() throws {
        do throws(MediumError) {
            _ = try MediumOpener.open(.ping(address: "not a host"), echoIdentifier: 1)
            Issue.record("opened")
        } catch {
            #expect(error.medium == "ping not a host")
            #expect(error.reason.hasPrefix("not a host: "))
            #expect(error.remedy == "an address instead of a name needs no look-up")
        }
    }
}
