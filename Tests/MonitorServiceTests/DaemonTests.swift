// What the daemon does around its monitor: who may ask and for how long, what is told to others, and when.
import CLinux
import ClusterModel
import LinuxSystem
import Rig
import Testing

@Suite("The service monitor and those around it")
struct DaemonTests {
    private let web = """

        hostgroup web www1

        watch web
          service well
            interval 1s
            monitor well.monitor

        """

    @Test("who is silent, and who does not read, is closed when cltimeout is over; who speaks is not",
        .timeLimit(.minutes(3)))
    func silence() throws {
        let stage = try MonitorStage(
            "cltimeout = 3s\n" + web, programs: [("mon.d/well.monitor", "echo; seq 1 2000\n")])
        try stage.start()
        try stage.until("list opstatus") { $0[0].contains(" opstatus=1 ") }
        let before = stage.usage.descriptors
        let silent = try stage.client()
        let deaf = try stage.client()
        let flood = Array(String(repeating: "list opstatus\n", count: 3000).utf8)
        try deaf.socket.setNonBlocking(true)
        _ = send(deaf.socket.raw, flood, flood.count, Int32(MSG_NOSIGNAL))
        let talker = try stage.client()
        let begin = Clock.now()
        while Clock.now() - begin < .seconds(6) {
            #expect(talker.ask("list state").count == 2)
            Clock.wait(.milliseconds(300))
        }
        #expect(silent.line(within: .seconds(30)) == nil)
        try stage.waiting.until("both are closed", within: .seconds(30)) {
            _ = talker.ask("list state")
            return stage.usage.descriptors <= before + 1
        }
        withExtendedLifetime(deaf) {}
    }

    @Test("at the socket of the machine, others than root have the rights of a client without a login",
        .timeLimit(.minutes(3)), .enabled(if: geteuid() == 0, "needs root"))
    func others() throws {
        let stage = try MonitorStage(
            web, programs: [("mon.d/well.monitor", "echo\n")],
            authorization: "list: all\nstop: root\nterm: nobody\n")
        try stage.start()
        let script = """
            import socket,sys
            s=socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); s.sendall(sys.argv[2].encode()+b'\\nquit\\n')
            while True:
                data=s.recv(999)
                if not data: break
                sys.stdout.write(data.decode())
            """
        func ask(_ line: String, user: String?) throws -> String {
            let words = user.map { ["setpriv", "--reuid", $0, "--regid", "65534", "--clear-groups"] } ?? []
            return try Command(words + ["python3", "-c", script, "\(stage.folder)/run/mon.sock", line]).check()
        }
        let refused = "520 command could not be executed, unknown command\n220 quitting\n"
        #expect(try ask("stop", user: "65534") == refused)
        #expect(try ask("term", user: "65534") == refused)
        #expect(try ask("list watch", user: "65534") == "web well\n220 list watch completed\n220 quitting\n")
        #expect(try ask("stop", user: nil) == "220 stop completed\n220 quitting\n")
    }

    @Test("monremote is told what clients change, startup alerts come when they shall, dump says what is in the log",
        .timeLimit(.minutes(3)))
    func told() throws {
        let text = "monremote = LAB/remote first\nmonerrfile = LAB/errors\n" + web
            + "    period\n      startupalert start.alert\n"
        let stage = try MonitorStage(text, programs: [
            ("mon.d/well.monitor", "echo summary\n"), ("remote", "echo \"$@\" >>LAB/remote.log\n"),
            ("alert.d/start.alert", "echo $MON_ALERTTYPE >>LAB/starts; echo complaint >&2\n"),
        ])
        try stage.start(["-d"])
        try stage.waiting.until("the startup alert") { stage.read("starts") == "startup\n" }
        for line in ["disable host www1", "enable host www1", "disable service web well", "enable service web well",
            "test monitor web well"]
        {
            #expect(try stage.ask(line).last?.hasPrefix("220 ") == true, "\(line)")
        }
        let told = ["first disable host www1", "first enable host www1", "first disable service web well",
            "first enable service web well", "first test web well"]
        try stage.waiting.until("all is told: \(stage.read("remote.log"))") {
            told.allSatisfy(stage.read("remote.log").split(separator: "\n").map(String.init).contains)
        }
        try stage.until("list opstatus") { $0[0].contains(" opstatus=1 ") }
        #expect(try stage.ask("dump") == ["220 dump completed"])
        #expect(stage.read("mon.log").contains("group=web service=well opstatus=1"))
        #expect(try stage.ask("reset").last?.hasPrefix("220 ") == true)
        #expect(stage.read("starts") == "startup\n")
        try stage.write("etc/mon.cf", "startupalerts_on_reset = yes\n" + stage.read("etc/mon.cf"))
        #expect(try stage.ask("reset").last?.hasPrefix("220 ") == true)
        try stage.waiting.until("startup alerts of a reset") { stage.read("starts") == "startup\nstartup\n" }
        #expect(stage.read("errors").hasPrefix("complaint\n"))
    }

    @Test("the log has the facility of mon.cf, also after a reset", .enabled(if: geteuid() == 0, "needs root"))
    func facility() throws {
        let stage = try MonitorStage(
            "syslog_facility = local3\n" + web, programs: [("mon.d/well.monitor", "echo\n")])
        try Folder.make("\(stage.folder)/volatile/systemd/journal")
        stage.mounts = [("volatile", "/run")]
        let journal = try Descriptor.socket(family: AF_UNIX, type: SOCK_DGRAM)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let path = "\(stage.folder)/volatile/systemd/journal/socket"
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let bound = withUnsafePointer(to: &address) { address in
            address.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(journal.raw, .init(__sockaddr__: $0), socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        try #require(bound == 0)
        func awaitRecord(_ message: String, facility: Int) throws {
            var record = [UInt8](repeating: 0, count: 65536)
            try stage.waiting.until("the record '\(message)' of facility \(facility)") {
                let count = recv(journal.raw, &record, record.count, Int32(MSG_DONTWAIT))
                let text = String(decoding: record[..<max(0, count)], as: UTF8.self)
                return text.contains("MESSAGE=\(message)") && text.contains("\nSYSLOG_FACILITY=\(facility)\n")
            }
        }
        try stage.start()
        try awaitRecord("mon server started", facility: 19)
        try stage.write("etc/mon.cf", stage.read("etc/mon.cf").replacing("local3", with: "mail"))
        #expect(try stage.ask("reset").last?.hasPrefix("220 ") == true)
        try awaitRecord("1 services in force", facility: 2)
    }

    @Test("an m4 that takes its time holds up nobody but who asks; without its text the old configuration stays")
    func slowM4() throws {
        let stage = try MonitorStage(web, programs: [
            ("mon.d/well.monitor", "echo\n"),
            ("m4", "[ -e LAB/slow ] && { echo $$ >>LAB/asking; exec sleep 1000; }\ncat \"$1\"\n"),
        ])
        try stage.start(["-M", "\(stage.folder)/m4"])
        try stage.write("slow", "")
        let client = try stage.client()
        try client.send("reset\n")
        try stage.waiting.until("m4 runs") { stage.read("asking").hasSuffix("\n") }
        let m4 = try #require(pid_t(stage.read("asking").dropLast()))
        defer { try? Children.signal(m4, SIGKILL) }
        let more = "    monitor well.monitor\n  service more\n    interval 1h\n    monitor well.monitor\n"
        try stage.write("etc/mon.cf", stage.read("etc/mon.cf").replacing("    monitor well.monitor\n", with: more))
        try stage.signal(SIGHUP)
        #expect(try stage.ask("list state").last == "220 list state completed")
        var early = [Readiness(client.socket.raw, read: true)]
        try Readiness.wait(&early, timeout: .zero)
        #expect(!early[0].isReadable, "the reset was answered before others were")
        unlink("\(stage.folder)/slow")
        try Children.signal(m4, SIGKILL)
        #expect(client.line()?.hasPrefix("520 reset PID ") == true)
        #expect(stage.read("mon.log").contains("the one in force stays"), "\(stage.read("mon.log"))")
        // Who asked meanwhile had to wait, and has the file as it is then.
        try stage.waiting.until("the other reading: \(stage.read("mon.log"))") {
            stage.read("mon.log").contains("2 services in force")
        }
    }

    @Test("hosts of traps are looked up beside everything else, also where a name server is silent",
        .timeLimit(.minutes(3)), .enabled(if: geteuid() == 0, "needs root"))
    func names() throws {
        let silent = try Descriptor.socket(family: AF_INET, type: SOCK_DGRAM)
        try silent.bind(to: try #require(SocketAddress(numeric: "127.0.0.78", port: 53)))
        let rights = "list: all\nreload: all\ntrap section\n"
        let stage = try MonitorStage(web + "  service trap\n    traptimeout 1h\n", programs: [
            ("mon.d/well.monitor", "echo\n")
        ], authorization: rights + "www.lab.invalid * *\nwww2.lab.invalid * *\nnear * *\n")
        try stage.write("resolv.conf", "nameserver 127.0.0.78\n")
        try stage.write("hosts", "127.0.0.1 localhost near\n")
        stage.mounts = [("resolv.conf", "/etc/resolv.conf"), ("hosts", "/etc/hosts")]
        try stage.start()
        let trap = "pro='0.3807'\ngrp='web'\nsvc='trap'\nsta='1'\nsum='down'\n"
        try stage.until("list opstatus web,trap") {
            try? stage.trap(trap)
            return $0[0].contains(" opstatus=0 ")
        }
        // glibc asks twice, five seconds each time: nothing of that has ended.
        #expect(try stage.ask("reload auth") == ["220 reload completed"])
        #expect(!stage.read("mon.log").contains("www.lab.invalid"), "\(stage.read("mon.log"))")
        try stage.waiting.until("the names that are nobody's are told", within: .seconds(60)) {
            stage.read("mon.log").contains("www2.lab.invalid: ") && stage.read("mon.log").contains("traps are refused")
        }
        withExtendedLifetime(silent.raw) {}
    }

    @Test("what one fails over is known to another: a trap for the failure, one for its end", .timeLimit(.minutes(3)))
    func relay() throws {
        let far = try MonitorStage(
            "\nhostgroup far there\n\nwatch far\n  service web\n    traptimeout 1h\n", programs: [])
        try far.start()
        let near = try MonitorStage(web + """
                period
                  alert trap.alert --group far --service web -p \(far.port) 127.0.0.1
                  upalert trap.alert --group far --service web -p \(far.port) 127.0.0.1

            """, programs: [("mon.d/well.monitor", "[ -e LAB/well ] && exit 0; echo 'no way'; echo detail; exit 3\n")])
        try near.start()
        try far.until("list opstatus far,web") {
            $0[0].contains(" opstatus=0 ") && $0[0].contains("last_summary=no\\20way")
        }
        #expect(try far.ask("list opstatus far,web")[0].contains("last_traphost=127.0.0.1"))
        try near.write("well", "")
        try far.until("list opstatus far,web") { $0[0].contains(" opstatus=1 ") }
    }
}
