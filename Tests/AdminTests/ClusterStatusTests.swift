// cl_status: every sub-command, its output to the byte, its exit status (specs/heartbeat.md 7).
import Admin
import ClusterModel
import LinuxSystem
import Testing

@Suite struct ClusterStatusTests {
    private static let listing = """

        10.0.0.254\tping\t(nodetype: ping)
        \t10.0.0.254\tup

        beta\tactive\t(nodetype: normal)
        \teth0\tup
        \t/dev/ttyS0\tup

        alpha\tactive\t(nodetype: normal)
        \teth0\tdead

        """

    @Test(
        "facts of a healthy cluster",
        arguments: [
            (["hbstatus"], "Heartbeat is running on this machine.\n", 0),
            (
                ["hbstatus", "-v"],
                "Heartbeat is running on this machine.\nversion:\t0.1.0\nmanaged by:\t\"haresources\"\n" + listing, 0
            ),
            (["listnodes"], "10.0.0.254\nbeta\nalpha\n", 0), (["listnodes", "-n"], "beta\nalpha\n", 0),
            (["listnodes", "-p"], "10.0.0.254\n", 0), (["listnodes", "-v"], listing, 0),
            (["nodestatus", "alpha"], "active\n", 0), (["nodestatus", "BETA"], "active\n", 0),
            (["nodestatus", "10.0.0.254"], "ping\n", 0), (["nodetype", "beta"], "normal\n", 0),
            (["nodetype", "10.0.0.254"], "ping\n", 0), (["nodeweight", "alpha"], "100\n", 0),
            (["nodesite", "alpha"], "\n", 0), (["listhblinks", "beta"], "\teth0\n\t/dev/ttyS0\n", 0),
            (["listhblinks", "beta", "-v"], "\teth0\tup\n\t/dev/ttyS0\tup\n", 0),
            (["hblinkstatus", "beta", "/dev/ttyS0"], "up\n", 0), (["hblinkstatus", "alpha", "eth0"], "dead\n", 1),
            (["clientstatus", "beta", "ipfail"], "offline\n", 1),
            (["clientstatus", "beta", "ipfail", "1000"], "offline\n", 1), (["rscstatus"], "local\n", 0),
            (["rscstatus", "-m"], "This node is holding local resources.\n", 0),
        ] as [([String], String, Int32)])
    func facts(words: [String], output: String, status: Int32) throws {
        let outcome = try runTool("cl_status", words, expecting: .status) { try $0.answer(Sample.healthy) }
        #expect(outcome == ToolOutcome(status: status, output: output, errors: ""))
    }

    @Test(
        "facts of a cluster in trouble",
        arguments: [
            (["nodestatus", "10.0.0.254"], "dead\n", 1), (["nodestatus", "delta"], "up\n", 0),
            (["nodestatus", "eps"], "init\n", 1), (["hblinkstatus", "beta", "/dev/ttyS0"], "dead\n", 1),
            (["rscstatus"], "transition\n", 0),
        ] as [([String], String, Int32)])
    func troubles(words: [String], output: String, status: Int32) throws {
        let outcome = try runTool("cl_status", words, expecting: .status) { try $0.answer(Sample.troubled) }
        #expect(outcome == ToolOutcome(status: status, output: output, errors: ""))
    }

    @Test("what a node holds, in all five words", arguments: Holdings.allCases)
    func holdings(holdings: Holdings) throws {
        var report = Sample.healthy
        report.holdings = holdings
        let outcome = try runTool("hb", ["cl_status", "rscstatus"], expecting: .status) { try $0.answer(report) }
        #expect(outcome == ToolOutcome(status: 0, output: "\(holdings.rawValue)\n", errors: ""))
    }

    @Test("a directive of ha.cf: its value, or exit 1")
    func parameters() throws {
        let words = ["hbparameter", "-p", "deadtime"]
        let found = try runTool("cl_status", words, expecting: .parameter(name: "deadtime")) {
            try $0.send([ParameterRecord(name: "deadtime", value: "10").message])
            try $0.end(.done)
        }
        #expect(found == ToolOutcome(status: 0, output: "10\n", errors: ""))
        let missing = try runTool("cl_status", words, expecting: .parameter(name: "deadtime")) { try $0.end(.done) }
        #expect(missing == ToolOutcome(status: 1, output: "", errors: "cl_status: ha.cf does not set deadtime\n"))
    }

    @Test("nodes and links that do not exist are parameter errors")
    func unknownNames() throws {
        var outcome = try runTool("cl_status", ["nodestatus", "omega"], expecting: .status) {
            try $0.answer(Sample.healthy)
        }
        #expect(outcome == ToolOutcome(status: 11, output: "", errors: "cl_status: no node is named omega\n"))
        outcome = try runTool("cl_status", ["hblinkstatus", "beta", "eth9"], expecting: .status) {
            try $0.answer(Sample.healthy)
        }
        #expect(
            outcome
                == ToolOutcome(
                    status: 11, output: "",
                    errors: "cl_status: node beta has no link eth9: see cl_status listhblinks beta\n"))
        outcome = try runTool("cl_status", ["clientstatus", "beta", "x", "soon"], expecting: .status) {
            try $0.answer(Sample.healthy)
        }
        #expect(outcome.status == 11)
    }

    @Test(
        "wrong command lines exit with 11",
        arguments: [
            (["frob"], "unknown sub-command 'frob'"), (["nodestatus"], "nodestatus needs another parameter"),
            (["hblinkstatus", "beta"], "hblinkstatus needs another parameter"),
            (["rscstatus", "x"], "unexpected word 'x'"), (["listnodes", "-q"], "unknown option -q"),
            (["hbparameter", "-p"], "-p needs a value"),
        ])
    func usage(words: [String], text: String) throws {
        let folder = try TemporaryFolder()
        let outcome = try RunningTool("cl_status", words, in: folder).end()
        let usage = "usage: cl_status SUB-COMMAND [OPTION ...] [PARAMETER ...]\n"
        #expect(outcome == ToolOutcome(status: 11, output: "", errors: "cl_status: \(text)\n\(usage)"))
    }

    @Test("hbparameter without a name")
    func parameterWithoutName() throws {
        let outcome = try runTool("cl_status", "hbparameter", in: try TemporaryFolder())
        #expect(outcome == ToolOutcome(status: 11, output: "", errors: "cl_status: hbparameter needs -p NAME\n"))
    }

    @Test("without a word it explains itself and exits with 0")
    func noWords() throws {
        let outcome = try runTool("cl_status", in: try TemporaryFolder())
        #expect(outcome.status == 0)
        #expect(outcome.output.hasPrefix("usage: cl_status SUB-COMMAND"))
        #expect(outcome.errors == "")
    }

    @Test("heartbeat is stopped: hbstatus says so, the others cannot sign on")
    func stopped() throws {
        let folder = try TemporaryFolder()
        let hbstatus = try runTool("cl_status", "hbstatus", "--run-dir", folder.path, in: folder)
        #expect(hbstatus == ToolOutcome(status: 1, output: "Heartbeat is stopped on this machine.\n", errors: ""))
        let reason = "heartbeat is not running here (no \(folder.path)/heartbeat.sock)"
        for words in [["listnodes"], ["rscstatus"], ["nodestatus", "beta"], ["hbparameter", "-p", "deadtime"]] {
            let outcome = try RunningTool("cl_status", words + ["--run-dir", folder.path], in: folder).end()
            #expect(
                outcome
                    == ToolOutcome(
                        status: 1, output: "", errors: "Cannot signon with heartbeat\nREASON: \(reason)\n"))
        }
    }

    @Test("heartbeat runs but refuses: hbstatus says so and exits with 0")
    func refused() throws {
        var outcome = try runTool("cl_status", ["hbstatus"], expecting: .status) { try $0.end(.denied) }
        let text = "Heartbeat is apparently running on this machine, but refuses my connection\n"
        #expect(outcome == ToolOutcome(status: 0, output: text, errors: ""))
        outcome = try runTool("cl_status", ["listnodes"], expecting: .status) { try $0.end(.error, "busy") }
        #expect(
            outcome
                == ToolOutcome(
                    status: 1, output: "",
                    errors: "Cannot signon with heartbeat\nREASON: heartbeat does not answer: busy\n"))
    }

    @Test("heartbeat hangs: exit 12 after five seconds")
    func hanging() throws {
        let start = Clock.now()
        let outcome = try runTool("cl_status", ["hbstatus"], expecting: .status) { _ in }
        #expect(
            outcome == ToolOutcome(status: 12, output: "", errors: "cl_status: heartbeat does not answer\n"))
        #expect(Clock.now() - start >= .seconds(5))
    }
}
