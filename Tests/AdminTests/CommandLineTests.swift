// Words in, options out.
import Testing

@testable import Admin

@Suite(.serialized) struct CommandLineTests {
    private static let options = [
        ProgramOption("watch", "w", value: .optional), ProgramOption("timeout", value: .required),
        ProgramOption("json", "j"), ProgramOption(nil, "d"), ProgramOption(nil, "C", value: .required),
    ]

    private func parse(_ words: String..., stopsAtOperand: Bool = false) throws(UsageError) -> ProgramArguments {
        try ProgramArguments(words, options: CommandLineTests.options, stopsAtOperand: stopsAtOperand)
    }

    @Test("words and letters, together and apart, before and behind operands, abbreviated")
    func options() throws {
        let given = try parse("-dd", "one", "--time", "2.5", "-Cstate", "-jw3", "--run-dir=/x//", "two", "--", "--json")
        #expect(
            given.options == [
                .init(name: "d", value: nil), .init(name: "d", value: nil), .init(name: "timeout", value: "2.5"),
                .init(name: "C", value: "state"), .init(name: "json", value: nil), .init(name: "watch", value: "3"),
            ])
        #expect(given.operands == ["one", "two", "--json"])
        #expect(given.common.runDirectory == "/x")
        #expect(try given.seconds("timeout") == .milliseconds(2500))
        #expect(try given.seconds("nothing") == nil)
    }

    @Test("what is behind the first operand belongs to somebody else, if that was asked for")
    func stops() throws {
        let given = try parse("--config-dir", "/c", "verb", "--json", stopsAtOperand: true)
        #expect(given.common.configurationDirectory == "/c")
        #expect(given.operands == ["verb", "--json"])
        var common = CommonOptions()
        common.runDirectory = "/before"
        #expect(try ProgramArguments([], common: common).common.runDirectory == "/before")
        #expect(try ProgramArguments(["--run-dir", "/behind"], common: common).common.runDirectory == "/behind")
        #expect(try ProgramArguments(["-h", "--version"]).common.wantsHelp)
    }

    @Test(
        "every mistake is named",
        arguments: [
            (["--frob"], "unknown or ambiguous option --frob"), (["-x"], "unknown option -x"),
            (["-dx"], "unknown option -x"), (["--timeout"], "--timeout needs a value"), (["-C"], "-C needs a value"),
            (["--json=1"], "--json takes no value"), (["--run-dir", ""], "--run-dir needs a folder"),
        ])
    func mistakes(words: [String], text: String) {
        #expect(throws: UsageError(text)) {
            try ProgramArguments(words, options: CommandLineTests.options)
        }
    }

    @Test("seconds are numbers above zero", arguments: ["", "x", "-1", "0", "nan", "inf", "1e30", "0x1p-30"])
    func seconds(text: String) throws {
        let given = try ProgramArguments(["--timeout", text], options: CommandLineTests.options)
        #expect(throws: UsageError("--timeout takes a number of seconds, not '\(text)'")) {
            try given.seconds("timeout")
        }
    }

    @Test("paths follow from the options")
    func paths() {
        let standard = Paths()
        #expect(standard.configurationDirectory == "/etc/ha.d")
        #expect(standard.controlSocket == "/run/heartbeat/heartbeat.sock")
        #expect(standard.processFile == "/run/heartbeat.pid")
        #expect(standard.fifo == "/var/lib/heartbeat/fifo")
        let own = Paths(configurationDirectory: "/c", runDirectory: "/r")
        #expect(own.configurationDirectory == "/c")
        #expect(own.controlSocket == "/r/heartbeat.sock")
        #expect(own.processFile == "/r/heartbeat.pid")
        #expect(own.fifo == "/r/state/fifo")
    }

    @Test("what is printed cannot command a terminal")
    func printable() {
        let nasty = "a\u{1B}[31m\u{7}\u{9B}b\u{7F}\u{202E}\u{2028}c\td\re\né中"
        #expect(Terminal.printable(nasty) == "a?[31m??b???c\td?e\né中")
        #expect(Terminal.printableWord(nasty) == "a?[31m??b???c?d?e?é中")
        #expect(Terminal.printable("a\r\nb") == "a?\nb")
    }
}
