// Logins that the real PAM judges, by rules of the test's own in place of the machine's.
import CLinux
import ClusterModel
import LinuxSystem
import Rig
import Testing

@Suite("Passwords that PAM judges", .enabled(if: geteuid() == 0, "needs root"))
struct PAMTests {
    private func stage(globals: String = "", service: String = "lab") throws -> MonitorStage {
        let stage = try MonitorStage(
            "authtype = pam\npamservice = \(service)\n\(globals)\n\nhostgroup web www1\n\nwatch web\n  service well\n"
                + "    interval 1s\n    monitor well.monitor\n",
            programs: [
                ("mon.d/well.monitor", "echo >>LAB/log/runs; echo\n"),
                // Knows joe by his password, and takes as long as a file says.
                ("ask", "[ -e LAB/slow ] && { echo $$ >>LAB/asking; exec sleep 1000; }\n"
                    + "[ -e LAB/crash ] && kill -USR1 $PPID\n"
                    + "echo $PAM_USER $PAM_RHOST $PAM_SERVICE >>LAB/asked\n"
                    + "[ \"$PAM_USER\" = joe ] && [ \"$(tr -d '\\0')\" = sekrit ]\n"),
            ], authorization: "list: all\nstop: joe\n")
        try Folder.make("\(stage.folder)/pam.d")
        stage.mounts = [("pam.d", "/etc/pam.d")]
        try rules(stage, asking)
        return stage
    }

    /// As Debian's common-auth: what one module does not accept, the next denies.
    private let asking = """
        auth [success=1 default=ignore] pam_exec.so quiet expose_authtok LAB/ask
        auth requisite pam_deny.so
        auth required pam_permit.so
        account required pam_permit.so

        """

    private func rules(_ stage: MonitorStage, _ text: String) throws { try stage.write("pam.d/lab", text) }

    private func awaitLog(_ stage: MonitorStage, _ text: String) throws {
        try stage.waiting.until("'\(text)' in the log: \(stage.read("mon.log").suffix(1000))") {
            stage.read("mon.log").contains(text)
        }
    }

    @Test("right and wrong passwords, unknown users, closed accounts, rules that do not work", .timeLimit(.minutes(3)))
    func verdicts() throws {
        let stage = try stage()
        try stage.start()
        let client = try stage.client()
        #expect(client.ask("stop") == ["520 command could not be executed, unknown command"])
        for line in ["login joe wrong", "login jim sekrit", "login joe", "login joe ''"] {
            #expect(client.ask(line) == ["530 login unsuccessful"], "\(line)")
        }
        try awaitLog(stage, "PAM (lab), user 'joe': refused: ")
        // Lines behind a login wait for it, also where its client sends no more.
        try client.send("login joe sekrit\nstop\nlist state\n")
        shutdown(client.socket.raw, Int32(SHUT_WR))
        #expect(client.answer() == ["220 login accepted"] && client.answer() == ["220 stop completed"])
        #expect(client.answer().last == "220 list state completed" && client.line() == nil)
        #expect(stage.read("asked").hasSuffix("joe 127.0.0.1 lab\n"), "\(stage.read("asked"))")

        let cases = [
            ("auth required pam_deny.so\n", "user 'joe': refused: "),
            ("auth required pam_unix.so nodelay\n", "user 'joe': refused: "),
            ("auth required pam_permit.so\naccount required pam_deny.so\n", "user 'joe': refused: "),
            ("auth required pam_nothing_of_the_kind.so\n", "user 'joe': cannot be judged: "),
        ]
        for (text, line) in cases {
            try rules(stage, text)
            try stage.write("mon.log", "")
            #expect(try stage.ask("login joe sekrit") == ["530 login unsuccessful"], "\(text)")
            try awaitLog(stage, line)
        }
        try rules(stage, "auth required pam_permit.so\naccount required pam_permit.so\n")
        #expect(try stage.ask("login anybody x") == ["220 login accepted"])
        try rules(stage, asking)
        try stage.write("crash", "")
        #expect(try stage.ask("login joe sekrit") == ["530 login unsuccessful"])
        try awaitLog(stage, "user 'joe': a module ended by signal 10")
    }

    @Test("a service that PAM does not have is told at the start, and at each login", .timeLimit(.minutes(3)))
    func missing() throws {
        let stage = try stage(service: "nowhere")
        try stage.start()
        #expect(stage.read("mon.log").contains("PAM has no service 'nowhere'"), "\(stage.read("mon.log"))")
        #expect(try stage.ask("login joe sekrit") == ["530 login unsuccessful"])
        try awaitLog(stage, "PAM (nowhere), user 'joe': cannot be judged: ")
        try stage.write("pam.d/other", "auth required pam_deny.so\n")
        #expect(try stage.ask("login joe sekrit") == ["530 login unsuccessful"])
        try awaitLog(stage, "(there is no /etc/pam.d/nowhere: 'other' decides)")
    }

    @Test("a module that waits holds up neither clients nor checks, is ended, and the next method is asked",
        .timeLimit(.minutes(3)))
    func hung() throws {
        let stage = try stage(globals: "authtype = pam userfile\ncltimeout = 5s\n")
        try stage.write("etc/monusers.cf", "joe:abfbSiOREpOPQ\n")
        try stage.write("slow", "")
        try stage.start()
        let clients = try (0..<18).map { _ in try stage.client() }
        for client in clients { try client.send("login joe sekrit\n") }
        try stage.waiting.until("PAM is asked") { !stage.read("asking").isEmpty }
        defer {
            for line in stage.read("asking").split(separator: "\n") {
                if let pid = pid_t(line) { try? Children.signal(pid, SIGKILL) }
            }
        }
        let runs = stage.read("log/runs").utf8.count
        #expect(try stage.ask("list state").last == "220 list state completed")
        try stage.waiting.until("checks go on") { stage.read("log/runs").utf8.count > runs + 2 }
        // More than PAM is asked for at once go on to the next method, the others when its time is over.
        for client in clients { #expect(client.line(within: .seconds(60)) == "220 login accepted") }
        try awaitLog(stage, "PAM (lab), user 'joe': refused, 16 logins are being judged")
        try awaitLog(stage, "PAM (lab), user 'joe': no answer within 20 s")
        try stage.waiting.until("no process is left") {
            FileSystem.text(of: "/proc/\(stage.pid)/task/\(stage.pid)/children", limit: 4096)?.isEmpty ?? true
        }
    }
}
