import Admin
import CLinux
import ClusterModel
import LinuxSystem
import Messaging
import Probes
import Reactor
import Testing

@testable import Alerts

@Suite("Native alerts")
struct AlertTests {
    private static let flags = ["-s", "http", "-g", "web", "-h", "www1 www2", "-t", "1795225625"]
    private static let input = Array("www1\nstatus 500\n.\nit's \"bad\"\n".utf8)
    private static let environment = [
        ("MON_ALERTTYPE", "failure"), ("MON_OPSTATUS", "0"), ("MON_RETVAL", "3"), ("MON_DESCRIPTION", "the shop"),
    ]

    private func run(
        _ words: [String], flags: [String] = AlertTests.flags, paths: Paths = Paths(), loop: EventLoop? = nil,
        timeout: Duration = .seconds(40), observedAt: Instant? = nil
    ) throws -> (exit: Int32, text: String) {
        let loop = try loop ?? EventLoop()
        let alerts = NativeAlerts(loop: loop, paths: paths)
        #expect(alerts.knows(words[0]))
        #expect(alerts.check(arguments: words) == nil)
        var outcome: (Int32, String)?
        alerts.start(
            arguments: words, flags: flags, input: AlertTests.input, environment: AlertTests.environment,
            observedAt: observedAt, timeout: timeout
        ) { exit, output in
            outcome = (exit, String(decoding: output, as: UTF8.self))
            loop.stop()
        }
        let limit = try loop.onTime(Clock.now() + .seconds(60)) { loop.stop() }
        _ = try loop.run()
        withExtendedLifetime(limit) {}
        return try #require(outcome)
    }

    private func read(_ path: String) -> String { FileSystem.text(of: path, limit: 1 << 20) ?? "" }

    @Test("mail goes to the mail program, with the words of mon's own, in one header line each")
    func mail() throws {
        let folder = try TestFolder()
        let program = folder.path + "/sendmail"
        let script = "#!/bin/sh\\necho \"$@\" > %s/words; cat > %s/letter\\n"
        try runProgram(
            "sh", "-c",
            "printf '\(script)' \(folder.path) \(folder.path) > \(program); chmod 755 \(program)")
        let done = try run(["mail.alert", "-f", "mon@example.com", "--sendmail", program, "ops@example.com", "root"])
        #expect(done.exit == 0, "\(done)")
        let letter = read(folder.path + "/letter")
        #expect(read(folder.path + "/words") == "-oi -t\n")
        #expect(letter.hasPrefix("To: ops@example.com, root\nFrom: mon@example.com\nSubject: ALERT web/http: www1 ("))
        for line in ["Group                 : web", "Members               : www1 www2", "the shop", "status 500"] {
            #expect(letter.contains(line), "\(letter)")
        }
        let missing = try run(["mail", "--sendmail", "/nonexistent/sendmail", "root"])
        #expect(missing.exit == 1 && missing.text.contains("/nonexistent/sendmail"), "\(missing)")
    }

    @Test("a file gets a record that a dot ends")
    func file() throws {
        let folder = try TestFolder()
        for _ in 0..<2 { #expect(try run(["file.alert", "-d", folder.path, "log"]).exit == 0) }
        let text = read(folder.path + "/log")
        let records = text.split(separator: "\n", omittingEmptySubsequences: false).filter { $0 == "." }
        #expect(records.count == 2)
        #expect(text.hasPrefix("failure web http 1795225625 ("))
        #expect(text.contains("\nDESCR=the shop\nOPSTATUS=0\nwww1\n"))
        #expect(try run(["file.alert", "/proc/nowhere/log"]).exit == 1)
    }

    @Test("a command gets the words of the alert in its environment, and the monitor's output to read")
    func command() throws {
        let folder = try TestFolder()
        let script = "{ echo $MON_DESCRIPTION $MON_RETVAL; cat; } > \(folder.path)/out"
        let done = try run(["command.alert", "--", "/bin/sh", "-c", script])
        #expect(done.exit == 0, "\(done)")
        #expect(read(folder.path + "/out") == "the shop 3\n" + String(decoding: AlertTests.input, as: UTF8.self))
        let failed = try run(["command.alert", "--", "/bin/sh", "-c", "echo no; exit 7"])
        #expect(failed.exit == 1 && failed.text == "/bin/sh: exit code 7: no\n", "\(failed)")
        let hung = try run(["command.alert", "/bin/sleep", "1000"], timeout: .milliseconds(300))
        #expect(hung.exit == 1 && hung.text.contains("not done in time") || hung.text.contains("signal 9"), "\(hung)")
    }

    @Test("a webhook gets JSON; a status that is not 2xx is a failure")
    func webhook() throws {
        let folder = try TestFolder()
        let server = try TestServer("http", folder.path + "/body")
        let done = try run(["webhook.alert", "http://127.0.0.1:\(server.port)/hook"])
        #expect(done.exit == 0, "\(done)")
        try runProgram(
            "python3", "-c",
            "import json; j = json.load(open('\(folder.path)/body')); assert j['group'] == 'web' and j['type'] == "
                + "'failure' and j['hosts'] == ['www1', 'www2'] and j['summary'] == 'www1' and j['opstatus'] == 0 "
                + "and 'it\\'s \"bad\"' in j['detail'] and j['time'] == 1795225625, j")
        #expect(try run(["webhook.alert", "http://127.0.0.1:\(server.port)/other"]).exit == 1)
    }

    @Test("a trap is a datagram that mon takes")
    func trap() throws {
        let receiver = try Descriptor.socket(family: AF_INET, type: SOCK_DGRAM)
        try receiver.bind(to: try #require(SocketAddress(numeric: "127.0.0.1")))
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        withUnsafeMutablePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                _ = getsockname(receiver.raw, .init(__sockaddr__: $0), &length)
            }
        }
        let port = try #require(SocketAddress(storage)).port
        #expect(try run(["trap.alert", "-U", "me", "-P", "it's", "-p", "\(port)", "127.0.0.1"]).exit == 0)
        var buffer = [UInt8](repeating: 0, count: 65536)
        let count = recv(receiver.raw, &buffer, buffer.count, Int32(MSG_DONTWAIT))
        let text = String(decoding: buffer[..<max(0, count)], as: UTF8.self)
        for line in ["pro='0.3807'", "usr='me'", "pas='it\\27s'", "grp='web'", "svc='http'", "sta='3'", "sum='www1'"] {
            #expect(text.contains(line + "\n"), "\(text)")
        }
        #expect(text.contains("dtl='status\\20500\\0a.\\0ait\\27s\\20\\22bad\\22\\0a'"), "\(text)")
    }

    @Test("a line for the system's log goes out without a wait, and a log that is gone is told")
    func syslog() throws {
        let folder = try TestFolder()
        #expect(SyslogPriority("local3.warning")?.facility == 19 << 3)
        #expect(SyslogPriority("daemon.loud") == nil)
        #expect(SyslogPriority.write(26, tag: "mon", "a\nb", socket: folder.path + "/none") != nil)
    }

    @Test("the cluster is asked as hb standby asks; its refusal is a failure, and its words are told", arguments: [
        ("standby", AdminRequest.standby(.group("web")), AdminResponse.Outcome.done, Int32(0)),
        ("takeover", .takeover(.group("web")), .refused, 1),
        ("fail", .fail(resource: "web", reason: "mon: web/http: www1"), .done, 0),
    ])
    func cluster(verb: String, request: AdminRequest, outcome: AdminResponse.Outcome, exit: Int32) throws {
        let folder = try TestFolder()
        let paths = Paths(configurationDirectory: folder.path, runDirectory: folder.path)
        let loop = try EventLoop()
        let listener = try AdminSocket.listen(at: paths.controlSocket, mode: 0o600)
        var asked: HAMessage?
        var sources: [EventSource] = []
        sources.append(try loop.onReadable(listener.raw) {
            guard let client = try? AdminSocket.accept(listener.raw) else { return }
            let raw = client.release()
            guard let source = try? loop.onReadable(raw, {
                guard let packet = try? AdminSocket.receive(raw), let message = try? AdminMessage.decode(packet) else {
                    return
                }
                asked = message
                let response = try? AdminMessage.encode(AdminResponse(outcome, "in words").message)
                if let response { try? AdminSocket.send(raw, response) }
                close(raw)
                sources.removeLast()
            }) else { return }
            sources.append(source)
        })
        let observedAt = Instant(nanoseconds: 12_345)
        let done = try run(["cluster", verb, "web"], paths: paths, loop: loop, observedAt: observedAt)
        #expect(done.exit == exit, "\(done)")
        #expect(done.text == "in words\n")
        let message = try #require(asked)
        let read = try AdminRequest(message)
        #expect(read == request)
        #expect(
            RequestOrigin(message) == RequestOrigin(user: "mon", reason: "web/http: www1", observedAt: observedAt))
    }

    @Test("without a heartbeat the alert fails in words")
    func alone() throws {
        let folder = try TestFolder()
        let paths = Paths(configurationDirectory: folder.path, runDirectory: folder.path)
        let done = try run(["cluster.alert", "fail", "nginx.service"], paths: paths)
        #expect(done.exit == 1 && done.text.contains("heartbeat does not take the order"), "\(done)")
    }

    @Test("what is wrong is told when the configuration is read", arguments: [
        (["cluster"], 0, "what to do is missing"), (["cluster", "standbye", "web"], 1, "unknown word 'standbye'"),
        (["cluster", "fail"], 1, "expected cluster fail RESOURCE"), (["mail.alert"], 0, "an address is missing"),
        (["mail.alert", "-x", "root"], 1, "unknown option -x"), (["webhook.alert", "ftp://a"], 1, "expected one URL"),
        (["syslog.alert", "-p", "loud"], 2, "unknown priority 'loud'"),
        (["command.alert", "ls"], 1, "expected a program's path"), (["trap.alert"], 0, "a host is missing"),
        (["file.alert"], 0, "expected one file"), (["nosuch.alert"], 0, "no native alert is called nosuch.alert"),
    ])
    func wrong(words: [String], word: Int, text: String) throws {
        let problem = try #require(NativeAlerts(loop: try EventLoop()).check(arguments: words))
        #expect(problem.word == word && problem.description.hasPrefix(text), "\(problem)")
    }
}
