// Logins whose passwords the C library looks up, in databases of the test's own in place of the machine's.
import Admin
import CLinux
import ClusterModel
import LinuxSystem
import Rig
import Testing

@Suite("Passwords of the C library's databases", .enabled(if: geteuid() == 0, "needs root"))
struct SystemPasswordTests {
    /// The hash of `sekrit`.
    private static let hash = "abfbSiOREpOPQ"

    private func stage(_ method: String) throws -> MonitorStage {
        let stage = try MonitorStage(
            "authtype = \(method)\n\nhostgroup web www1\n\nwatch web\n  service well\n    interval 1s\n"
                + "    monitor well.monitor\n",
            programs: [("mon.d/well.monitor", "echo >>LAB/log/runs; echo\n")],
            authorization: "list: all\nstop: joe\n")
        try stage.write("passwd", """
            root:x:0:0:root:/root:/bin/sh
            joe:x:4321:4321::/:/bin/sh
            jim:\(SystemPasswordTests.hash):4322:4322::/:/bin/sh
            jack:*:4323:4323::/:/bin/sh

            """)
        try stage.write("shadow", "root:*:19000::::::\njoe:\(SystemPasswordTests.hash):19000::::::\n")
        try Folder.make("\(stage.folder)/volatile/nscd")
        stage.mounts = [("passwd", "/etc/passwd"), ("shadow", "/etc/shadow"), ("volatile", "/run")]
        return stage
    }

    @Test("hashes of both databases, wrong passwords, accounts without one, unknown users", arguments: [
        "getpwnam", "shadow",
    ])
    func verdicts(method: String) throws {
        let stage = try stage(method)
        try stage.start()
        let client = try stage.client()
        for line in ["login joe wrong", "login jack sekrit", "login jane sekrit", "login joe", "login joe ''"] {
            #expect(client.ask(line) == ["530 login unsuccessful"], "\(line)")
        }
        try stage.waiting.until("the reason in the log: \(stage.read("mon.log").suffix(1000))") {
            stage.read("mon.log").contains("user 'jane': refused: there is no such user")
        }
        #expect(client.ask("login jim sekrit") == ["220 login accepted"])
        // Lines behind a login wait for it.
        try client.send("login joe sekrit\nstop\n")
        #expect(client.answer() == ["220 login accepted"] && client.answer() == ["220 stop completed"])
    }

    @Test("a database that does not answer holds up nobody but who logs in")
    func silent() throws {
        let stage = try stage("getpwnam")
        try stage.start()
        // The C library asks a running nscd first, and waits seconds for a silent one before it looks for itself.
        let silent = try AdminSocket.listen(at: "\(stage.folder)/volatile/nscd/socket", mode: 0o666, stream: true)
        let client = try stage.client()
        try client.send("login jim sekrit\n")
        try stage.waiting.until("the C library asks") {
            var ready = [Readiness(silent.raw, read: true)]
            try? Readiness.wait(&ready, timeout: .zero)
            return ready[0].isReadable
        }
        #expect(try stage.ask("list state").last == "220 list state completed")
        var early = [Readiness(client.socket.raw, read: true)]
        try Readiness.wait(&early, timeout: .zero)
        #expect(!early[0].isReadable, "the login was answered before others were")
        #expect(client.line(within: .seconds(60)) == "220 login accepted")
    }
}
