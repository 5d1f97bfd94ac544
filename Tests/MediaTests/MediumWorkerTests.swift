import ClusterModel
import LinuxSystem
import Media
import Testing

@Suite struct MediumWorkerTests {
    private func worker(_ transport: MediumWorker.Transport, _ medium: Medium) -> MediumWorker {
        var settings = LogSettings()
        settings.facility = "local0"
        settings.debug = 2
        settings.syslogMessageFormat = false
        settings.logfile = "/not/passed"
        return MediumWorker(
            direction: .write, protocolVersion: 3, parent: 4711, index: 9, medium: medium, transport: transport,
            identity: .nobody, realtimePriority: 2, node: "node-a", logging: settings, isForeground: true)
    }

    @Test("what control writes the worker reads, for every transport")
    func roundTrip() throws {
        let targets = try ["10.0.0.1", "fe80::1%1"].map { try #require(SocketAddress(numeric: $0)) }
        let workers = [
            worker(.datagram, .broadcast(interface: "eth0", port: 694)),
            worker(.serial(tty: "/dev/a=b c", baud: 19200), .serial(tty: "/dev/a=b c", baud: 19200)),
            worker(.echo(identifier: 65535, targets: targets), .pingGroup(name: "routers", addresses: ["a", "b"])),
        ]
        for worker in workers { #expect(try MediumWorker(arguments: worker.arguments) == worker) }
    }

    @Test("the arguments and the title in full")
    func text() {
        let worker = MediumWorker(
            direction: .read, protocolVersion: 1, parent: 5, index: 0,
            medium: .broadcast(interface: "eth0", port: 694), transport: .datagram, identity: .nobody,
            realtimePriority: nil, node: "a", logging: LogSettings(), isForeground: false)
        #expect(
            worker.arguments == [
                "read", "protocol=1", "parent=5", "index=0", "medium=bcast eth0", "node=a", "user=65534",
                "group=65534", "kind=datagram",
            ])
        #expect(worker.processTitle == "heartbeat: read: bcast eth0")
    }

    @Test("arguments that no control process writes are refused", arguments: [
        ([], "read or write expected"),
        (["sideways"], "read or write expected"),
        (["read", "protocol"], "protocol: name=value expected"),
        (["read"], "protocol= is missing"),
        (["read", "protocol=x"], "protocol=x: no number"),
        (["read", "protocol=1", "parent=1", "index=70000"], "index=70000: no number"),
        (
            ["read", "protocol=1", "parent=1", "index=0", "medium=m", "node=n", "user=0", "group=1", "kind=datagram"],
            "a worker does not run as root"
        ),
        (
            ["read", "protocol=1", "parent=1", "index=0", "medium=m", "node=n", "user=1", "group=1", "kind=x"],
            "kind=x: unknown"
        ),
        (
            [
                "read", "protocol=1", "parent=1", "index=0", "medium=m", "node=n", "user=1", "group=1", "kind=echo",
                "target=host",
            ],
            "target=host: no address"
        ),
    ] as [([String], String)])
    func refused(arguments: [String], reason: String) {
        do throws(MediumWorkerArgumentError) {
            _ = try MediumWorker(arguments: arguments)
            Issue.record("accepted")
        } catch {
            #expect(error.description == reason)
        }
    }
}
