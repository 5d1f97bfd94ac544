// The resource manager as control and the status process see it: the real program, in a network namespace, over real
// channels.
import CLinux
import CSystemd
import ClusterModel
import LinuxSystem
import Privsep
import Reactor
import Testing

@testable import ResourceAgents

@Suite("The resource manager", .serialized)
struct ResourceProcessTests {
    private let network: TestNetwork
    private let folder: TemporaryFolder

    init() throws {
        network = try TestNetwork()
        folder = try TemporaryFolder()
        // A service whose state is a file. `slow` hangs at its start, `bad` fails it.
        let body = """
            #!/bin/sh
            state=\(folder.path)/state.$1
            echo "$@" >> \(folder.path)/calls
            case $2 in
            start) [ $1 = slow ] && { echo $$ > \(folder.path)/slow; sleep 100; }
                   [ $1 = long ] && { echo $$ > \(folder.path)/long; sleep 1; }
                   [ $1 = bad ] && { echo bad luck >&2; exit 1; }
                   touch $state ;;
            stop) [ $1 = stuck ] && exit 1
                  rm -f $state ;;
            status) [ -e $state ] && echo running || echo stopped ;;
            esac
            """
        try folder.write("resource.d/service", body + "\n")
    }

    /// Control's and the status process's ends of one resource manager.
    final class Manager {
        let pid: pid_t
        let control: Channel
        var status: Channel
        private var isReaped = false

        init(_ network: TestNetwork, _ folder: TemporaryFolder, groups: String, intervals: String = "") throws {
            let pair = try SocketPair()
            var spawn = Spawn(
                program: BuiltProgram.path("heartbeat"),
                arguments: ["hb_resource", "\(Launch.protocolVersion)", "\(getpid())"])
            spawn.descriptors = [3: pair.second.raw]
            spawn.environment = ["SWIFT_BACKTRACE=enable=no"]
            pid = try network.inside(network.near) { try spawn.start() }
            control = Channel(pair.first)
            status = try Manager.connect(control, folder, groups, intervals)
        }

        deinit {
            if isReaped { return }
            try? Children.signal(pid, SIGKILL)
            _ = try? Children.wait(pid)
        }

        private static func connect(
            _ control: Channel, _ folder: TemporaryFolder, _ groups: String, _ intervals: String
        ) throws -> Channel {
            let bundle = ConfigurationBundle(
                configurationDirectory: folder.path, stateDirectory: folder.path, runDirectory: folder.path,
                nodeName: "alpha",
                haConfig: "node alpha beta\nbcast eth0\nauto_failback on\n\(intervals)"
                    + "logfile \(folder.path)/log\n",
                haResources: groups, authKeys: [])
            let file = try MemoryFile.write(bundle.encoded())
            #expect(try control.send(ControlToHelper.configure, descriptors: [file.raw]) == .sent)
            return try newStatusProcess(control)
        }

        static func newStatusProcess(_ control: Channel) throws -> Channel {
            let pair = try SocketPair()
            #expect(try control.send(ControlToHelper.statusProcess, descriptors: [pair.second.raw]) == .sent)
            return Channel(pair.first)
        }

        func order(_ frame: StatusToResource) throws { #expect(try status.send(frame) == .sent) }

        /// The next outcome.
        func outcome() throws -> ResourceToStatus {
            var poll = pollfd(fd: status.raw, events: Int16(POLLIN), revents: 0)
            #expect(CLinux.poll(&poll, 1, 60_000) == 1, "no outcome within a minute")
            guard case .frame(let bytes, _) = try status.receive() else { throw Gone() }
            let frame = try ResourceToStatus(decoding: bytes)
            switch frame {
            // What is counted comes before what is answered, and what is only recorded after it.
            case .failures, .worked: return try outcome()
            default: return frame
            }
        }

        func inventory() throws -> [String] {
            try order(.takeInventory)
            guard case .inventory(let groups, _) = try outcome() else { throw Gone() }
            return groups.map { "\($0.group) \($0.state) \($0.epoch)" }
        }

        func kill() throws {
            try Children.signal(pid, SIGKILL)
            _ = try Children.wait(pid)
            isReaped = true
        }

        func end() throws -> ChildStatus {
            isReaped = true
            return try Children.wait(pid)
        }
    }

    struct Gone: Error {}

    private func present(_ text: String) throws -> Bool {
        try network.inside(network.near) { try NetlinkSession().addresses().contains { $0.address == IPAddress(text) } }
    }

    private let groups = """
        alpha 10.7.0.100 10.7.0.101/24 service::web
        beta 10.7.0.110 service::bad service::never
        alpha service::slow
        beta service::stuck

        """

    @Test("A group is started in order, found, reasserted, and stopped in reverse")
    func life() throws {
        let manager = try Manager(network, folder, groups: groups)
        #expect(
            try manager.inventory() == [
                "10.7.0.100 stopped 0", "10.7.0.110 stopped 0", "service::slow stopped 0", "service::stuck stopped 0",
            ])
        try manager.order(.start(operation: 1, group: "10.7.0.100", epoch: 5))
        #expect(try manager.outcome() == .finished(operation: 1, failure: nil, remains: false))
        #expect(try present("10.7.0.100") && present("10.7.0.101"))
        #expect(try manager.inventory().first == "10.7.0.100 held 5")
        try shell("rm \(folder.path)/state.web")
        #expect(try manager.inventory().first == "10.7.0.100 partial 5")
        try manager.order(.reassert(operation: 2, group: "10.7.0.100", epoch: 6))
        #expect(try manager.outcome() == .finished(operation: 2, failure: nil, remains: false))
        #expect(try manager.inventory().first == "10.7.0.100 held 6")
        try manager.order(.stop(operation: 3, group: "10.7.0.100"))
        #expect(try manager.outcome() == .finished(operation: 3, failure: nil, remains: false))
        #expect(try !present("10.7.0.100") && !present("10.7.0.101"))
        let calls = folder.text("calls").split(separator: "\n").filter { $0.hasPrefix("web") }
        #expect(calls.filter { !$0.hasSuffix("status") } == ["web start", "web start", "web stop"])
        let title = FileSystem.text(of: "/proc/\(manager.pid)/cmdline", limit: 100) ?? ""
        #expect(title.hasPrefix("heartbeat: resource manager"))
    }

    @Test("The addresses of a group that another node may serve go before its services are stopped, else after them")
    func forfeit() throws {
        let body = """
            #!/bin/sh
            [ $2 = stop ] && ip -4 addr show dev eth0 | grep -c 10.7.0.100 >> \(folder.path)/seen
            [ $2 = status ] && echo running
            exit 0
            """
        try folder.write("resource.d/service", body + "\n")
        let manager = try Manager(network, folder, groups: "alpha 10.7.0.100 service::web\n")
        for (operation, isForfeit) in [(1, false), (3, true)] {
            try manager.order(.start(operation: UInt64(operation), group: "10.7.0.100", epoch: 1))
            _ = try manager.outcome()
            #expect(try present("10.7.0.100"))
            let stop = UInt64(operation + 1)
            try manager.order(.stop(operation: stop, group: "10.7.0.100", isForfeit: isForfeit))
            #expect(try manager.outcome() == .finished(operation: stop, failure: nil, remains: false))
            #expect(try !present("10.7.0.100"))
        }
        #expect(folder.text("seen") == "1\n0\n")
    }

    @Test("A group that fails to start is released, and the failure names resource and reason")
    func failure() throws {
        let manager = try Manager(network, folder, groups: groups)
        try manager.order(.start(operation: 1, group: "10.7.0.110", epoch: 1))
        #expect(
            try manager.outcome()
                == .finished(operation: 1, failure: "service::bad start: exit code 1: bad luck", remains: false))
        #expect(try !present("10.7.0.110"))
        #expect(!folder.text("calls").contains("never start"))
        try manager.order(.start(operation: 2, group: "elsewhere", epoch: 1))
        #expect(
            try manager.outcome()
                == .finished(operation: 2, failure: "no group elsewhere is configured here", remains: false))
    }

    @Test("A stop ends a start that hangs; other groups go on meanwhile")
    func stopDuringStart() throws {
        let manager = try Manager(network, folder, groups: groups)
        try manager.order(.start(operation: 1, group: "service::slow", epoch: 1))
        try manager.order(.start(operation: 2, group: "10.7.0.100", epoch: 1))
        #expect(try manager.outcome() == .finished(operation: 2, failure: nil, remains: false))
        try manager.order(.stop(operation: 3, group: "service::slow"))
        #expect(try manager.outcome() == .finished(operation: 1, failure: "ended by a stop", remains: false))
        #expect(try manager.outcome() == .finished(operation: 3, failure: nil, remains: false))
    }

    @Test("A step of a start that comes after the end of the right to hold waits for a word of the status process")
    func lateStep() throws {
        let manager = try Manager(
            network, folder, groups: "alpha service::long service::next\n", intervals: "keepalive 60\ndeadtime 200\n")
        func begin(_ operation: OperationID) throws {
            try manager.order(.entitled(until: Clock.now() + .seconds(600)))
            try manager.order(.start(operation: operation, group: "service::long", epoch: 1))
            while folder.text("long").isEmpty { usleep(1000) }
            // Nobody stands still here: the right ends while the first step is at work.
            try manager.order(.entitled(until: Clock.now()))
            while !folder.text("log").contains("right to hold it has ended") { usleep(1000) }
        }
        try begin(1)
        try manager.order(.stop(operation: 2, group: "service::long"))
        #expect(try manager.outcome() == .finished(operation: 1, failure: "ended by a stop", remains: false))
        #expect(try manager.outcome() == .finished(operation: 2, failure: nil, remains: false))
        #expect(!folder.text("calls").contains("next start"))
        try shell("rm \(folder.path)/long; : > \(folder.path)/log")
        try begin(3)
        // A new status process finds the group between two states, and nothing waits any more.
        manager.status = try Manager.newStatusProcess(manager.control)
        #expect(try manager.inventory() == ["service::long partial 1"])
        #expect(!folder.text("calls").contains("next start"))
        try manager.order(.stop(operation: 1, group: "service::long"))
        #expect(try manager.outcome() == .finished(operation: 1, failure: nil, remains: false))
        try shell("rm \(folder.path)/long; : > \(folder.path)/log")
        try begin(2)
        try manager.order(.entitled(until: Clock.now() + .seconds(600)))
        #expect(try manager.outcome() == .finished(operation: 2, failure: nil, remains: false))
        #expect(folder.text("calls").contains("next start"))
    }

    @Test("An address that somebody removes comes back; one whose interface is gone is reported lost")
    func lostAddress() throws {
        let manager = try Manager(network, folder, groups: groups)
        try manager.order(.start(operation: 1, group: "10.7.0.100", epoch: 1))
        _ = try manager.outcome()
        try shell("ip -n \(network.near) addr del 10.7.0.100/24 dev eth0")
        while try !present("10.7.0.100") { usleep(1000) }
        try shell("ip -n \(network.near) link del eth0")
        let outcomes = [try manager.outcome(), try manager.outcome()]
        for address in ["10.7.0.100/24", "10.7.0.101/24"] {
            let reason = "\(address) was removed by the kernel: No such device"
            #expect(outcomes.contains(.lost(group: "10.7.0.100", reason: reason)))
        }
    }

    @Test("A new status process takes inventory of what runs and hears nothing of its predecessor's orders")
    func newStatusProcess() throws {
        let manager = try Manager(network, folder, groups: groups)
        try manager.order(.start(operation: 1, group: "service::slow", epoch: 9))
        try manager.order(.start(operation: 2, group: "10.7.0.100", epoch: 4))
        #expect(try manager.outcome() == .finished(operation: 2, failure: nil, remains: false))
        manager.status = try Manager.newStatusProcess(manager.control)
        #expect(
            try manager.inventory() == [
                "10.7.0.100 held 4", "10.7.0.110 stopped 0", "service::slow partial 9", "service::stuck stopped 0",
            ])
        try manager.order(.stop(operation: 1, group: "service::slow"))
        #expect(try manager.outcome() == .finished(operation: 1, failure: nil, remains: false))
    }

    @Test("Killed in mid-start, its successor finds what runs, and takes it over")
    func killed() throws {
        var manager = try Manager(network, folder, groups: groups)
        try manager.order(.start(operation: 1, group: "10.7.0.100", epoch: 3))
        _ = try manager.outcome()
        try manager.order(.start(operation: 2, group: "service::slow", epoch: 3))
        while folder.text("slow").isEmpty { usleep(1000) }
        while !folder.text("epochs").contains("3 10.7.0.100\n3 service::slow\n") { usleep(1000) }
        try manager.kill()
        #expect(try present("10.7.0.100"), "what it held stays")
        manager = try Manager(network, folder, groups: groups)
        let found = try manager.inventory()
        #expect(found[0] == "10.7.0.100 held 3" && found[2].hasSuffix(" 3"), "\(found)")
        // What was found is watched as if it had been started here.
        try shell("ip -n \(network.near) addr del 10.7.0.100/24 dev eth0")
        while try !present("10.7.0.100") { usleep(1000) }
        let slow = try #require(pid_t(folder.text("slow").filter { $0 != "\n" }))
        try Children.signalGroup(slow, SIGKILL)
    }

    @Test("Without control it ends, and what it holds stays")
    func controlGone() throws {
        let manager = try Manager(network, folder, groups: groups)
        try manager.order(.start(operation: 1, group: "10.7.0.100", epoch: 1))
        _ = try manager.outcome()
        #expect(try manager.control.send(ControlToHelper.finish) == .sent)
        #expect(try manager.end() == .exited(0))
        #expect(try present("10.7.0.100"))
        #expect(folder.text("log").contains("Acquiring resource group: alpha 10.7.0.100 10.7.0.101/24 service::web"))
    }

    @Test("Without systemd a unit cannot be started, and says so", .enabled(if: sd_booted() == 0))
    func noSystemd() throws {
        let manager = try Manager(network, folder, groups: "alpha systemd::web\n")
        #expect(try manager.inventory() == ["systemd::web stopped 0"])
        try manager.order(.start(operation: 1, group: "systemd::web", epoch: 1))
        let reason = "systemd::web start: systemd units are not available: systemd does not run this machine"
        #expect(try manager.outcome() == .finished(operation: 1, failure: reason, remains: false))
    }

    @Test("What it starts has the priority and the limits of an ordinary service")
    func standing() throws {
        try folder.write(
            "resource.d/service",
            "#!/bin/sh\n[ $2 = start ] && { nice; ulimit -r; ulimit -l; } > \(folder.path)/standing\n")
        setpriority(PRIO_PROCESS, 0, 3)
        let manager = try Manager(network, folder, groups: "alpha service::web\n")
        setpriority(PRIO_PROCESS, 0, 0)
        try manager.order(.start(operation: 1, group: "service::web", epoch: 1))
        #expect(try manager.outcome() == .finished(operation: 1, failure: nil, remains: false))
        let lines = folder.text("standing").split(separator: "\n")
        #expect(lines.prefix(2) == ["0", "0"])
        #expect(lines.last.flatMap { Int($0) }.map { $0 <= 8192 } == true, "\(lines)")
    }

    @Test("A status process that sends nonsense is dropped; the next one is served")
    func nonsense() throws {
        let manager = try Manager(network, folder, groups: groups)
        #expect(try manager.status.send(bytes: [99, 1, 2, 3]) == .sent)
        manager.status = try Manager.newStatusProcess(manager.control)
        #expect(try manager.inventory().count == 4)
    }

    @Test("The right to hold outlives the process that was told of it, and is worth nothing after a reboot")
    func entitlement() throws {
        func remembered() throws -> Instant? {
            let manager = try Manager(network, folder, groups: groups)
            try manager.order(.takeInventory)
            guard case .inventory(_, let until) = try manager.outcome() else { throw Gone() }
            return until
        }
        #expect(try remembered() == nil)
        do {
            let manager = try Manager(network, folder, groups: groups)
            try manager.order(.entitled(until: Instant(nanoseconds: 1_234_567_890_123)))
            try manager.order(.entitled(until: Instant(nanoseconds: 77)))
            _ = try manager.inventory()
        }
        #expect(try remembered() == Instant(nanoseconds: 77))
        let path = folder.path + "/entitled"
        let text = try #require(FileSystem.text(of: path, limit: 256))
        for spoiled in [String(text.dropFirst()), "", "x", text.replacing("77", with: "7x")] {
            let file = try Descriptor.open(path, O_WRONLY | O_TRUNC)
            _ = Array(spoiled.utf8).withUnsafeBytes { write(file.raw, $0.baseAddress, $0.count) }
            #expect(try remembered() == nil, "\(spoiled)")
        }
    }

    @Test("A new configuration adds groups and moves nothing")
    func reconfigured() throws {
        let manager = try Manager(network, folder, groups: groups)
        try manager.order(.start(operation: 1, group: "10.7.0.100", epoch: 2))
        _ = try manager.outcome()
        let bundle = ConfigurationBundle(
            configurationDirectory: folder.path, stateDirectory: folder.path, runDirectory: folder.path,
                nodeName: "alpha",
            haConfig: "node alpha beta\nbcast eth0\nauto_failback on\n",
            haResources: "alpha 10.7.0.100 10.7.0.101/24 service::web\nalpha 10.7.0.120\n", authKeys: [])
        let file = try MemoryFile.write(bundle.encoded())
        #expect(try manager.control.send(ControlToHelper.configure, descriptors: [file.raw]) == .sent)
        // The two channels are not ordered among each other: ask until the new group is known.
        var inventory: [String] = []
        while !inventory.contains("10.7.0.120 stopped 0") { inventory = try manager.inventory() }
        #expect(inventory.first == "10.7.0.100 held 2")
    }
}
