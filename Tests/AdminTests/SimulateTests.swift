// `hb simulate` on configurations whose outcome is known.
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
