// What it takes from the decision to the last reply to move many addresses, and one: the resource manager beside the
// least that a program can do, which adds the addresses and announces each of them, with no lease, log or check.
import CLinux
import ClusterModel
import LinuxSystem
import ResourceAgents
import Rig

enum TakeoverBenchmark {
    private static let prefixLength = 16

    /// Takes 500 addresses, and one, `runs` times in each way, in random order.
    static func measure(runs: Int, binaries: String, own program: String) throws -> [Figure] {
        let network = try BenchNetwork()
        // As often as the figure of the C program that the goal is from was taken: 500 addresses asked in 25 ms.
        let many = try takeovers(
            network, count: 500, round: .milliseconds(25), runs: runs, binaries: binaries, program: program)
        let one = try takeovers(
            network, count: 1, round: .microseconds(200), runs: runs * 2, binaries: binaries, program: program)
        return [
            figure("500 addresses: decision to last reply", many.manager, goal: 60),
            figure("500 addresses: the same, bare program", many.floor),
            figure("one address: decision to reply", one.manager),
            figure("one address: the same, bare program", one.floor),
        ]
    }

    private static func figure(_ name: String, _ values: [Double], goal: Double? = nil) -> Figure {
        var figure = Figure(name, unit: "ms", goal: goal)
        figure.values = values
        return figure
    }

    private static func takeovers(
        _ network: BenchNetwork, count: Int, round: Duration, runs: Int, binaries: String, program: String
    ) throws -> (manager: [Double], floor: [Double]) {
        let addresses = addresses(count)
        let group = addresses.map { "\($0)/\(prefixLength)/eth0" }
        let manager = try BenchManager(network, binaries: binaries, groups: [BenchManager.line(group)])
        let floor = try FloorProcess(network, namespace: network.taker, program: program, count: count)
        let former = try FloorProcess(network, namespace: network.former, program: program, count: count)
        try former.order("add")
        let client = try network.inside(network.client) { try EchoClient(addresses, round: round) }
        var results: (manager: [Double], floor: [Double]) = ([], [])
        for usesManager in ([true, false].flatMap { repeatElement($0, count: runs) }).shuffled() {
            try network.connectFormer(true)
            try former.order("announce")
            try settle(client)
            try network.connectFormer(false)
            client.forget()
            let begin = Clock.now()
            if usesManager { try manager.start(group[0]) } else { try floor.send("add") }
            try client.run(within: .seconds(20))
            let last = client.answers.compactMap { $0 }.max() ?? begin
            let milliseconds = Double((last - begin).wholeNanoseconds) / 1e6
            if usesManager {
                results.manager.append(milliseconds)
                try manager.finish()
                try manager.stop(group[0])
                try manager.finish()
            } else {
                results.floor.append(milliseconds)
                try floor.finish()
                try floor.order("remove")
            }
        }
        return results
    }

    /// Until the former owner has answered for every address, twice: the client then knows it as the neighbour.
    private static func settle(_ client: EchoClient) throws {
        for _ in 0..<2 {
            client.forget()
            try client.run(within: .seconds(20))
        }
    }

    private static func addresses(_ count: Int) -> [IPAddress] {
        (0..<count).compactMap { IPAddress("10.98.\(1 + $0 / 250).\(1 + $0 % 250)") }
    }

    // MARK: The bare program

    /// `hb_bench floor COUNT`: adds, announces or removes addresses as it is told on standard input, in the namespace
    /// in which it was started.
    static func runFloor(_ words: [String]) throws -> Int32 {
        let addresses = addresses(words.first.flatMap { Int($0) } ?? 0)
        let session = try NetlinkSession()
        let socket = try PacketSocket()
        guard let interface = try session.interfaces().first(where: { $0.name == "eth0" }),
            let hardware = interface.hardwareAddress
        else { throw RigError("there is no eth0") }
        let placed = addresses.map {
            InterfaceAddress(interface: interface.index, address: $0, prefixLength: prefixLength)
        }
        let frames = addresses.map { Announcer.frames(of: $0, at: hardware) }
        var byte: UInt8 = 0
        while read(0, &byte, 1) == 1 {
            if byte == UInt8(ascii: "r") { _ = try session.remove(placed.reversed()) }
            if byte == UInt8(ascii: "a") { _ = try session.add(placed) }
            if byte != UInt8(ascii: "r") {
                for frame in frames.joined() { try socket.send(frame, interface: interface.index) }
            }
            _ = write(1, &byte, 1)
        }
        return 0
    }

    private final class FloorProcess {
        private let pid: pid_t
        private let socket: Descriptor

        init(_ network: BenchNetwork, namespace: String, program: String, count: Int) throws {
            let pair = try SocketPair()
            var spawn = Spawn(program: program, arguments: ["hb_bench", "floor", "\(count)"])
            spawn.descriptors = [0: pair.second.raw, 1: pair.second.raw]
            pid = try network.inside(namespace) { try spawn.start() }
            socket = Descriptor(owning: dup(pair.first.raw))
            // The child must see the end of this process.
            _ = cl_fcntl(socket.raw, F_SETFD, Int(FD_CLOEXEC))
        }

        deinit {
            try? Children.signal(pid, SIGKILL)
            _ = try? Children.wait(pid)
        }

        /// "add" and "remove" change the addresses, "announce" says once more where they are.
        func send(_ word: String) throws {
            var byte = word == "add" ? UInt8(ascii: "a") : word == "remove" ? UInt8(ascii: "r") : UInt8(ascii: "n")
            if write(socket.raw, &byte, 1) != 1 { throw SystemError.last("tell the bare program") }
        }

        func finish() throws {
            var byte: UInt8 = 0
            if read(socket.raw, &byte, 1) != 1 { throw RigError("the bare program has ended") }
        }

        func order(_ word: String) throws {
            try send(word)
            try finish()
        }
    }
}
