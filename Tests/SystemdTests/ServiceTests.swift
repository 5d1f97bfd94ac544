// The service as an administrator installs it: the unit of this project under a real systemd, on two machines.
import CLinux
import ClusterModel
import LinuxSystem
import Rig
import Testing

@Suite("The service under systemd", .serialized, .enabled(if: SystemdMachine.obstacle == nil))
struct ServiceTests {
    @Test("A start waits until the node is active; a restart and a killed control keep the address without a gap")
    func life() throws {
        try Stage.play { stage in
            try stage.start()
            #expect(try stage.alpha.check("systemctl", "is-active", "heartbeat") == "active\n")
            #expect(try stage.property("StatusText") == "alpha is active")
            let watch = try AddressWatch(stage)
            let before = try stage.property("MainPID")

            try stage.alpha.check("systemctl", "restart", "heartbeat")
            #expect(try stage.property("MainPID") != before)
            try stage.awaitOwner("alpha")

            let second = try stage.property("MainPID")
            try stage.alpha.check("kill", "-KILL", second)
            try stage.waiting.until("another control", within: .seconds(30)) {
                let main = try stage.property("MainPID")
                return try main != second && main != "0" && stage.property("ActiveState") == "active"
            }
            #expect(try stage.property("NRestarts") == "1")
            try stage.awaitOwner("alpha")
            #expect(try watch.removals() == 0)
            #expect(try !stage.holds(stage.beta))
        }
    }

    @Test("A reload applies what is right, and fails visibly where something is wrong")
    func reload() throws {
        try Stage.play { stage in
            try stage.start()
            let watch = try AddressWatch(stage)
            try stage.alpha.write("/etc/ha.d/ha.cf", Stage.haConfig(deadtime: "4s"))
            try stage.alpha.check("systemctl", "reload", "heartbeat")
            try stage.waiting.until("the new deadtime in force") {
                try stage.alpha.run(["hb", "status"]).output.contains("deadtime 4.0 s")
            }
            try stage.alpha.write("/etc/ha.d/ha.cf", Stage.haConfig(deadtime: "nonsense"))
            let outcome = try stage.alpha.run(["systemctl", "reload", "heartbeat"])
            #expect(outcome.status != .exited(0))
            #expect(try stage.journal().contains("/etc/ha.d/ha.cf:2:10: error:"))
            #expect(try stage.property("ActiveState") == "active")
            #expect(try watch.removals() == 0)
        }
    }

    @Test("A stop hands the address to the other machine at once, and leaves no socket")
    func stop() throws {
        try Stage.play { stage in
            try stage.start()
            try stage.alpha.check("systemctl", "stop", "heartbeat")
            #expect(try !stage.holds(stage.alpha))
            try stage.waiting.until("the address on beta", within: .seconds(20)) { try stage.holds(stage.beta) }
            #expect(try stage.property("Result") == "success")
            #expect(try stage.alpha.run(["test", "-e", "/run/heartbeat/heartbeat.sock"]).status == .exited(1))
        }
    }

    @Test("A service that is started with errors in ha.cf fails, and the journal tells where they are")
    func brokenStart() throws {
        try Stage.play { stage in
            try stage.alpha.write("/etc/ha.d/ha.cf", Stage.haConfig(deadtime: "nonsense"))
            #expect(try stage.alpha.run(["systemctl", "start", "heartbeat"]).status == .exited(1))
            #expect(try stage.property("ActiveState") == "failed")
            #expect(try stage.journal().contains("/etc/ha.d/ha.cf:2:10: error:"))
            // Errors in a file do not go away by trying again.
            #expect(try stage.property("NRestarts") == "0")
        }
    }
}

@Suite("Where the service is not tested")
struct ObstacleTests {
    @Test("it is said", .enabled(if: SystemdMachine.obstacle != nil))
    func said() { print("the service under systemd is not tested: \(SystemdMachine.obstacle ?? "")") }
}

/// Two machines on one network with the service installed, not started. The address is at home on alpha.
struct Stage {
    static let address = NetworkPlan.service()

    let alpha: SystemdMachine
    let beta: SystemdMachine
    let folder: String
    let waiting = Waiting()

    /// A group of a machine beside the address: its resources, and what else ha.cf says.
    func configure(resources: String, directives: String = "") throws {
        for machine in [alpha, beta] {
            try machine.write("/etc/ha.d/ha.cf", Stage.haConfig(deadtime: "5s") + directives + "\n")
            try machine.write("/etc/ha.d/haresources", "alpha \(Stage.address)/24/eth0 \(resources)\n")
        }
    }

    static func haConfig(deadtime: String) -> String {
        """
        keepalive 100ms
        deadtime \(deadtime)
        initdead 20s
        auto_failback off
        bcast eth0
        node alpha beta

        """
    }

    static func play(_ scenario: (Stage) throws -> Void) throws {
        let program = binaries + "/hb_demo"
        let folder = try Folder.makeUnique(prefix: "heartbeat-systemd")
        let network = try Switch(program: program, bridges: 1, folder: folder, waiting: Waiting())
        defer { network.finish() }
        let machines = try ["alpha", "beta"].enumerated().map { index, name in
            try SystemdMachine(
                name, number: index, network: network, programs: binaries, folder: folder, waiting: Waiting())
        }
        defer { machines.forEach { $0.finish() } }
        let stage = Stage(alpha: machines[0], beta: machines[1], folder: folder)
        do {
            for machine in machines { try install(on: machine) }
            try scenario(stage)
        } catch {
            let journals = machines.map { machine in
                "--- \(machine.name)\n" + ((try? machine.run(["journalctl", "--no-pager", "-n", "60"]).output) ?? "")
            }
            Issue.record("\(error)\n\(journals.joined(separator: "\n"))")
        }
    }

    /// The executables are beside the test bundle.
    private static var binaries: String {
        let bundle = CommandLine.arguments.first { $0.hasSuffix(".xctest") } ?? CommandLine.arguments[0]
        return bundle.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
    }

    /// What `make install` puts there, from where the tests were built.
    private static func install(on machine: SystemdMachine) throws {
        let sources = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3)
            .joined(separator: "/")
        try machine.check(
            "sh", "-ec",
            """
            rm -f /usr/sbin/heartbeat /usr/bin/hb
            cp \(SystemdMachine.programs)/heartbeat /usr/sbin/heartbeat
            cp \(SystemdMachine.programs)/hb /usr/bin/hb
            getent group haclient >/dev/null || groupadd -r haclient
            getent passwd hacluster >/dev/null || useradd -r -g haclient -d /var/lib/heartbeat hacluster
            mkdir -p /etc/ha.d
            """)
        try machine.write(
            "/etc/systemd/system/heartbeat.service", Folder.read(sources + "/Resources/systemd/heartbeat.service"))
        try machine.check("systemctl", "daemon-reload")
        try machine.write("/etc/ha.d/ha.cf", haConfig(deadtime: "5s"))
        try machine.write("/etc/ha.d/haresources", "alpha \(address)/24/eth0\n")
        try machine.write("/etc/ha.d/authkeys", "auth 1\n1 sha256 a-secret-of-the-rig\n", mode: "600")
    }

    /// Starts both services; each start ends when its node is active.
    func start() throws {
        try beta.check("systemctl", "start", "--no-block", "heartbeat")
        try alpha.check("systemctl", "start", "heartbeat")
        try awaitOwner("alpha")
    }

    func awaitOwner(_ name: String) throws {
        try waiting.until("the address held by \(name)", within: .seconds(30)) {
            let text = try alpha.run(["hb", "status"]).output
            return text.contains { $0 == "\n" }
                && text.split(separator: "\n").contains {
                    $0.hasPrefix("\(Stage.address)/24/eth0 ") && $0.contains(name) && $0.contains("held")
                }
        }
    }

    func property(_ name: String) throws -> String {
        String(try alpha.check("systemctl", "show", "--value", "-p", name, "heartbeat").dropLast())
    }

    func journal() throws -> String { try alpha.check("journalctl", "--no-pager", "-o", "cat", "-u", "heartbeat") }

    func holds(_ machine: SystemdMachine) throws -> Bool {
        try machine.check("ip", "-o", "addr", "show", "dev", "eth0").contains(" \(Stage.address)/")
    }
}

/// What the kernel of alpha tells of its addresses, from now on.
private final class AddressWatch {
    private let process: pid_t
    private let file: String
    private let stage: Stage

    init(_ stage: Stage) throws {
        self.stage = stage
        file = stage.folder + "/addresses"
        process = try stage.alpha.start(["ip", "-o", "monitor", "address"], output: file)
        // An address of another network comes and goes: from then on nothing is missed.
        try stage.waiting.until("the kernel's word") {
            try stage.alpha.check("ip", "addr", "add", "192.0.2.1/32", "dev", "lo")
            try stage.alpha.check("ip", "addr", "del", "192.0.2.1/32", "dev", "lo")
            return Folder.read(file).contains("192.0.2.1")
        }
    }

    /// How often the address was removed until now.
    func removals() throws -> Int {
        Folder.read(file).split(separator: "\n")
            .filter { $0.hasPrefix("Deleted") && $0.contains(" \(Stage.address)/") }.count
    }

    deinit {
        try? Children.signalGroup(process, SIGKILL)
        _ = try? Children.wait(process)
    }
}
