import CLinux
import ClusterModel
import LinuxSystem
import Testing

@Suite("ping.monitor and fping.monitor")
struct EchoTests {
    /// Two namespaces on one cable, removed with the value.
    private final class Cable {
        private let prefix = "hbp\(getpid())x\(Clock.now().nanoseconds)"

        init() throws {
            for node in 1...2 { try runProgram("ip", "netns", "add", name(node)) }
            try runProgram(
                "ip", "-n", name(1), "link", "add", "eth0", "type", "veth", "peer", "name", "eth0", "netns", name(2))
            for node in 1...2 {
                try runProgram("ip", "-n", name(node), "address", "add", "10.95.0.\(node)/24", "dev", "eth0")
                try runProgram("ip", "-n", name(node), "address", "add", "fd95::\(node)/64", "dev", "eth0", "nodad")
                try runProgram("ip", "-n", name(node), "link", "set", "eth0", "up")
            }
        }

        deinit { for node in 1...2 { try? runProgram("ip", "netns", "delete", name(node)) } }

        func name(_ node: Int) -> String { "\(prefix)n\(node)" }

        /// Calls with this thread in the first node's namespace.
        func inside<Result>(_ body: () throws -> Result) throws -> Result {
            let home = try Descriptor.open("/proc/thread-self/ns/net", O_RDONLY)
            let there = try Descriptor.open("/run/netns/\(name(1))", O_RDONLY)
            if setns(there.raw, CLONE_NEWNET) != 0 { throw SystemError.last("setns") }
            defer { if setns(home.raw, CLONE_NEWNET) != 0 { Issue.record("lost the way home") } }
            return try body()
        }
    }

    @Test("hosts of both families answer; one that does not exist fails, and the others are told too")
    func hosts() throws {
        let cable = try Cable()
        let outcome = try cable.inside {
            try Bench().run("ping.monitor -c 5 -t 1", ["10.95.0.2", "fd95::2", "10.95.0.77", "fd95::77"])
        }
        #expect(outcome.exit == 1)
        #expect(outcome.summary == "10.95.0.77 fd95::77", "\(outcome)")
        #expect(outcome.detail.contains("10.95.0.2: ok, ") && outcome.detail.contains("fd95::2: ok, "), "\(outcome)")
        #expect(outcome.detail.contains("no reply of 10.95.0.77 to 5 requests"), "\(outcome)")
    }

    @Test("fping fails by all or by one, as asked, and where a host is slow")
    func fping() throws {
        let cable = try Cable()
        let exits = try cable.inside {
            try [
                Bench().run("fping.monitor -r 4 -t 500 -a", ["10.95.0.2", "10.95.0.77"]).exit,
                Bench().run("fping.monitor -r 2 -t 500", ["10.95.0.2", "10.95.0.77"]).exit,
                Bench().run("fping.monitor -a -r 1 -t 200", ["10.95.0.77", "10.95.0.78"]).exit,
            ]
        }
        #expect(exits == [0, 1, 1])
        try runProgram("ip", "-n", cable.name(2), "link", "set", "eth0", "down")
        let dead = try cable.inside { try Bench().run("fping.monitor -r 1 -t 200", ["10.95.0.2"]) }
        #expect(dead.exit == 1 && dead.summary == "10.95.0.2", "\(dead)")
    }

    @Test("a host without a route is told in the system's words")
    func unreachable() throws {
        let cable = try Cable()
        let outcome = try cable.inside { try Bench().run("ping.monitor -c 1 -t 0.2", ["192.0.2.1"]) }
        #expect(outcome.exit == 1)
        #expect(outcome.detail.contains("Network is unreachable"), "\(outcome)")
    }
}
