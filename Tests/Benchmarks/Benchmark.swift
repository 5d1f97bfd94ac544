// The measurements: two nodes in namespaces, one address, a client that asks it every millisecond.
import Admin
import CLinux
import ClusterModel
import LinuxSystem
import Rig

struct Benchmark {
    private static let address = NetworkPlan.service()
    private static var group: String { "\(address)/24/eth0" }
    private static let keepalive = Duration.milliseconds(50)
    private static let deadtime = Duration.milliseconds(250)

    private let cluster: Cluster
    private let runs: Int

    /// Runs every measurement; the exit code is 1 where a goal was missed.
    static func main(_ arguments: [String]) -> Int32 {
        if arguments == ["messages"] { return report { try MessageBenchmark.measure() } }
        if arguments == ["monitor"] { return report { try MonitorBenchmark.measure(rounds: 4) } }
        guard geteuid() == 0 else {
            print("hb_bench: must be started by root: it makes network namespaces")
            return 4
        }
        let runs: Int
        switch arguments {
        case []: runs = 20
        case let words where words.count == 1 && Int(words[0]) ?? 0 > 0: runs = Int(words[0]) ?? 20
        default:
            print("usage: hb_bench [RUNS | messages | monitor]")
            return 2
        }
        return report {
            try Benchmark(runs: runs).measure() + MessageBenchmark.measure() + MonitorBenchmark.measure(rounds: 4)
        }
    }

    private static func report(_ measure: () throws -> [Figure]) -> Int32 {
        do {
            let figures = try measure()
            print(Figure.heading)
            for figure in figures { print(figure.line) }
            for figure in figures { print(figure.json) }
            return figures.allSatisfy(\.meetsGoal) ? 0 : 1
        } catch {
            print("hb_bench: \(error)")
            return 1
        }
    }

    private init(runs: Int) throws {
        self.runs = runs
        guard let own = FileSystem.target(ofLink: "/proc/self/exe"), let slash = own.lastIndex(of: "/") else {
            throw RigError("/proc is not mounted")
        }
        let plan = Cluster.Plan(prefix: "heartbeat-bench", binaries: String(own[..<slash]))
        cluster = try Cluster(plan)
    }

    private func measure() throws -> [Figure] {
        defer { cluster.finish() }
        let steady = try measureSteadyState()
        let (crash, standby) = try measureMoves()
        return crash + [standby] + steady
    }

    private func start(keepalive: Duration, deadtime: Duration) throws {
        var files = ClusterFiles()
        files.keepalive = "\(keepalive.wholeMilliseconds)ms"
        files.deadtime = "\(deadtime.wholeMilliseconds)ms"
        files.initdead = "10s"
        files.autoFailback = "off"
        files.groups = ["alpha \(Benchmark.group)"]
        try cluster.write(files)
        try cluster.start()
        try cluster.awaitOwner("alpha", of: Benchmark.group)
        try cluster.waiting.until("both nodes active", within: .seconds(10)) {
            cluster.nodes.allSatisfy { node in
                node.report()?.nodes.allSatisfy { $0.status == .active } == true
            }
        }
    }

    // MARK: Steady state

    /// Memory and processor time of one node of two, one medium, keepalive 100 ms.
    private func measureSteadyState() throws -> [Figure] {
        try start(keepalive: .milliseconds(100), deadtime: .milliseconds(500))
        var memory = Figure("memory of a node, all processes", unit: "MB PSS", goal: 16)
        var time = Figure("processor time of a node, keepalive 100 ms", unit: "% of a core", goal: 0.5)
        for _ in 0..<5 {
            let node = cluster.nodes[1]
            let before = Benchmark.processorTime(node)
            let begin = Clock.now()
            try cluster.waiting.pass(.seconds(3))
            let spent = Benchmark.processorTime(node) - before
            time.values.append(Double(spent) / Double((Clock.now() - begin).wholeNanoseconds) * 100)
            memory.values.append(Double(Benchmark.memory(node)) / 1024)
        }
        for node in cluster.nodes { try node.cutPower() }
        return [memory, time]
    }

    private static func daemons(_ node: Node) -> [NodeProcess] {
        node.processes.filter { $0.title.hasPrefix("heartbeat: ") }
    }

    /// Nanoseconds on a processor of all the node's daemons.
    private static func processorTime(_ node: Node) -> UInt64 {
        daemons(node).reduce(0) { sum, process in
            let text = FileSystem.text(of: "/proc/\(process.pid)/schedstat", limit: 256) ?? ""
            return sum + (text.split(separator: " ").first.flatMap { UInt64($0) } ?? 0)
        }
    }

    /// Kilobytes: each page counted in proportion to the processes that share it.
    private static func memory(_ node: Node) -> Int {
        daemons(node).reduce(0) { sum, process in
            let text = FileSystem.text(of: "/proc/\(process.pid)/smaps_rollup", limit: 1 << 16) ?? ""
            let line = text.split(separator: "\n").first { $0.hasPrefix("Pss:") }
            return sum + (line.flatMap { Int($0.filter(\.isNumber)) } ?? 0)
        }
    }

    // MARK: Moves

    private func measureMoves() throws -> (crash: [Figure], standby: Figure) {
        try start(keepalive: Benchmark.keepalive, deadtime: Benchmark.deadtime)
        let probe = try cluster.probe(Benchmark.address)
        var outage = Figure("crash: address silent, deadtime 250 ms", unit: "ms", goal: 255)
        var standby = Figure("hb_standby: address silent", unit: "ms", goal: 5)
        for run in 0..<runs {
            progress(run)
            let owner = try holder()
            let other = cluster.nodes[1 - owner.index]
            var begin = Clock.now()
            let command = try owner.run("hb_standby", ["all"])
            guard command.succeeded else { throw RigError("hb_standby failed: \(command.status) \(command.output)") }
            try settle(on: other)
            standby.values.append(milliseconds(probe.seen.longestOutage(after: begin)))
            begin = Clock.now()
            try other.cutPower()
            try settle(on: owner)
            outage.values.append(milliseconds(probe.seen.longestOutage(after: begin)))
            try other.powerOn()
            try other.startDaemon()
            try cluster.awaitOwner(owner.name, of: Benchmark.group)
            try cluster.waiting.until("\(other.name) active", within: .seconds(10)) {
                other.report()?.status == .active
            }
        }
        progress(runs)
        return ([outage], standby)
    }

    private func holder() throws -> Node {
        let holders = cluster.holders(of: Benchmark.address)
        guard holders.count == 1 else { throw RigError("\(holders.count) nodes hold the address") }
        return holders[0]
    }

    /// Waits until a node alone has the address and has answered for a while.
    private func settle(on node: Node) throws {
        try cluster.waiting.until("the address on \(node.name) alone", within: .seconds(10)) {
            cluster.holders(of: Benchmark.address).map(\.name) == [node.name]
        }
        try cluster.waiting.pass(.milliseconds(150))
    }

    private func milliseconds(_ duration: Duration) -> Double { Double(duration.wholeNanoseconds) / 1_000_000 }

    private func progress(_ run: Int) {
        guard isatty(2) == 1 else { return }
        fputs("\rmoves measured: \(run) of \(runs)" + (run == runs ? "\n" : ""), cl_stderr())
    }
}
