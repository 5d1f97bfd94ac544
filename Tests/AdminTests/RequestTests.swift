// hb_standby, hb_takeover and hb cleanup, by both of their names, against every outcome.
import Admin
import CLinux
import ClusterModel
import LinuxSystem
import Testing

@Suite struct RequestTests {
    @Test(
        "the words of the command line become the request",
        arguments: [
            ("hb_standby", [], AdminRequest.standby(.all)), ("hb_standby", ["foreign"], .standby(.foreign)),
            ("hb_standby", ["local"], .standby(.local)), ("hb_standby", ["failback"], .standby(.failback)),
            ("hb_standby", ["IPaddr::10.0.0.5"], .standby(.group("IPaddr::10.0.0.5"))),
            ("hb", ["standby", "all"], .standby(.all)), ("hb", ["hb_standby"], .standby(.all)),
            ("hb_takeover", [], .takeover(.all)), ("hb_takeover", ["local"], .takeover(.local)),
            ("hb", ["takeover", "web"], .takeover(.group("web"))),
            ("hb", ["standby", "--reason", "new cables", "web"], .standby(.group("web"))),
            ("hb", ["fail", "--reason", "it is mute", "nginx.service"],
                .fail(resource: "nginx.service", reason: "it is mute")),
            ("hb", ["fail", "nginx.service"], .fail(resource: "nginx.service", reason: "root says so")),
            ("hb", ["cleanup"], .cleanup(group: nil)), ("hb", ["cleanup", "all"], .cleanup(group: "all")),
            ("hb", ["freeze", "--for", "10m", "--reason", "new cables"],
                .maintain(group: nil, isOn: true, duration: .seconds(600), user: "root", reason: "new cables")),
            ("hb", ["freeze", "--end"],
                .maintain(group: nil, isOn: false, duration: nil, user: "root", reason: "")),
            ("hb", ["unmanage", "--for", "2h", "web"],
                .maintain(group: "web", isOn: true, duration: .seconds(7200), user: "root", reason: "")),
            ("hb", ["manage", "web"], .maintain(group: "web", isOn: false, duration: nil, user: "root", reason: "")),
        ])
    func words(name: String, words: [String], request: AdminRequest) throws {
        let outcome = try runTool(name, words, expecting: request) { try $0.end(.done, "web runs on beta") }
        #expect(outcome.status == 0)
        #expect(outcome.output == "web runs on beta\n")
        if case .standby(let selection) = request {
            #expect(outcome.errors == "Going standby [\(selection.word)].\n")
        } else {
            #expect(outcome.errors == "")
        }
    }

    @Test(
        "outcomes go where they belong, with the status that scripts can tell them by",
        arguments: [
            (AdminResponse.Outcome.done, "", 0 as Int32, "", ""),
            (.done, "a runs on beta\nb runs on beta", 0, "a runs on beta\nb runs on beta\n", ""),
            (.refused, "no other node can take a", 1, "", "hb_takeover: no other node can take a\n"),
            (.failed, "a failed here: \u{1B}[1mno", 1, "", "hb_takeover: a failed here: ?[1mno\n"),
            (.failed, "", 1, "", "hb_takeover: failed\n"),
            (.error, "not understood", 1, "", "hb_takeover: not understood\n"),
            (.denied, "", 4, "", "hb_takeover: you may not do this\n"),
        ])
    func outcomes(
        outcome: AdminResponse.Outcome, text: String, status: Int32, output: String, errors: String
    ) throws {
        let actual = try runTool("hb_takeover", [], expecting: .takeover(.all)) { try $0.end(outcome, text) }
        #expect(actual == ToolOutcome(status: status, output: output, errors: errors))
    }

    @Test("a daemon that hangs: the tool gives up after --timeout, the request stands")
    func timeout() throws {
        let folder = try TemporaryFolder()
        let daemon = try FakeDaemon(folder)
        let tool = try RunningTool(
            "hb_standby", ["--timeout", "0.2", "local", "--run-dir", folder.path], in: folder)
        let conversation = try daemon.accept()
        let outcome = try tool.end()
        #expect(
            outcome
                == ToolOutcome(
                    status: 5, output: "",
                    errors: "Going standby [local].\nhb_standby: no outcome in time; see hb status\n"))
        // Sent before the tool ended, and still there.
        #expect(try conversation.request() == .standby(.local))
        #expect(try conversation.request() == nil)
    }

    @Test("--no-wait ends without an outcome, but reports one that comes at once")
    func noWait() throws {
        let silent = try runTool("hb_takeover", ["--no-wait"], expecting: .takeover(.all)) { _ in }
        #expect(silent == ToolOutcome(status: 0, output: "", errors: ""))
        let refused = try runTool("hb_takeover", ["--no-wait"], expecting: .takeover(.all)) {
            try $0.end(.refused, "no quorum")
        }
        #expect(refused == ToolOutcome(status: 1, output: "", errors: "hb_takeover: no quorum\n"))
        let done = try runTool("hb", ["cleanup"], expecting: .cleanup(group: nil)) { try $0.end(.done, "cleared") }
        #expect(done == ToolOutcome(status: 0, output: "cleared\n", errors: ""))
    }

    @Test("a person at a terminal is told what is waited for")
    func notice() throws {
        let folder = try TemporaryFolder()
        let daemon = try FakeDaemon(folder)
        let terminal = try PseudoTerminal()
        let tool = try RunningTool(
            "hb_standby", ["--run-dir", folder.path], in: folder, terminal: terminal.user.raw)
        let conversation = try daemon.accept()
        let notice = try terminal.text(until: "not the request\r\n")
        #expect(notice == "Going standby [all].\r\nwaiting for the outcome; ^C ends the waiting, not the request\r\n")
        try conversation.end(.done, "a runs on beta")
        #expect(try terminal.text(until: "beta\r\n") == "a runs on beta\r\n")
        #expect(try tool.end().status == 0)
    }

    @Test("no daemon, and one that ends before it has answered")
    func faults() throws {
        let folder = try TemporaryFolder()
        let absent = try runTool("hb_takeover", "--run-dir", folder.path, in: folder)
        #expect(
            absent
                == ToolOutcome(
                    status: 3, output: "",
                    errors: "hb_takeover: heartbeat is not running here (no \(folder.path)/heartbeat.sock)\n"))

        let daemon = try FakeDaemon(folder)
        let tool = try RunningTool("hb_takeover", ["--run-dir", folder.path], in: folder)
        var conversation: FakeConversation? = try daemon.accept()
        #expect(try conversation?.request() == .takeover(.all))
        conversation = nil
        #expect(
            try tool.end()
                == ToolOutcome(
                    status: 6, output: "",
                    errors: "hb_takeover: heartbeat closed the connection before it had answered\n"))
    }

    @Test(
        "wrong command lines: one line that helps, the usage, exit 2",
        arguments: [
            ("hb_standby", ["a", "b"], "unexpected word 'b'"), ("hb_standby", [""], "the name of the group is empty"),
            ("hb_standby", ["--now"], "unknown or ambiguous option --now"),
            ("hb_takeover", ["--timeout", "soon"], "--timeout takes a number of seconds, not 'soon'"),
            ("hb_takeover", ["--timeout", "3", "--no-wait"], "--no-wait and --timeout exclude each other"),
        ])
    func usage(name: String, words: [String], text: String) throws {
        let folder = try TemporaryFolder()
        let outcome = try RunningTool(name, words, in: folder).end()
        let usage =
            "usage: \(name) [--no-wait] [--reason TEXT] [--timeout SECONDS] [all|foreign|local|failback|GROUP]\n"
        #expect(outcome == ToolOutcome(status: 2, output: "", errors: "\(name): \(text)\n\(usage)"))
    }
}
