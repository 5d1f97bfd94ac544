// `hb mon` and `moncmd` against a real service monitor.
import CLinux
import ClusterModel
import LinuxSystem
import Testing

@Suite("hb mon and moncmd")
struct MonToolTests {
    /// A mon with a service that is well and one that fails; ended with the value.
    private final class RunningMon {
        let folder: TemporaryFolder
        let port: UInt16
        private let pid: pid_t

        init() throws {
            folder = try TemporaryFolder()
            port = try RunningMon.freePort()
            try folder.write("mon.cf", """
                authtype = trustlocal
                hostgroup web 127.0.0.1

                watch web
                    service good
                        interval 1s
                        monitor loadavg.monitor -m 1000000
                    service poor
                        interval 1s
                        monitor process.monitor no-such-program

                """)
            try folder.write(
                "auth.cf", "command section\nlist: all\nservertime: all\nstop: AUTH_ANY\nstart: AUTH_ANY\n")
            var words = ["mon", "-c", folder.path + "/mon.cf", "-A", folder.path + "/auth.cf"]
            words += ["-p", "\(port)", "-t", "\(port)", "-P", ""]
            words += ["-D", folder.path, "-L", folder.path, "--run-dir", folder.path]
            let program = RunningTool.program.dropLast("hb".count) + "mon"
            var spawn = Spawn(program: String(program), arguments: words)
            spawn.workingDirectory = folder.path
            let output = try Descriptor.open("\(folder.path)/log", O_WRONLY | O_CREAT | O_TRUNC, mode: 0o600)
            spawn.descriptors = [1: output.raw, 2: output.raw]
            pid = try spawn.start()
        }

        deinit {
            try? Children.signal(pid, SIGKILL)
            _ = try? Children.wait(pid)
        }

        private static func freePort() throws -> UInt16 {
            let socket = try Descriptor.socket(family: AF_INET, type: SOCK_STREAM)
            try socket.bind(to: try #require(SocketAddress(numeric: "127.0.0.1")))
            var storage = sockaddr_storage()
            var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
            withUnsafeMutablePointer(to: &storage) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    _ = getsockname(socket.raw, .init(__sockaddr__: $0), &length)
                }
            }
            return try #require(SocketAddress(storage)).port
        }

        func moncmd(_ words: String..., input: String? = nil) throws -> ToolOutcome {
            let target = ["-s", "127.0.0.1", "-p", "\(port)"]
            if let input { try folder.write("input", input) }
            return try RunningTool("moncmd", target + words, in: folder, input: input.map { _ in "input" }).end()
        }

        func mon(_ words: String...) throws -> ToolOutcome {
            try RunningTool("hb", ["mon", "-s", "127.0.0.1:\(port)"] + words, in: folder).end()
        }

        /// Waits until both services were checked.
        func awaitChecks() throws {
            let end = Clock.now() + .seconds(60)
            while Clock.now() < end {
                let answer = try moncmd("list", "opstatus").output
                if answer.contains("opstatus=0"), answer.contains("opstatus=1") { return }
                Clock.wait(.milliseconds(50))
            }
            Issue.record("the services were not checked: \(folder.text("log"))")
        }
    }

    @Test("services on a screen and as JSON, those that fail first; the status tells whether one does")
    func services() throws {
        let mon = try RunningMon()
        try mon.awaitChecks()
        let screen = try mon.mon()
        #expect(screen.status == 1)
        #expect(screen.output.contains("mon at 127.0.0.1:\(mon.port), scheduler running, 2 services, 1 failing"))
        let rows = screen.output.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
        #expect(rows.count == 4)
        if rows.count == 4 {
            #expect(rows[2].starts(with: ["web", "poor", "fail"]), "\(screen)")
            #expect(rows[2].last == "no-such-program")
            #expect(rows[3].starts(with: ["web", "good", "ok"]), "\(screen)")
        }
        let json = try mon.mon("--json").output
        for (name, value) in [("service", "poor"), ("state", "fail"), ("summary", "no-such-program")] {
            #expect(json.contains("\"\(name)\": \"\(value)\""), "\(json)")
        }
    }

    @Test("moncmd prints data and the last line; a refusal is status 0, or 1 with --strict; a login opens more")
    func commands() throws {
        let mon = try RunningMon()
        try mon.awaitChecks()
        let state = try mon.moncmd("list", "state")
        #expect(state == ToolOutcome(status: 0, output: "scheduler running\n220 list state completed\n", errors: ""))
        #expect(try mon.moncmd("nosuch").status == 0)
        #expect(try mon.moncmd("--strict", "nosuch").status == 1)
        #expect(try mon.moncmd("stop").output.hasPrefix("520 "))
        let several = try mon.moncmd("-a", "-f", "-", input: "USER=me\nPASS=any\nstop\nlist state\nstart\n")
        #expect(several.output.contains("220 stop completed\nscheduler stopped since "), "\(several)")
        #expect(several.output.hasSuffix("220 start completed\n"), "\(several)")
        #expect(try mon.moncmd("-a", "list", "state", input: "list state\n").status == 2)
    }

    @Test("moncmd takes commands of a file, the name of -l and the host of MONHOST")
    func places() throws {
        let mon = try RunningMon()
        try mon.awaitChecks()
        try mon.folder.write("commands", "list state\n\nversion\nquit\nlist watch\n")
        let file = try mon.moncmd("-f", mon.folder.path + "/commands")
        #expect(file.output
            == "scheduler running\n220 list state completed\nversion 9745\n220 version completed\n220 quitting\n")
        #expect(try mon.moncmd("-f", mon.folder.path + "/nothing").status == 1)
        let login = try mon.moncmd("-a", "-l", "me", "stop", input: "PASS=any\n")
        #expect(login.status == 0 && login.output == "220 stop completed\n", "\(login)")
        let host = try RunningTool(
            "moncmd", ["-p", "\(mon.port)", "list", "state"], in: mon.folder, environment: ["MONHOST=127.0.0.1"]).end()
        #expect(host.output.hasPrefix("scheduler stopped since "), "\(host)")
    }

    @Test("hb mon --watch --json: a line for each turn, until an interrupt")
    func watch() throws {
        let mon = try RunningMon()
        try mon.awaitChecks()
        let words = ["mon", "-s", "127.0.0.1:\(mon.port)", "--json", "--watch", "0.05"]
        let tool = try RunningTool("hb", words, in: mon.folder)
        let end = Clock.now() + .seconds(60)
        while mon.folder.text("stdout").split(separator: "\n").count < 3, Clock.now() < end {
            Clock.wait(.milliseconds(20))
        }
        try Children.signal(tool.pid, SIGINT)
        let outcome = try tool.end()
        let lines = outcome.output.split(separator: "\n")
        #expect(outcome.status == 0 && lines.count >= 3, "\(outcome)")
        for line in lines {
            #expect(line.hasPrefix("{\"server\": \"127.0.0.1:\(mon.port)\"") && line.contains("\"failing\": 1"))
        }
    }

    @Test("where no mon is, it is said, with status 3")
    func nobody() throws {
        let folder = try TemporaryFolder()
        let outcome = try runTool("moncmd", "-s", "127.0.0.1", "-p", "1", "list", "state", in: folder)
        #expect(outcome.status == 3 && outcome.errors.contains("no mon answers at 127.0.0.1:1"), "\(outcome)")
        #expect(try runTool("hb", "mon", "--server", "a:b", in: folder).status == 2)
    }
}
