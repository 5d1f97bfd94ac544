// `hb simulate` on configurations whose outcome is known.
import CLinux
import JSON
import LinuxSystem
import Testing

@Suite struct SimulateTests {
    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
        try folder.write("haresources", "alpha 10.0.0.5\nbeta 10.0.0.6\n")
    }

    private func configure(_ nodes: String, _ more: String = "") throws {
        try folder.write(
            "ha.cf", "keepalive 100ms\ndeadtime 1\ninitdead 2\nbcast eth7\n\(more)auto_failback on\nnode \(nodes)\n")
    }

    private func simulate(_ words: String...) throws -> ToolOutcome {
        try RunningTool("hb", ["simulate", "--config-dir", folder.path] + words, in: folder).end()
    }

    @Test("two nodes that ignore quorum serve twice when they are divided: exit 1, and a timeline tells how")
    func splits() throws {
        try configure("alpha beta", "quorum ignore\n")
        let outcome = try simulate("--runs", "60")
        #expect(outcome.status == 1, "\(outcome)")
        #expect(outcome.output.contains("The shortest schedule that shows it:"))
        #expect(outcome.output.contains("is served by"))
        #expect(outcome.errors.isEmpty)
    }

    @Test("three nodes never serve twice; equal seeds give equal reports, as JSON too")
    func majority() throws {
        try configure("alpha beta gamma")
        let outcome = try simulate("--runs", "60", "--json")
        #expect(outcome.status == 0, "\(outcome)")
        #expect(outcome.output.contains("\"double\": false"))
        #expect(outcome.output.contains("\"shortest\": null"))
        #expect(try simulate("--runs", "60", "--json") == outcome)
        #expect(try simulate("--runs", "60", "--json", "--seed", "2") != outcome)
    }

    @Test("what if: given faults happen, and only they")
    func given() throws {
        try configure("alpha beta gamma")
        let killed = try simulate("--kill", "alpha", "--runs", "3")
        #expect(killed.status == 0 && killed.output.contains("alpha loses power"), "\(killed)")
        #expect(killed.output.contains("node alpha: is dead"))
        let paused = try simulate("--pause", "alpha", "3s", "--runs", "3")
        #expect(paused.output.contains("the processes of alpha are stopped for 3000 ms"), "\(paused)")
        #expect(!paused.output.contains("loses power"))
        try configure("alpha beta", "quorum ignore\n")
        let cut = try simulate("--cut", "eth7", "--runs", "2")
        #expect(cut.status == 1 && cut.output.contains("eth7 fails"), "\(cut)")
        try configure("alpha beta", "quorum ignore\nserial /dev/ttyS7\n")
        #expect(try simulate("--cut", "eth7", "--runs", "2").status == 0)
    }

    private func figures(_ words: String...) throws -> (status: Int32, rows: [Row]) {
        let words = ["simulate", "--config-dir", folder.path, "--json"] + words
        let outcome = try RunningTool("hb", words, in: folder).end()
        let report = try #require(JSONValue(parsing: Array(outcome.output.utf8)), "\(outcome)")
        let rows = (report["faults"]?.array ?? []).flatMap { fault in
            (fault["groups"]?.array ?? []).map { Row(title: fault["title"]?.string ?? "", figures: $0) }
        }
        return (outcome.status, rows)
    }

    @Test("what lasts until the repair has no length of its own, neither as an outage nor as two owners")
    func lasting() throws {
        try configure("alpha beta gamma")
        let dead = try figures("--cut", "eth7", "--runs", "3")
        #expect(dead.rows.allSatisfy { $0["lasting_runs"] == 3 && $0["typical_ms"] == nil && $0["worst_ms"] == nil })
        let text = try simulate("--cut", "eth7", "--runs", "3").output
        #expect(text.contains("until repaired, 3 times"))
        try configure("alpha beta", "quorum ignore\n")
        let split = try figures("--cut", "eth7", "--runs", "3")
        #expect(split.rows.allSatisfy { $0["double_lasting_runs"] == 3 && $0["double_worst_ms"] == 0 })
        #expect(try simulate("--cut", "eth7", "--runs", "3").output.contains("3 times, until repaired"))
    }

    @Test("ping nodes may be behind the interface that fails: each case is told")
    func pingNodesBehind() throws {
        try configure("alpha beta", "bcast eth8\nping 10.0.0.254\n")
        let network = try figures("--cut", "eth7", "--runs", "8")
        #expect(network.rows.count == 4 && network.rows[0].title == "eth7 fails (the ping nodes are behind it)")
        #expect(network.rows.map { $0["lasting_runs"] } == [4, 4, 0, 0])
        // Of one node: the other one takes its group.
        let card = try figures("--cut", "alpha:eth7", "--runs", "8")
        #expect(card.rows.map { $0["outages"] } == [4, 0, 0, 0] && card.rows[0]["lasting_runs"] == 0)
        // No network is left.
        #expect(try figures("--cut", "eth7", "--cut", "eth8", "--runs", "4").rows.count == 2)
    }

    @Test("a ring of serial lines lives through the loss of one line, by the name of either end")
    func serialRing() throws {
        try folder.write(
            "ha.cf", "keepalive 1\ndeadtime 5\ninitdead 6\nserial /dev/ttyS0 /dev/ttyS1\nnode alpha,beta,gamma\n")
        for line in ["beta:/dev/ttyS0", "alpha:/dev/ttyS1"] {
            let one = try figures("--cut", line, "--runs", "2")
            #expect(one.rows.allSatisfy { $0.title == "the line from alpha to beta fails" && $0["outages"] == 0 })
            #expect(one.status == 0 && !one.rows.isEmpty)
        }
        for line in ["/dev/ttyS0", "/dev/ttyS1"] {
            #expect(try figures("--cut", line, "--runs", "2").rows.first?["lasting_runs"] == 2)
        }
    }

    @Test("the address of a group that has more than addresses is silent when the lease ends, the rest runs on")
    func mixedGroup() throws {
        try folder.write("haresources", "alpha 10.0.0.5 httpd\n")
        try configure("alpha beta gamma")
        let paused = try figures("--pause", "alpha", "3s", "--runs", "3")
        #expect(paused.status == 1 && paused.rows.first?["double_runs"] == 3)
        // A long pause ends by itself too.
        #expect(try figures("--pause", "alpha", "2m", "--runs", "1").rows.first?["double_lasting_runs"] == 0)
        #expect((100...500).contains(paused.rows.first?["worst_ms"] ?? 0), "\(paused)")
        // A watchdog ends it before the others take over.
        try configure("alpha beta gamma", "deadtime 2\nwatchdog /dev/watchdog\n")
        #expect(try figures("--pause", "alpha", "5s", "--runs", "3").status == 0)
    }

    @Test("the shortest schedule has the shortest pause; a timeline tells of few groups")
    func shortest() throws {
        try folder.write("haresources", (1...9).map { "alpha 10.0.0.\($0) httpd\n" }.joined())
        try configure("alpha beta gamma")
        let outcome = try simulate("--pause", "alpha", "1m", "--runs", "2")
        #expect(outcome.status == 1)
        let lines = outcome.output.split(separator: "\n")
        let told = lines.first { $0.contains("fault") && $0.contains("are stopped for") }
        let pause = told?.split(separator: " ").dropLast().last.flatMap { Int($0) } ?? 0
        #expect((800...1100).contains(pause), "\(outcome)")
        try configure("alpha beta", "quorum ignore\n")
        let split = try simulate("--cut", "eth7", "--runs", "1").output
        #expect(split.contains("(4 more groups that it concerns are not told of.)"))
    }

    private func blockedSignals(of pid: pid_t) throws -> Int {
        let status = try #require(FileSystem.text(of: "/proc/\(pid)/status", limit: 1 << 16))
        let line = status.split(separator: "\n").first { $0.hasPrefix("SigBlk:") }
        return try #require(line?.split(separator: "\t").last.flatMap { Int($0, radix: 16) })
    }

    @Test("^C ends it with a report of what was tried")
    func interrupted() throws {
        try configure("alpha beta gamma")
        let tool = try RunningTool(
            "hb", ["simulate", "--config-dir", folder.path, "--runs", "10000000", "--kill", "alpha"], in: folder)
        // From when on it is ready for it, its status tells.
        while try blockedSignals(of: tool.pid) & 1 << (SIGINT - 1) == 0 { usleep(10_000) }
        try Children.signal(tool.pid, SIGINT)
        let outcome = try tool.end()
        #expect(outcome.status == 6 && outcome.output.hasPrefix("Ended by ^C after "), "\(outcome)")
    }

    @Test("what is not there is refused with exit 2")
    func refused() throws {
        try configure("alpha beta gamma")
        for words in [["--kill", "nobody"], ["--cut", "eth8"], ["--pause", "alpha"], ["--pause", "alpha", "soon"],
            ["--runs", "0"], ["--runs", "x"], ["word"]]
        {
            let outcome = try RunningTool(
                "hb", ["simulate", "--config-dir", folder.path] + words, in: folder).end()
            #expect(outcome.status == 2 && !outcome.errors.isEmpty, "\(words): \(outcome)")
        }
        try folder.write("ha.cf", "nonsense\n")
        #expect(try simulate().status == 2)
    }
}

/// A group's figures in one row of a report.
private struct Row: CustomStringConvertible {
    let title: String
    let figures: JSONValue

    subscript(_ name: String) -> Int64? { figures[name]?.integer }
    var description: String { "\(title): \(figures.text(isCompact: true))" }
}
