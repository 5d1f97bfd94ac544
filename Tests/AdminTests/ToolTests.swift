// What all tools have in common: names, help, version, and the pages and completions that describe them.
import Admin
import CLinux
import LinuxSystem
import Testing

@Suite struct ToolTests {
    private static let calls = [
        ["hb"], ["hb", "status"], ["hb", "check"], ["hb", "standby"], ["hb", "takeover"], ["hb", "cleanup"],
        ["hb", "fail"], ["hb", "fence"], ["hb", "explain"], ["hb", "advise"], ["hb", "mon"], ["hb", "moncmd"],
        ["hb", "wire"], ["hb", "cl_status"], ["hb", "send_arp"], ["hb_standby"], ["hb_takeover"], ["cl_status"],
        ["send_arp"], ["moncmd"],
    ]

    @Test("--help goes to standard output and exits with 0, with all options and exit statuses", arguments: calls)
    func help(call: [String]) throws {
        for word in ["--help", "-h"] {
            let folder = try TemporaryFolder()
            let outcome = try RunningTool(call[0], Array(call.dropFirst()) + [word], in: folder).end()
            #expect(outcome.status == 0)
            #expect(outcome.errors == "")
            #expect(outcome.output.hasPrefix("usage: \(call.joined(separator: " ")) "), "\(outcome)")
            for option in ["--config-dir DIR", "--run-dir DIR", "--help", "--version"] {
                #expect(outcome.output.contains(option))
            }
            if call != ["hb"] { #expect(outcome.output.contains("Exit status: 0 ")) }
            for line in outcome.output.split(separator: "\n") { #expect(line.count <= 110, "\(line)") }
        }
    }

    @Test("--version names the program and the product", arguments: calls)
    func version(call: [String]) throws {
        let folder = try TemporaryFolder()
        let outcome = try RunningTool(call[0], Array(call.dropFirst()) + ["--version"], in: folder).end()
        let name = call.last == "standby" || call.last == "takeover" ? "hb_\(call[1])" : call.last ?? ""
        let program = ["hb_standby", "hb_takeover", "cl_status", "send_arp", "moncmd"].contains(name) ? name : "hb"
        #expect(outcome == ToolOutcome(status: 0, output: "\(program) (heartbeat) \(Product.version)\n", errors: ""))
    }

    @Test("commands that do not exist are refused with the list of those that do")
    func unknownCommands() throws {
        let folder = try TemporaryFolder()
        let usage =
            "usage: hb status|check|standby|takeover|cleanup|fail|freeze|unmanage|manage|fence|explain|advise|mon"
                + "|agents|simulate|wire|cl_status|send_arp|moncmd ... (hb --help)\n"
        #expect(
            try runTool("hb", in: folder)
                == ToolOutcome(status: 2, output: "", errors: "hb: a command is missing\n" + usage))
        #expect(
            try runTool("hb", "stat\u{1B}us", in: folder)
                == ToolOutcome(status: 2, output: "", errors: "hb: unknown command 'stat?us'\n" + usage))
        #expect(try runTool("hb", "--frob", "status", in: folder).status == 2)
        #expect(try runTool("renamed-by-somebody", "--version", in: folder).output == "hb (heartbeat) 0.1.0\n")
    }

    @Test(
        "send_arp refuses what it cannot send with exit 2, and what fails with exit 1",
        arguments: [
            ([], 2, "an interface and an address are missing"), (["eth0"], 2, "expected INTERFACE IP HW|auto"),
            (["-i", "fast", "eth0", "10.0.0.1", "auto"], 2, "-i takes a number from 1 to 3600000"),
            (["-r"], 2, "-r needs a value"), (["lo", "10.0.0.300", "auto"], 2, "10.0.0.300 is not an address"),
            (["hbe-none", "10.0.0.1", "auto"], 1, "there is no interface hbe-none"),
            (["-r", "2", "-i10", "hbe-none", "10.0.0.1", "auto", "x", "y"], 1, "there is no interface hbe-none"),
            (
                ["10.0.0.1", "020000000001", "10.0.0.1", "ffffffffffff", "hbe-none", "request"], 1,
                "there is no interface hbe-none"
            ),
        ] as [([String], Int32, String)])
    func sendARP(words: [String], status: Int32, text: String) throws {
        let folder = try TemporaryFolder()
        let outcome = try RunningTool("send_arp", words, in: folder).end()
        #expect(outcome.status == status)
        #expect(outcome.errors.split(separator: "\n").first.map(String.init) == "send_arp: \(text)", "\(outcome)")
    }
}

@Suite struct DocumentationTests {
    private static let root = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3)
        .joined(separator: "/")

    private func resource(_ name: String) throws -> String {
        let text = FileSystem.text(of: "\(DocumentationTests.root)/Resources/\(name)", limit: 1 << 20)
        return try #require(text, "\(name) is missing")
    }

    /// The words of a text that begin with two hyphens.
    private func optionWords(_ text: String) -> Set<Substring> {
        Set(text.split { !($0.isLetter || $0 == "-") }.filter { $0.hasPrefix("--") && $0.count > 3 })
    }

    @Test(
        "every option of a tool stands in its man page and in the completion",
        arguments: [
            (["hb", "status"], "hb.1"), (["hb", "check"], "hb.1"), (["hb", "cleanup"], "hb.1"),
            (["hb", "wire"], "hb.1"), (["hb", "agents"], "hb.1"), (["hb", "advise"], "hb.1"),
            (["hb", "explain"], "hb.1"),
            (["hb_standby"], "hb_standby.1"), (["hb_takeover"], "hb_takeover.1"), (["cl_status"], "cl_status.1"),
            (["send_arp"], "send_arp.8"),
        ])
    func options(call: [String], name: String) throws {
        let folder = try TemporaryFolder()
        let help = try RunningTool(call[0], Array(call.dropFirst()) + ["--help"], in: folder).end().output
        let page = try resource("man/\(name)")
        let completion = try resource("completion/hb")
        let options = optionWords(help)
        #expect(options.count >= 4)
        for option in options {
            #expect(page.contains(" -\(option.dropFirst(2))"), "\(name) does not name \(option)")
            #expect(completion.contains(option), "the completion does not know \(option)")
        }
    }

    @Test("the sub-commands of cl_status stand in its man page and in the completion")
    func subcommands() throws {
        let help = try runTool("cl_status", "--help", in: try TemporaryFolder()).output
        let words = help.split(separator: "\n").filter { $0.hasPrefix("  ") && !$0.hasPrefix("   ") }
            .compactMap { $0.split(separator: " ").first }.filter { !$0.hasPrefix("-") }
        #expect(words.count == 11)
        let page = try resource("man/cl_status.1")
        let completion = try resource("completion/hb")
        for word in words {
            #expect(page.contains("\n.It Cm \(word)"))
            #expect(completion.contains(word))
        }
    }

    @Test("every member of the JSON document stands in hb(1)")
    func members() throws {
        let page = try resource("man/hb.1")
        let words = Set(page.split { !($0.isLetter || $0 == "_") }.map(String.init))
        for line in StatusTests.document.split(separator: "\n") {
            guard let name = line.firstMatchOfName else { continue }
            #expect(words.contains(name), "hb.1 does not name \(name)")
        }
    }

    @Test("the completion offers commands, words, groups and nodes, and expands nothing in them")
    func completion() throws {
        var report = Sample.healthy
        report.groups[0].name = "a$(touch hbe-expanded)"
        #expect(try complete("hb ", nil).contains("takeover\n"))
        #expect(
            try complete("hb_standby ", report)
                == "all\nlocal\nforeign\nfailback\na$(touch hbe-expanded)\nIPaddr2::10.0.0.6/24\n")
        #expect(try complete("hb takeover fo", report) == "foreign\n")
        #expect(try complete("cl_status nodestatus ", report) == "10.0.0.254\nbeta\nalpha\n")
        #expect(
            try complete("hb status --", nil)
                == "--json\n--watch\n--timeout\n--config-dir\n--run-dir\n--help\n--version\n")
    }

    /// What the completion offers behind a line, on a node with this state; nil: without a daemon.
    private func complete(_ line: String, _ report: ClusterReport?) throws -> String {
        let folder = try TemporaryFolder()
        let daemon = try FakeDaemon(folder)
        for name in ["hb", "hb_standby", "cl_status"] { symlink(RunningTool.program, "\(folder.path)/\(name)") }
        let script = """
            . \(DocumentationTests.root)/Resources/completion/hb
            hb() { command hb "$@" --run-dir \(folder.path); }
            cl_status() { command cl_status --run-dir \(folder.path) "$@"; }
            COMP_WORDS=(\(line.hasSuffix(" ") ? line + "''" : line)); COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
            _hb; printf '%s\\n' "${COMPREPLY[@]}"
            """
        var spawn = Spawn(program: "/bin/bash", arguments: ["bash", "--norc", "-c", script])
        spawn.environment = ["PATH=\(folder.path):/usr/bin:/bin"]
        spawn.workingDirectory = folder.path
        let output = try Descriptor.open("\(folder.path)/stdout", O_RDWR | O_CREAT, mode: 0o600)
        spawn.descriptors = [1: output.raw, 2: output.raw]
        let pid = try spawn.start()
        if let report { try daemon.serve(report) }
        #expect(try Children.wait(pid) == .exited(0))
        #expect(!FileSystem.names(in: folder.path).contains("hbe-expanded"))
        return folder.text("stdout")
    }
}

extension Substring {
    /// The name in a line `"name": value` of JSON.
    fileprivate var firstMatchOfName: String? {
        let parts = split(separator: "\"", omittingEmptySubsequences: false)
        guard parts.count >= 3, parts[2].hasPrefix(": "), parts[0].allSatisfy({ $0 == " " }) else { return nil }
        return String(parts[1])
    }
}
