import CLinux
import ClusterModel
import LinuxSystem
import Probes
import Reactor
import Testing

@Suite("tcp.monitor, smtp.monitor and their kin, against real servers")
struct TCPTests {
    @Test("a banner that matches is well; the report is quiet in its first line")
    func banner() throws {
        let server = try TestServer("greet", "SSH-2.0-test\\r\\n")
        let good = try Bench().run("tcp.monitor -p \(server.port) -m ^SSH-2 -t 20")
        #expect(good.exit == 0)
        #expect(good.summary == "")
        #expect(good.detail.hasPrefix("127.0.0.1: ok, "), "\(good)")
        let plain = try Bench().run("tcp.monitor -p\(server.port)")
        #expect(plain.exit == 0)
    }

    @Test("a banner that does not match, a server that says nothing, one that drips: failed when the time is over")
    func silence() throws {
        for (kind, arguments) in [("greet", ["FTP\\r\\n"]), ("mute", []), ("drip", [])] {
            let server = try arguments.isEmpty ? TestServer(kind) : TestServer(kind, arguments[0])
            let outcome = try Bench().run("tcp.monitor -p \(server.port) -m ^SSH-2 -t 0.5")
            #expect(outcome.exit == 1)
            #expect(outcome.summary == "127.0.0.1")
            #expect(outcome.detail.contains("nothing within 500.00 ms: waiting for '^SSH-2'"), "\(outcome)")
        }
    }

    @Test("megabytes and garbage end the check at once")
    func flood() throws {
        let flood = try TestServer("flood")
        let outcome = try Bench().run("tcp.monitor -p \(flood.port) -m ^SSH-2 -t 40")
        #expect(outcome.exit == 1)
        #expect(outcome.detail.contains("more than 65536 bytes"), "\(outcome)")
        let garbage = try TestServer("garbage")
        let second = try Bench().run("smtp.monitor -p \(garbage.port) -t 40")
        #expect(second.exit == 1)
        #expect(second.text.split(separator: "\n").count <= 3, "bytes of a server make no lines of ours")
    }

    @Test("refused and unreachable hosts are told apart; failed hosts are sorted")
    func refused() throws {
        let server = try TestServer("greet", "hello\\r\\n")
        let closed = try TestServer("greet", "x")
        let port = closed.port
        closed.signal(SIGKILL)
        Clock.wait(.milliseconds(100))
        let outcome = try Bench().run("tcp.monitor -p \(port) -t 10", ["127.0.0.3", "127.0.0.2"])
        #expect(outcome.exit == 1)
        #expect(outcome.summary == "127.0.0.2 127.0.0.3")
        #expect(outcome.detail.contains("127.0.0.2: 127.0.0.2:\(port): Connection refused"), "\(outcome)")
        let unreachable = try Bench().run("tcp.monitor -p \(server.port) -t 5", ["255.255.255.254", "127.0.0.1"])
        #expect(unreachable.exit == 1)
        #expect(unreachable.summary == "255.255.255.254")
    }

    @Test("a mail server greets, takes EHLO, and goes over to TLS; a 4xx greeting is a failure")
    func mail() throws {
        let folder = try TestFolder()
        let (certificate, key) = try folder.certificate(days: 3)
        let server = try TestServer("mail", "220", certificate, key)
        #expect(try Bench().run("smtp.monitor -p \(server.port)").exit == 0)
        let secure = "smtp.monitor -p \(server.port) --starttls"
        let distrusted = try Bench().run(secure)
        #expect(distrusted.exit == 1)
        #expect(distrusted.detail.contains("self-signed"), "\(distrusted)")
        #expect(try Bench().run(secure + " --insecure").exit == 0)
        let expiring = try Bench().run(secure + " --insecure --certificate-days 7")
        #expect(expiring.exit == 1)
        #expect(expiring.detail.contains("the certificate expires in "), "\(expiring)")
        let busy = try TestServer("mail", "421")
        let refused = try Bench().run("smtp.monitor -p \(busy.port)")
        #expect(refused.exit == 1)
        #expect(refused.detail.contains("the greeting: '421 mail.example.com ESMTP'"), "\(refused)")
    }

    @Test("a server that is stopped takes the connection and says nothing")
    func stopped() throws {
        let server = try TestServer("mail", "220")
        server.signal(SIGSTOP)
        let outcome = try Bench().run("smtp.monitor -p \(server.port) -t 0.4")
        #expect(outcome.exit == 1)
        #expect(outcome.detail.contains("waiting for the greeting"), "\(outcome)")
    }

    @Test("ftp, pop3, imap and nntp greet each in their way", arguments: [
        ("ftp.monitor", "220-hello\\r\\n220 ready\\r\\n221 bye\\r\\n", 0), ("ftp.monitor", "530 full\\r\\n", 1),
        ("pop3.monitor", "+OK\\r\\n+OK bye\\r\\n", 0), ("pop3.monitor", "-ERR\\r\\n", 1),
        ("imap.monitor", "* OK ready\\r\\n* BYE\\r\\na1 OK\\r\\n", 0), ("imap.monitor", "* BYE full\\r\\n", 1),
        ("nntp.monitor", "201 no posting\\r\\n205 bye\\r\\n", 0), ("nntp.monitor", "400 no\\r\\n", 1),
    ])
    func greetings(name: String, text: String, exit: Int32) throws {
        let server = try TestServer("greet", text)
        let outcome = try Bench().run("\(name) -p \(server.port) -t 20")
        #expect(outcome.exit == exit, "\(outcome)")
    }

    @Test("a name that does not resolve is a failure, and holds up nobody else; localhost needs no server")
    func names() throws {
        let server = try TestServer("greet", "hello\\r\\n")
        #expect(try Bench().run("tcp.monitor -4 -p \(server.port)", ["localhost"]).exit == 0)
        let bench = try Bench()
        var order: [String] = []
        var missing = 2
        for host in ["nosuch.name.invalid", "127.0.0.1"] {
            bench.monitors.start(
                arguments: ["tcp.monitor", "-p", "\(server.port)", "-t", "20"], hosts: [host], timeout: .seconds(30)
            ) { exit, output in
                order.append("\(host) \(exit)")
                missing -= 1
                if missing == 0 { bench.loop.stop() }
            }
        }
        try bench.runLoop()
        #expect(order.contains("127.0.0.1 0"))
        #expect(order.contains("nosuch.name.invalid 1"))
    }

    @Test("a run that is cancelled says nothing, and gives back what it used")
    func cancelled() throws {
        let server = try TestServer("mute")
        let bench = try Bench()
        let run = bench.monitors.start(
            arguments: ["tcp.monitor", "-p", "\(server.port)", "-m", "x"], hosts: ["127.0.0.1"], timeout: .seconds(1)
        ) { _, _ in Issue.record("cancelled, and yet it ended") }
        let timer = try bench.loop.onTime(Clock.now() + .milliseconds(100)) { run.cancel() }
        let end = try bench.loop.onTime(Clock.now() + .milliseconds(1500)) { bench.loop.stop() }
        try bench.runLoop()
        #expect(bench.monitors.checksRunning == 0)
        withExtendedLifetime((timer, end)) {}
    }
}
