// Machines with kernels of their own and the daemon on them, as every scenario here needs them.
import CLinux
import ClusterModel
import LinuxSystem
import Rig
import Testing

/// Each mostly waits for what a kernel does in seconds: the watchdog's scenarios and those of two machines run beside
/// each other, three machines at once.
@Suite("Machines with kernels of their own", .enabled(if: MachineStage.obstacle == nil))
enum MachineTests {
    @Suite("Two machines", .serialized)
    enum PairTests {}
}

@Suite("Where kernels of our own are not tested")
struct ObstacleTests {
    @Test("it is said", .enabled(if: MachineStage.obstacle != nil))
    func said() { print("machines with kernels of their own are not tested: \(MachineStage.obstacle ?? "")") }
}

struct MachineStage {
    static let address = NetworkPlan.service()
    /// Why there are no such machines here; nil where there are.
    static let obstacle = VirtualMachine.obstacle(kernel: kernelRoot)

    let room: MachineRoom
    private let kernel: DebianKernel
    var alpha: VirtualMachine { room.machines[0] }
    var beta: VirtualMachine { room.machines[1] }
    var waiting: Waiting { room.waiting }

    /// Plays a scenario with machines that are made for it, switched off, and removed afterwards. Where it does not
    /// come to its end, what the machines said is part of the failure.
    static func play(
        _ names: [String], sharedDisk: Bool = false, cards: Int = 1, diskTools: String? = nil,
        _ scenario: (MachineStage) throws -> Void
    ) throws {
        guard let kernel = DebianKernel(root: kernelRoot) else { throw RigError("there is no kernel in \(kernelRoot)") }
        let room = try MachineRoom(
            prefix: "heartbeat-machines", names: names, kernel: kernel, binaries: binaries, sharedDisk: sharedDisk,
            cards: cards, diskTools: diskTools)
        defer { room.finish() }
        do {
            try scenario(MachineStage(room: room, kernel: kernel))
        } catch {
            let words = room.machines.map { "--- \($0.name)\n\(tail($0.console))\n---\n\(tail($0.log))" }
            Issue.record("\(error)\n\(words.joined(separator: "\n"))")
        }
    }

    private static func tail(_ text: String) -> String {
        text.split(separator: "\n").suffix(40).joined(separator: "\n")
    }

    /// The executables are beside the test bundle.
    private static var binaries: String {
        let bundle = CommandLine.arguments.first { $0.hasSuffix(".xctest") } ?? CommandLine.arguments[0]
        return bundle.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
    }

    /// Where `make machine` unpacks the kernel.
    private static var kernelRoot: String {
        #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3).joined(separator: "/")
            + "/.build/machine/root"
    }

    /// Where `make machine` unpacks LVM, software RAID and DRBD; nil where it could not.
    static let diskTools: String? = {
        let root = kernelRoot.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
            + "/disks"
        return FileSystem.kind(of: root + "/sbin/drbdadm") == .regular ? root : nil
    }()

    // MARK: The daemon

    /// Writes the three files. The group is at home on alpha.
    func configure(
        _ machine: VirtualMachine, _ directives: [String], group: String = "\(address)/24/eth0",
        medium: String = "eth0"
    ) throws {
        let nodes = room.machines.map(\.name).joined(separator: " ")
        let lines = ["auto_failback off", "bcast \(medium)", "node \(nodes)"] + directives
        try machine.write("/etc/ha.d/ha.cf", lines.joined(separator: "\n") + "\n")
        try machine.write("/etc/ha.d/haresources", "alpha \(group)\n")
        try machine.write("/etc/ha.d/authkeys", "auth 1\n1 sha256 a-secret-of-the-rig\n", mode: "600")
    }

    func startDaemon(_ machine: VirtualMachine) throws {
        try machine.check("setsid heartbeat -f >\(GuestImage.log) 2>&1 &\necho $! >/run/control")
    }

    /// Sends a signal to control, and waits until that has ended.
    func endDaemon(_ machine: VirtualMachine, _ signal: String) throws {
        try machine.check(
            """
            read -r pid </run/control
            kill -\(signal) $pid
            while [ -e /proc/$pid ]; do sleep 0.1; done
            """)
    }

    func holds(_ machine: VirtualMachine) throws -> Bool {
        try machine.check("ip -o addr show dev eth0").contains(" \(MachineStage.address)/")
    }

    /// Asks a machine, and all, for the address.
    func ask(_ machine: VirtualMachine, seconds: Int) throws -> AddressQuestions {
        try AddressQuestions(machine, room, busybox: kernel.busybox, seconds: seconds)
    }

    func awaitAddress(on machine: VirtualMachine, within limit: Duration = .seconds(60)) throws {
        try waiting.until("the address on \(machine.name)", within: limit) { try holds(machine) }
    }
}
