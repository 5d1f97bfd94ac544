// The machines of a measurement of the resource manager: one that takes addresses, one that had them before, and a
// client, whose own namespace has the bridge between them.
import CLinux
import LinuxSystem
import Rig

/// Three network namespaces that go with this value.
final class BenchNetwork {
    /// Takes addresses: 10.98.0.1/16 on eth0.
    let taker: String
    /// Had them before: 10.98.0.2/16 on eth0.
    let former: String
    /// Asks for them: 10.98.0.100/16 on the bridge.
    let client: String

    init() throws {
        let prefix = "hbxbench-\(getpid())"
        taker = prefix + "-a"
        former = prefix + "-b"
        client = prefix + "-c"
        for name in [taker, former, client] { try ip(["netns add \(name)"]) }
        try ip(
            [
                "link add br0 type bridge", "link set br0 up", "addr add 10.98.0.100/16 dev br0", "link set lo up",
            ], in: client)
        for (name, port, number) in [(taker, "port1", 1), (former, "port2", 2)] {
            try ip(
                [
                    "link add \(port) type veth peer name eth0 netns \(name)", "link set \(port) master br0",
                    "link set \(port) up",
                ], in: client)
            try ip(["addr add 10.98.0.\(number)/16 dev eth0", "link set eth0 up", "link set lo up"], in: name)
        }
    }

    deinit {
        for name in [taker, former, client] { try? ip(["netns del \(name)"]) }
    }

    /// Plugs the former owner in, or cuts it off.
    func connectFormer(_ isUp: Bool) throws { try ip(["link set port2 \(isUp ? "up" : "down")"], in: client) }

    /// Calls with this thread in a namespace; what is opened and started there stays there.
    func inside<Result>(_ namespace: String, _ body: () throws -> Result) throws -> Result {
        let home = try Descriptor.open("/proc/thread-self/ns/net", O_RDONLY)
        let there = try Descriptor.open("/run/netns/\(namespace)", O_RDONLY)
        if setns(there.raw, CLONE_NEWNET) != 0 { throw SystemError.last("enter the network \(namespace)") }
        defer { precondition(setns(home.raw, CLONE_NEWNET) == 0, "the way back to the host's network is lost") }
        return try body()
    }

    private func ip(_ lines: [String], in namespace: String? = nil) throws {
        for line in lines {
            let words = (namespace.map { ["-n", $0] } ?? []) + line.split(separator: " ").map(String.init)
            let pid = try Spawn(program: "/usr/sbin/ip", arguments: ["ip"] + words).start()
            guard try Children.wait(pid) == .exited(0) else { throw RigError("ip \(words.joined(separator: " "))") }
        }
    }
}
