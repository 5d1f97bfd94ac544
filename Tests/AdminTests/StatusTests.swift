// `hb status` as a user runs it: text, JSON, colour, exit status.
import Admin
import CLinux
import ClusterModel
import LinuxSystem
import Testing

@Suite struct StatusTests {
    @Test("a healthy cluster on one screen")
    func healthyScreen() throws {
        let outcome = try runTool("hb", ["status"], expecting: .status) { try $0.answer(Sample.healthy) }
        let expected = """
            heartbeat 0.1.0 on alpha: active, up 3 h 4 min, process 1234
            quorum: yes, 2 of 2 nodes, policy ping
            keepalive 100 ms, deadtime 1.0 s, auto_failback on, this node holds: local
            lease 900 ms, 100 ms before deadtime; the kernel ends held addresses
            all is well

            NODE        STATE   LAST HEARD
            alpha       active  this node
            beta        active  85 ms ago
            10.0.0.254  ping    430 ms ago

            LINK TO     MEDIUM             STATE  LAST HEARD
            beta        bcast eth0         up     85 ms ago
            beta        serial /dev/ttyS0  up     102 ms ago
            10.0.0.254  ping 10.0.0.254    up     430 ms ago

            GROUP                 STATE  ON     PREFERRED  NOTES
            IPaddr2::10.0.0.5/24  held   alpha  alpha      2 resources
            IPaddr2::10.0.0.6/24  held   beta   beta       wanted on beta

            EVENTS
            2026-11-21 04:48:07  info    Link beta:eth0 up.
            2026-11-21 04:48:08  notice  Status update for node beta: status active

            """
        #expect(outcome == ToolOutcome(status: 0, output: expected, errors: ""))
    }

    @Test("every trouble is named, and nothing that came from elsewhere reaches the terminal as a command")
    func troubledScreen() throws {
        let outcome = try runTool("hb", ["status"], expecting: .status) { try $0.answer(Sample.troubled) }
        let expected = """
            heartbeat 0.1.0 on alpha: active, shutting down, up 3 h 4 min, process 1234
            quorum: no, 1 of 4 nodes, policy majority, may hold groups for 812 ms more if unheard
            keepalive 100 ms, deadtime 1.0 s, auto_failback on, this node holds: transition
            lease 900 ms, 100 ms before deadtime; off: no kernel ends held addresses
            messages dropped since the start: 3 replay, 12 unsigned
            needs attention

            NODE        STATE        LAST HEARD   VOTES
            alpha       active       this node
            beta        active       85 ms ago
            10.0.0.254  dead         never
            gamma       unreachable  1 d 2 h ago  beta hears it (80 ms ago); alpha, eps do not
            delta       up, leaving  9.0 s ago
            eps         init         never

            LINK TO     MEDIUM             STATE  LAST HEARD
            beta        bcast eth0         up     85 ms ago
            beta        serial /dev/ttyS0  dead   3 min 4 s ago
            10.0.0.254  ping 10.0.0.254    dead   never

            GROUP                 STATE     ON     PREFERRED  NOTES
            IPaddr2::10.0.0.5/24  starting  alpha  alpha      waits for beta, gamma; 2 resources
            IPaddr2::10.0.0.6/24  held      beta   beta       wanted on alpha; 1 failed on alpha; 3 failed on beta
            a                     blocked   beta   alpha
            b                     failed    -      alpha
            c                     stopped   -      alpha
            d                     unknown   beta   alpha

            PROBLEMS
            no quorum: this node reaches 1 of 4 nodes (policy majority)
            node beta runs with another configuration
            link serial /dev/ttyS0 to node beta is dead
            node 10.0.0.254 is dead
            node gamma is heard by others, but not by this node
            node delta is shutting down
            node eps has not been heard since this node started
            group IPaddr2::10.0.0.5/24 is starting on alpha
            group IPaddr2::10.0.0.6/24 runs on beta, wanted on alpha
            group IPaddr2::10.0.0.6/24 failed once on alpha: apache2 start: exit code 1?[2J?httpd: no
            group IPaddr2::10.0.0.6/24 failed 3 times on beta
            group a cannot be stopped on beta: an operator must act
            group b runs on no node that is heard: its starts failed
            group c runs on no node that is heard
            it is not known whether group d runs on beta
            medium serial /dev/ttyS0 is not open: open /dev/ttyS0: No such device

            EVENTS
            2026-11-21 04:48:07  info    Link beta:eth0 up.
            2026-11-21 04:48:08  notice  Status update for node beta: status active
            2026-11-21 04:48:09  WARN    Late heartbeat: Node b??31m?eta

            """
        #expect(outcome == ToolOutcome(status: 1, output: expected, errors: ""))
    }

    @Test("where no ping node answers, that is the reason that is given, not how many nodes are heard")
    func unanswered() throws {
        var report = Sample.healthy
        report.quorum.isPresent = false
        let outcome = try runTool("hb", ["status"], expecting: .status) { try $0.answer(report) }
        #expect(outcome.output.contains("quorum: no, 2 of 2 nodes, no ping node answers, policy ping\n"), "\(outcome)")
        #expect(outcome.output.contains("\nno quorum: no ping node answers (policy ping)\n"))
    }

    @Test("What failed and what is held still is shown with its cause, and needs attention")
    func maintenance() throws {
        var report = Sample.healthy
        report.frozen = MaintenanceReport(
            node: "beta", user: "ann", reason: "new\u{1B}[2J cables", time: 1_763_700_487, remaining: .seconds(200))
        report.groups[0].unmanaged = MaintenanceReport(
            node: "alpha", user: "", reason: "", time: 1_763_700_487, remaining: nil)
        report.groups[0].resourceFailures = [
            ResourceFailureReport(
                resource: "apache2", count: 2, operation: "monitor", reason: "it does not run: dead",
                output: "one\ntwo\nthree\nfo\u{1B}ur", age: .seconds(12))
        ]
        let outcome = try runTool("hb", ["status"], expecting: .status) { try $0.answer(report) }
        #expect(outcome.status == 1)
        for line in [
            "by ann on beta, 4 min more: new?[2J cables", "FROZEN since 2025-11-21", "needs attention",
            "the cluster is frozen by ann on beta", "group IPaddr2::10.0.0.5/24 is not managed on alpha",
            "apache2 of group IPaddr2::10.0.0.5/24 failed 2 times here: monitor: it does not run: dead",
            "  apache2: two\n  apache2: three\n  apache2: fo?ur\n",
        ] {
            #expect(outcome.output.contains(line), "\(line) is missing in\n\(outcome.output)")
        }
    }

    @Test("JSON has every member of the schema, in its order")
    func json() throws {
        var report = Sample.healthy
        report.nodes.remove(at: 2)
        report.groups[1].owner = nil
        report.groups[1].state = .failed
        report.groups[1].failures = [FailureReport(node: "beta", count: 2, reason: "a \"quoted\"\n\u{1B}[1m reason é")]
        report.groups[1].waitsFor = ["beta"]
        report.groups[1].waitsForFencing = ["alpha"]
        report.contests = [
            ContestReport(
                address: "10.0.0.5", interface: "eth0", group: "IPaddr2::10.0.0.5/24", machine: "02:00:00:00:00:09",
                count: 12, age: .seconds(3))
        ]
        report.lacks = ["no watchdog resets this node: gone"]
        report.media = [MediumReport(directive: "bcast", name: "eth0", isOpen: false, reason: "gone")]
        report.quorum.heldFor = .milliseconds(812)
        report.generation = .max
        report.drops = [DropReport(cause: "replay", count: 3)]
        report.events.removeFirst()
        let outcome = try runTool("hb", ["status", "--json"], expecting: .status) { try $0.answer(report) }
        #expect(outcome == ToolOutcome(status: 1, output: StatusTests.document, errors: ""))
    }

    @Test("a newline-separated document for every turn of --watch --json; an interrupt ends it well")
    func watchJSON() throws {
        let folder = try TemporaryFolder()
        let daemon = try FakeDaemon(folder)
        let tool = try RunningTool("hb", ["--run-dir", folder.path, "status", "--json", "--watch", "0.01"], in: folder)
        for _ in 0..<3 { try daemon.serve(Sample.healthy) }
        // The next turn has begun: the three before it are printed.
        _ = try daemon.accept()
        try Children.signal(tool.pid, SIGINT)
        let outcome = try tool.end()
        #expect(outcome.status == 0)
        let lines = outcome.output.split(separator: "\n")
        #expect(lines.count == 3)
        for line in lines {
            #expect(line.hasPrefix("{\"schema_version\": 1, \"version\": \"0.1.0\"") && line.hasSuffix("}]}"))
        }
    }

    @Test("--watch redraws a terminal, with colour, and goes on while the daemon is away")
    func watchTerminal() throws {
        let folder = try TemporaryFolder()
        var daemon: FakeDaemon? = try FakeDaemon(folder)
        let terminal = try PseudoTerminal()
        let tool = try RunningTool(
            "hb", ["status", "-w0.01", "--run-dir", folder.path], in: folder, terminal: terminal.user.raw)
        try daemon?.serve(Sample.healthy)
        let first = try terminal.text(until: "active\u{1B}[K\r\n\u{1B}[J")
        #expect(first.hasPrefix("\u{1B}[2J\u{1B}[Hheartbeat 0.1.0 on \u{1B}[1malpha\u{1B}[0m: active"), "\(first)")
        #expect(first.contains("\r\nbeta        \u{1B}[32mactive\u{1B}[0m  85 ms ago\u{1B}[K\r\n"), "\(first)")
        daemon = nil
        unlink(folder.paths.controlSocket)
        let second = try terminal.text(until: "heartbeat.sock)\u{1B}[K\r\n\u{1B}[J")
        #expect(second.contains("\u{1B}[Hheartbeat is not running here"), "\(second)")
        daemon = try FakeDaemon(folder)
        try daemon?.serve(Sample.healthy)
        #expect(try terminal.text(until: "all is well").contains("quorum: \u{1B}[32myes"))
        try Children.signal(tool.pid, SIGTERM)
        #expect(try tool.end().status == 0)
    }

    @Test("NO_COLOR and TERM=dumb switch colour off", arguments: ["NO_COLOR=1", "TERM=dumb"])
    func colourless(environment: String) throws {
        let folder = try TemporaryFolder()
        let daemon = try FakeDaemon(folder)
        let terminal = try PseudoTerminal()

        let tool = try RunningTool(
            "hb", ["status", "--run-dir", folder.path], in: folder, environment: [environment],
            terminal: terminal.user.raw)
        try daemon.serve(Sample.healthy)
        let text = try terminal.text(until: "status active")
        #expect(!text.contains("\u{1B}"), "\(text)")
        #expect(try tool.end().status == 0)
    }

    @Test("no daemon, one that refuses, one that talks nonsense, one that dies, one that is silent")
    func faults() throws {
        let folder = try TemporaryFolder()
        let socket = "\(folder.path)/heartbeat.sock"
        var outcome = try runTool("hb", "status", "--run-dir", folder.path, in: folder)
        #expect(outcome.status == 3)
        #expect(outcome.errors == "hb status: heartbeat is not running here (no \(socket))\n")

        // What a daemon that was killed leaves behind.
        _ = try FakeDaemon(folder)
        outcome = try runTool("hb", "status", "--run-dir", folder.path, in: folder)
        #expect(outcome.status == 3)

        outcome = try runTool("hb", ["status"], expecting: .status) { try $0.end(.denied) }
        #expect(outcome.status == 4)
        #expect(outcome.errors.hasPrefix("hb status: permission denied: you may not use /tmp/hbe-"))

        outcome = try runTool("hb", ["status"], expecting: .status) { try $0.end(.error, "not now\u{7}") }
        #expect(
            outcome == ToolOutcome(status: 6, output: "", errors: "hb status: heartbeat does not answer: not now?\n"))

        outcome = try runTool("hb", ["status"], expecting: .status) { try $0.send(bytes: Array("gibberish".utf8)) }
        #expect(
            outcome.errors == "hb status: heartbeat's answer cannot be read: syntax: byte 0: expected '###' and LF, "
                + "found 0x67\n")
        #expect(outcome.status == 6)

        outcome = try runTool("hb", ["status"], expecting: .status) { try $0.end(.done) }
        #expect(
            outcome.errors == "hb status: heartbeat's answer cannot be read: the answer has no record\n")
        #expect(outcome.status == 6)

        outcome = try runTool("hb", ["status"], expecting: .status) {
            try $0.send(bytes: [UInt8](repeating: 35, count: AdminMessage.sizeMax + 1))
        }
        #expect(
            outcome.errors == "hb status: heartbeat's answer cannot be read: a packet is longer than 65536 bytes\n")

        outcome = try runTool("hb", ["status", "--timeout", "0.2"], expecting: .status) {
            try $0.send(Array(Sample.healthy.messages().prefix(3)))
        }
        #expect(outcome == ToolOutcome(status: 5, output: "", errors: "hb status: heartbeat does not answer\n"))
    }

    @Test("a daemon that closes in mid-answer is not mistaken for a small cluster")
    func lostConnection() throws {
        let folder = try TemporaryFolder()
        let daemon = try FakeDaemon(folder)
        let tool = try RunningTool("hb", ["status", "--run-dir", folder.path], in: folder)
        var conversation: FakeConversation? = try daemon.accept()
        #expect(try conversation?.request() == .status)
        try conversation?.send(Array(Sample.healthy.messages().prefix(3)))
        conversation = nil
        let outcome = try tool.end()
        #expect(outcome.status == 6)
        #expect(outcome.errors == "hb status: heartbeat closed the connection before it had answered\n")
    }

    @Test("a user who may not open the socket is told so", .enabled(if: geteuid() == 0))
    func permissions() throws {
        let folder = try TemporaryFolder()
        let daemon = try FakeDaemon(folder, mode: 0o600)
        // The build folder may be closed to others, so that nobody runs a copy.
        let copying = Spawn(program: "/bin/cp", arguments: ["cp", RunningTool.program, "\(folder.path)/hb"])
        #expect(try Children.wait(try copying.start()) == .exited(0))
        for (name, words, status) in [
            ("hb", ["status"], 4), ("hb_standby", ["all"], 4), ("cl_status", ["listnodes"], 1),
        ] {
            var spawn = Spawn(
                program: "/usr/bin/setpriv",
                arguments: [
                    "setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "/bin/bash", "-c",
                    "exec -a \(name) \(folder.path)/hb \"$@\"", "-",
                ] + words + ["--run-dir", folder.path])
            spawn.environment = ["TZ=UTC"]
            let output = try Descriptor.open("\(folder.path)/output", O_RDWR | O_CREAT | O_TRUNC, mode: 0o600)
            spawn.descriptors = [1: output.raw, 2: output.raw]
            #expect(try Children.wait(try spawn.start()) == .exited(Int32(status)), "\(name)")
            #expect(
                folder.text("output").contains("permission denied: you may not use \(folder.path)/heartbeat.sock\n"))
        }
        withExtendedLifetime(daemon) {}
    }
}

/// Both sides of a terminal.
final class PseudoTerminal {
    private let screen: Descriptor
    /// What programs are given.
    let user: Descriptor
    private var pending = ""

    init() throws {
        screen = try Descriptor.open("/dev/ptmx", O_RDWR | O_NOCTTY)
        let raw = screen.raw
        _ = try retrying("unlock a terminal") { unlockpt(raw) }
        var name = [CChar](repeating: 0, count: 64)
        #expect(ptsname_r(raw, &name, name.count) == 0)
        let path = String(decoding: name.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
        user = try Descriptor.open(path, O_RDWR | O_NOCTTY)
    }

    /// What appeared since the last call, up to and with a mark; fails where it does not appear in 20 seconds.
    func text(until mark: String) throws -> String {
        while true {
            if let range = pending.firstRange(of: mark) {
                let text = String(pending[..<range.upperBound])
                pending = String(pending[range.upperBound...])
                return text
            }
            var list = [Readiness(screen.raw, read: true)]
            try Readiness.wait(&list, timeout: .seconds(20))
            try #require(list[0].isReadable, "only this came: \(pending)")
            var buffer = [UInt8](repeating: 0, count: 65536)
            let count = read(screen.raw, &buffer, buffer.count)
            try #require(count > 0)
            pending += String(decoding: buffer[..<count], as: UTF8.self)
        }
    }
}
