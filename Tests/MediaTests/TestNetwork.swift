// Two nodes on one cable: network namespaces joined by a veth pair, removed with the value.
import CLinux
import ClusterModel
import LinuxSystem
import Media
import Testing

/// Runs a program to its end; a failure is the test's.
func run(_ arguments: String...) throws {
    var spawn = Spawn(program: "/usr/bin/env", arguments: ["env"] + arguments)
    spawn.environment = ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"]
    let status = try Children.wait(try spawn.start())
    #expect(status == .exited(0), "\(arguments.joined(separator: " "))")
}

/// `eth0` of node 1 has 10.94.0.1/24 and fd94::1/64, that of node 2 the same with 2.
final class TestNetwork {
    private let prefix: String

    init() throws {
        // No two tests begin in the same nanosecond.
        prefix = "hbc\(getpid())x\(Clock.now().nanoseconds)"
        for node in 1...2 { try run("ip", "netns", "add", name(node)) }
        try run("ip", "-n", name(1), "link", "add", "eth0", "type", "veth", "peer", "name", "eth0", "netns", name(2))
        for node in 1...2 {
            try run("ip", "-n", name(node), "address", "add", "10.94.0.\(node)/24", "dev", "eth0")
            try run("ip", "-n", name(node), "address", "add", "fd94::\(node)/64", "dev", "eth0", "nodad")
            try run("ip", "-n", name(node), "link", "set", "lo", "up")
            try run("ip", "-n", name(node), "link", "set", "eth0", "up")
        }
    }

    deinit {
        for node in 1...2 { try? run("ip", "netns", "delete", name(node)) }
    }

    func name(_ node: Int) -> String { "\(prefix)n\(node)" }

    /// Calls with this thread in a node's namespace.
    func inside<Result: ~Copyable>(_ node: Int, _ body: () throws -> Result) throws -> Result {
        let home = try Descriptor.open("/proc/thread-self/ns/net", O_RDONLY)
        let there = try Descriptor.open("/run/netns/\(name(node))", O_RDONLY)
        if setns(there.raw, CLONE_NEWNET) != 0 { throw SystemError.last("setns") }
        defer { if setns(home.raw, CLONE_NEWNET) != 0 { Issue.record("lost the way home") } }
        return try body()
    }

    /// A medium opened on a node, as soon as the kernel has the routes of an interface that just came up.
    func open(_ medium: Medium, on node: Int) throws -> OpenMedium {
        for _ in 0..<5000 {
            do {
                return try inside(node) { try MediumOpener.open(medium, echoIdentifier: 0x1234) }
            } catch let error as MediumError where error.reason.hasSuffix("Network is unreachable") {
                usleep(1000)
            }
        }
        return try inside(node) { try MediumOpener.open(medium, echoIdentifier: 0x1234) }
    }
}
