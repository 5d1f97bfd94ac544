// The cluster under torture with all that watches it: made, powered on, and at last removed.
import CLinux
import ClusterModel
import LinuxSystem
import Rig

final class Victim {
    static let prefix = "heartbeat-torture"
    /// Room for sockets, state and a log.
    private static let diskSize = "512k"

    let scenario: Scenario
    let cluster: Cluster
    let watch: OwnerWatch
    let noise: Noise
    var journals: [ServiceJournal]
    /// By the place of the fault that makes them.
    var losses: [Int: [FrameLoss]] = [:]
    /// By the place of the fault that has stopped them.
    var stopped: [Int: pid_t] = [:]
    /// What is killed again and again, by the place of the fault.
    var doomed: [Int: (Int, Duty)] = [:]
    /// What was killed, and when: after four deaths within ten seconds a process is started again with a pause only.
    var kills: [(time: Instant, node: Int)] = []
    /// Cards that are out: node and bridge.
    var pulled: Set<[Int]> = []
    /// Commands of operators under way.
    var operators: [pid_t] = []
    /// Where the output of operators' commands goes.
    let silence: Descriptor
    /// Nodes whose daemon may end in this iteration.
    var mayEnd: [Bool]
    /// Of a node at rest.
    var mountCount = 0
    /// What went wrong beside the audit.
    var findings: [String] = []
    /// What was done, oldest first.
    var story: [String] = []
    var logs: LogAudit

    /// Makes the cluster and starts every daemon. The process must have a mount namespace of its own.
    init(_ scenario: Scenario, binaries: String, seed: UInt64) throws {
        self.scenario = scenario
        let tick = Tick()
        var plan = Cluster.Plan(prefix: Victim.prefix, binaries: binaries)
        plan.nodes = scenario.nodes
        plan.bridges = 2
        let cluster = try Cluster(plan, waiting: Waiting { tick.pass() })
        self.cluster = cluster
        let library = binaries + "/libClockStep.so"
        try NodeClocks.make(library: library, layer: cluster.folder + "/layer", nodes: scenario.nodes)
        try cluster.write(scenario.files(folder: cluster.folder))
        for node in cluster.nodes {
            guard mount("tmpfs", node.runFolder, "tmpfs", 0, "size=\(Victim.diskSize),mode=755") == 0 else {
                throw SystemError.last("mount \(node.runFolder)")
            }
            let path = node.configurationFolder + "/ha.cf"
            try Folder.write(Folder.read(path) + "logfile \(node.runFolder)/ha-log\n", to: path)
        }
        watch = try cluster.watchOwners(of: scenario.groups.map(\.address))
        noise = Noise(try cluster.intruder(), seed: seed)
        journals = scenario.services.map { ServiceJournal(key: $0.key, folder: cluster.folder) }
        silence = try Descriptor.open("/dev/null", O_RDWR)
        mayEnd = scenario.nodes.map { _ in false }
        logs = LogAudit(nodes: cluster.nodes)
        tick.noise = noise
        try cluster.start()
    }

    /// Ends everything and removes the folder; `keeping`: a copy of it stays there.
    func finish(keeping copy: String? = nil) {
        if let copy { _ = try? Command(["cp", "-a", cluster.folder, copy]).run(within: .seconds(60)) }
        for pid in operators {
            try? Children.signal(pid, SIGKILL)
            _ = try? Children.wait(pid)
        }
        for node in cluster.nodes { umount2(node.runFolder, Int32(MNT_DETACH)) }
        NodeClocks.remove(layer: cluster.folder + "/layer")
        cluster.finish()
    }

    func node(_ number: Int) -> Node { cluster.nodes[number] }
    func number(of name: String) -> Int? { scenario.nodes.firstIndex(of: name) }
    var waiting: Waiting { cluster.waiting }

    /// Passes the time between two looks: a little of it asleep, and the noise has its turn.
    private final class Tick {
        weak var noise: Noise?

        func pass() {
            Clock.wait(.milliseconds(3))
            noise?.work()
        }
    }
}
