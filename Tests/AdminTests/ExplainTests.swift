// hb explain against a daemon that the test plays, and the records between them.
import Admin
import ClusterModel
import Failovers
import LinuxSystem
import Messaging
import Testing

@Suite struct ExplainTests {
    private static let request = AdminRequest.failovers(count: 16)

    private static var crash: FailoverReport {
        func step(_ kind: FailoverStep.Kind, _ milliseconds: Int64, _ change: (inout FailoverStep) -> Void = { _ in })
            -> FailoverStep
        {
            var step = FailoverStep(kind, at: Instant(nanoseconds: 5_000_000_000 + milliseconds * 1_000_000))
            change(&step)
            return step
        }
        return FailoverReport(
            node: "beta", generation: 7, recorded: .seconds(100),
            failovers: [
                Failover(
                    number: 3, wallOffset: 1_700_000_000_000_000_000,
                    steps: [
                        step(.heard, 0) {
                            $0.subject = "alpha"
                            $0.medium = "bcast eth0"
                            $0.sequence = 0x1a2
                            $0.generation = 5
                        },
                        step(.suspected, 200) {
                            $0.subject = "alpha"
                            $0.duration = .milliseconds(200)
                        },
                        step(.dead, 200) {
                            $0.subject = "alpha"
                            $0.text = "deadtime <elapsed> & gone"
                        },
                        step(.ordered, 200) {
                            $0.group = "web"
                            $0.more = 2
                        },
                        step(.worked, 202) {
                            $0.group = "web"
                            $0.resource = "start IPaddr::10.0.0.1"
                            $0.duration = .milliseconds(2)
                        },
                        step(.up, 203) { $0.group = "web" },
                        step(.told, 203) {
                            $0.sequence = 9
                            $0.generation = 7
                        },
                    ], dropped: 1)
            ])
    }

    private func run(_ words: [String], _ report: FailoverReport = crash) throws -> ToolOutcome {
        try runTool("hb", ["explain"] + words, expecting: ExplainTests.request) { conversation in
            try conversation.send(report.messages())
            try conversation.end(.done)
        }
    }

    @Test("records carry everything, and what is no record is refused")
    func records() throws {
        let messages = ExplainTests.crash.messages()
        #expect(try FailoverReport(messages) == ExplainTests.crash)
        #expect(throws: AdminMessageError.self) { try FailoverReport([]) }
        #expect(throws: AdminMessageError.self) { try FailoverReport([messages[0], messages[2]]) }
        #expect(throws: AdminMessageError.self) { try FailoverReport([messages[0], messages[0]]) }
        #expect(try AdminRequest(AdminRequest.failovers(count: 3).message) == .failovers(count: 3))
    }

    @Test("the survivor alone tells the whole story, with the timer and the last packet")
    func text() throws {
        let outcome = try run([])
        #expect(outcome.status == 0 && outcome.errors == "", "\(outcome)")
        for words in [
            "alpha died", "alpha on bcast eth0, message 1a2", "timer: its deadtime 200.00 ms",
            "deadtime <elapsed> & gone",
            "web and 2 more", "start IPaddr::10.0.0.1 took 2.00 ms, done", "last heard to suspected      200.000 ms",
            "record of beta alone", "1 more steps were not kept", "the cluster, with message 9",
        ] { #expect(outcome.output.contains(words), "\(words) in \(outcome)") }
        #expect(try run(["web"]).output == outcome.output)
        let list = try run(["--list"])
        #expect(list.output.split(separator: "\n").count == 2 && list.output.contains("alpha died"), "\(list)")
    }

    @Test("nothing recorded, or nothing of the group, is exit 1 and says for how long was recorded")
    func nothing() throws {
        var empty = ExplainTests.crash
        empty.failovers = []
        let outcome = try run([], empty)
        #expect(outcome.status == 1 && outcome.output == "")
        #expect(outcome.errors == "hb explain: no failover is recorded: beta's daemon has recorded for 1 min 40 s\n")
        let other = try run(["mail"])
        #expect(other.status == 1 && other.errors.contains("no failover of mail"), "\(other)")
    }

    @Test(
        "a wrong command line is exit 2",
        arguments: [
            ["--last", "0"], ["--last", "17"], ["--last", "x"], ["a", "b"], ["--svg"], ["--list", "--svg", "x"],
            ["--timeout", "-1"],
        ])
    func usage(words: [String]) throws {
        let outcome = try RunningTool("hb", ["explain"] + words, in: try TemporaryFolder()).end()
        #expect(outcome.status == 2 && outcome.errors.contains("usage: hb explain "), "\(outcome)")
    }

    @Test("JSON goes through a file into another node's picture; without a daemon the first file is enough")
    func merge() throws {
        let folder = try TemporaryFolder()
        let json = try run(["--json"])
        #expect(json.status == 0 && json.output.contains("\"cause\": \"death\""), "\(json)")
        let path = folder.path + "/beta.json"
        try folder.write("beta.json", json.output)
        let svg = folder.path + "/picture.svg"
        let alone = try RunningTool(
            "hb", ["explain", "--run-dir", folder.path, "--merge", path, "--svg", svg], in: folder
        ).end()
        #expect(alone.status == 0 && alone.output == "" && alone.errors == "", "\(alone)")
        let picture = FileSystem.text(of: svg, limit: 1 << 20) ?? ""
        #expect(picture.hasPrefix("<svg ") && picture.hasSuffix("</svg>\n"))
        #expect(picture.contains("deadtime &lt;elapsed&gt; &amp; gone"))
        var alpha = ExplainTests.crash
        alpha.node = "alpha"
        let both = try run(["--merge", path, "--json"], alpha)
        #expect(both.status == 0 && both.output.contains("\"aligned_by\": \"wall-clocks\""), "\(both)")
        let wrong = try RunningTool("hb", ["explain", "--merge", svg], in: folder).end()
        #expect(wrong.status == 1 && wrong.errors.contains("is not what hb explain --json prints"), "\(wrong)")
        let missing = try RunningTool("hb", ["explain", "--run-dir", folder.path], in: folder).end()
        #expect(missing.status == 3, "\(missing)")
    }
}
