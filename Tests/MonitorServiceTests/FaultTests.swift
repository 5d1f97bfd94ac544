// What goes wrong around a monitor: its programs, its clients, its files.
import CLinux
import ClusterModel
import LinuxSystem
import Rig
import Testing

@Suite("The service monitor under faults")
struct FaultTests {
    private func plan(_ services: String, globals: String = "") -> String {
        "\(globals)\n\nhostgroup web www1\n\nwatch web\n\(services)"
    }

    private func service(_ name: String, _ monitor: String, _ more: String = "# -") -> String {
        "  service \(name)\n    interval 1s\n    monitor \(monitor)\n    \(more)\n"
    }

    private func status(_ lines: [String]) -> String {
        lines.first?.split(separator: " ").first { $0.hasPrefix("opstatus=") }.map(String.init) ?? ""
    }

    @Test("monitors that hang, flood, die, are missing or leave children behind; the others are in time",
        .timeLimit(.minutes(3)))
    func monitors() throws {
        let services = service("hang", "hang.monitor", "check_timeout 2s") + service("flood", "flood.monitor")
            + service("die", "die.monitor") + service("missing", "missing.monitor") + service("well", "well.monitor")
            + service("leave", "leave.monitor") + service("silent", "silent.monitor")
        let stage = try MonitorStage(plan(services), programs: [
            ("mon.d/hang.monitor", "trap '' TERM\nsleep 1000 & echo $! $$ >LAB/hang.pid\nwait\nsleep 1000\n"),
            ("mon.d/flood.monitor", "echo summary\nhead -c 20000000 /dev/zero | tr '\\0' x\nexit 1\n"),
            ("mon.d/die.monitor", "kill -SEGV $$\n"), ("mon.d/well.monitor", "echo; echo $*\n"),
            // A child that keeps the output open does not hold the check up.
            ("mon.d/leave.monitor", "sleep 60 & echo $! >>LAB/left\necho; exit 0\n"),
            ("mon.d/silent.monitor", "exit 1\n"),
        ])
        try stage.start()
        try stage.until("list opstatus web,hang") { status($0) == "opstatus=0" }
        #expect(try stage.ask("list opstatus web,hang")[0].contains("exitval=124"))
        let pids = stage.read("hang.pid").split { $0 == " " || $0 == "\n" }.compactMap { pid_t($0) }
        #expect(pids.count == 2)
        try stage.until("list opstatus web,die") { status($0) == "opstatus=0" && $0[0].contains("exitval=139") }
        try stage.until("list opstatus web,flood") { status($0) == "opstatus=0" }
        #expect(try stage.ask("list opstatus web,flood")[0].utf8.count < 100_000)
        #expect(status(try stage.ask("list opstatus web,missing")) == "opstatus=5")
        #expect(status(try stage.ask("list opstatus web,well")) == "opstatus=1")
        try stage.until("list opstatus web,leave") { status($0) == "opstatus=1" }
        try stage.until("list failurehist") { $0.contains { $0.contains(#"web\20silent"#)
            && $0.hasSuffix(#"(NO\20SUMMARY)"#) } }
        try stage.waiting.until("what hung has gone", within: .seconds(30)) {
            // A next run may have begun: only the first one's processes count.
            pids.allSatisfy { kill($0, 0) == -1 }
        }
        try stage.signal(SIGTERM)
        #expect(try stage.awaitEnd() == .exited(0))
        let last = stage.read("hang.pid").split { $0 == " " || $0 == "\n" }.compactMap { pid_t($0) }
        try stage.waiting.until("what hangs has gone with the daemon") { last.allSatisfy { kill($0, 0) == -1 } }
        for line in stage.read("left").split(separator: "\n") {
            if let pid = pid_t(line) { try? Children.signal(pid, SIGKILL) }
        }
    }

    @Test("garbage, over-long lines, lines in pieces and clients that never read", .timeLimit(.minutes(3)))
    func clients() throws {
        let stage = try MonitorStage(
            plan(service("well", "well.monitor")), programs: [("mon.d/well.monitor", "echo; seq 1 2000\n")])
        try stage.start()
        try stage.until("list opstatus") { status($0) == "opstatus=1" }
        let before = stage.usage
        var random = RandomSource(seed: 4)
        for _ in 0..<50 {
            let client = try stage.client()
            try? client.send((0..<5000).map { _ in UInt8.random(in: 0...255, using: &random) })
        }
        let long = try stage.client()
        try? long.send([UInt8](repeating: 0x61, count: 200_000))
        #expect(long.line() == "520 line too long" && long.line() == nil)
        let pieces = try stage.client()
        for part in ["list ", "sta", "te\r", "\n", "version\n"] {
            try pieces.send(part)
            Clock.wait(.milliseconds(20))
        }
        #expect(pieces.answer() == ["scheduler running", "220 list state completed"])
        #expect(pieces.answer().last == "220 version completed")
        // Answers of many megabytes that nobody takes.
        let deaf = try (0..<20).map { _ in try stage.client() }
        for client in deaf {
            try client.socket.setNonBlocking(true)
            let flood = Array(String(repeating: "list opstatus\n", count: 3000).utf8)
            _ = send(client.socket.raw, flood, flood.count, Int32(MSG_NOSIGNAL))
        }
        for _ in 0..<20 { #expect(try stage.ask("list state").count == 2) }
        #expect(stage.usage.memory < before.memory + 60_000, "from \(before.memory) to \(stage.usage.memory) KiB")
        withExtendedLifetime(deaf) {}
    }

    @Test("five hundred clients at once, each with its own answers in order", .timeLimit(.minutes(3)))
    func crowd() throws {
        let stage = try MonitorStage(
            plan(service("well", "well.monitor")), programs: [("mon.d/well.monitor", "echo\n")])
        try stage.start()
        let clients = try (0..<500).map { _ in try stage.client() }
        for (index, client) in clients.enumerated() {
            try client.send("protid \(index % 2 == 0 ? 9745 : 1)\nlist watch\nlist nothing\nversion\nquit\n")
        }
        for (index, client) in clients.enumerated() {
            let first = client.answer()
            #expect(first == [index % 2 == 0 ? "220 protocol match" : "520 protocol mismatch"])
            #expect(client.answer() == ["web well", "220 list watch completed"])
            #expect(client.answer() == ["520 unknown list command"])
            #expect(client.answer().count == 2 && client.answer() == ["220 quitting"] && client.line() == nil)
        }
        try stage.waiting.until("the connections are closed") { stage.usage.descriptors < 40 }
    }

    @Test("a flood of traps, right and wrong, is taken; clients and checks go on", .timeLimit(.minutes(3)))
    func traps() throws {
        let stage = try MonitorStage(
            plan(service("well", "well.monitor")
                + "  service trap\n    period\n      alert a.alert\n      alertevery 1h\n"),
            programs: [("mon.d/well.monitor", "date +%s%N >>LAB/log/runs; echo\n"), ("alert.d/a.alert",
                "echo >>LAB/log/alerts\n")])
        try stage.start()
        let good = "pro='0.3807'\ngrp='web'\nsvc='trap'\nsta='1'\nsum='down'\ndtl='x'\n"
        let begin = Clock.now()
        var count = 0
        while Clock.now() - begin < .seconds(3) {
            try stage.trap(count % 3 == 0 ? good.replacing("'trap'", with: "'nothing'") : good)
            count += 1
        }
        try stage.until("list opstatus web,trap") { status($0) == "opstatus=0" }
        #expect(count > 3000, "\(count) traps were sent")
        try stage.waiting.until("one alert", within: .seconds(20)) { !stage.read("log/alerts").isEmpty }
        #expect(stage.read("log/alerts") == "\n")
        let log = stage.read("mon.log")
        #expect(log.split(separator: "\n").count < 5000, "the log does not grow with the flood")
        try stage.until("list opstatus web,well") { status($0) == "opstatus=1" }
    }

    @Test("a broken configuration on SIGHUP and reset: it is told, and the old one stays, with all that is known",
        .timeLimit(.minutes(3)))
    func reload() throws {
        let text = plan(service("well", "well.monitor"))
        let stage = try MonitorStage(text, programs: [("mon.d/well.monitor", "echo summary; exit 1\n")])
        try stage.start()
        try stage.until("list failures") { $0.count == 2 }
        #expect(try stage.ask("disable host www1") == ["220 disable host completed"])
        #expect(try stage.ask("ack web well seen") == ["220 ack completed"])
        let good = stage.read("etc/mon.cf")
        try stage.write("etc/mon.cf", good + "    intervall 5s\n")
        #expect(try stage.ask("reset keepstate").last?.hasSuffix("failed, error in config file") == true)
        let test = try stage.ask("test config")
        #expect(test.last == "520 test config completed, errors found in config file")
        #expect(test.contains { $0.contains("mon.cf:") && $0.contains("error:") })
        try stage.signal(SIGHUP)
        try stage.waiting.until("the error is told") { stage.read("mon.log").contains("the one in force stays") }
        #expect(try stage.ask("list failures").count == 2)
        try stage.write("etc/mon.cf", good + "  service more\n    interval 1s\n    monitor well.monitor\n")
        try stage.signal(SIGHUP)
        try stage.until("list watch") { $0 == ["web well", "web more", "220 list watch completed"] }
        let line = try stage.ask("list opstatus web,well")[0]
        #expect(line.contains(" opstatus=0 ") && line.contains("ackcomment=:\\20seen"))
        #expect(try stage.ask("list disabled").first == "group web: www1")
        #expect(try stage.ask("reset").last?.hasPrefix("220 reset PID ") == true)
        #expect(try stage.ask("list opstatus web,well")[0].contains(" ack=0 "))
    }

    @Test("what is known outlives the daemon: status, acknowledgements, what is disabled, histories",
        .timeLimit(.minutes(3)))
    func restart() throws {
        let text = plan(
            service("bad", "bad.monitor") + "    period\n      alert a.alert\n      numalerts 1\n",
            globals: "historicfile = history.log\ndtlogging = yes")
        let stage = try MonitorStage(
            text, programs: [("mon.d/bad.monitor", "[ -e LAB/well ] && exit 0; echo why; exit 4\n"),
                ("alert.d/a.alert", "echo >>LAB/log/alerts\n")])
        try stage.start()
        try stage.until("list failures") { $0.count == 2 }
        _ = try stage.ask("ack web bad known")
        _ = try stage.ask("disable service web bad")
        try stage.signal(SIGTERM)
        #expect(try stage.awaitEnd() == .exited(0))
        #expect(stage.read("mon.pid") == "")
        try stage.start(["-l", "all"])
        let line = try stage.ask("list opstatus web,bad")[0]
        #expect(line.contains(" opstatus=0 ") && line.contains("ackcomment=:\\20known")
            && line.contains("alerts_sent=1"))
        #expect(line.contains("last_summary=why"))
        #expect(try stage.ask("list disabled").first == "watch web service bad")
        #expect(try stage.ask("list alerthist").count == 2, "of the file")
        #expect(try stage.ask("enable service web bad") == ["220 enable completed"])
        try stage.write("well", "")
        try stage.until("list dtlog") { $0.count == 2 && $0[0].hasSuffix(" why") }
        #expect(try stage.ask("term") == ["220 terminating server"])
        #expect(try stage.awaitEnd() == .exited(0) && stage.read("log/alerts") == "\n")
    }

    @Test("who may connect and what he may: clientallow, passwords, and the socket of the machine",
        .timeLimit(.minutes(3)))
    func access() throws {
        let stage = try MonitorStage(
            plan(service("well", "well.monitor"), globals: "authtype = userfile\nclientallow = 10.0.0.\\d+ 127.0.0.1"),
            programs: [("mon.d/well.monitor", "echo\n")], authorization: "list: all\nstop: joe\n")
        try stage.write("etc/monusers.cf", "joe:abfbSiOREpOPQ\n")
        try stage.start()
        let client = try stage.client()
        #expect(client.ask("stop") == ["520 command could not be executed, unknown command"])
        for line in ["login joe wrong", "login joe", "login nobody x", "login"] {
            #expect(client.ask(line) == ["530 login unsuccessful"])
        }
        #expect(client.ask("login joe sekrit") == ["220 login accepted"] && client.ask("stop")
            == ["220 stop completed"])
        let script = """
            import socket,sys
            s=socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); s.sendall(b'term\\n')
            sys.stdout.write(s.recv(99).decode())
            """
        let local = try Command(["python3", "-c", script, "\(stage.folder)/run/mon.sock"]).check()
        #expect(local == "220 terminating server\n", "root needs no password")
        try stage.awaitEnd()
        let closed = try MonitorStage(
            plan(service("well", "well.monitor"), globals: "clientallow = 10.0.0.1 1.7.0.0.1"),
            programs: [("mon.d/well.monitor", "echo\n")])
        #expect(throws: (any Error).self) { try closed.start() }
        #expect(try closed.client().line() == nil, "closed without a word")
    }
}
