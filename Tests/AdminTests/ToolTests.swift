// What all tools have in common: names, help, version, and the pages and completions that describe them.
import Admin
import CLinux
import LinuxSystem
import Testing

@Suite struct ToolTests {
    private static let calls = [
        ["hb"], ["hb", "status"], ["hb", "check"], ["hb", "standby"], ["hb", "takeover"], ["hb", "cleanup"],
        ["hb", "cl_status"], ["hb", "send_arp"], ["hb_standby"], ["hb_takeover"], ["cl_status"], ["send_arp"],
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
        let program = ["hb_standby", "hb_takeover", "cl_status", "send_arp"].contains(name) ? name : "hb"
        #expect(outcome == ToolOutcome(status: 0, output: "\(program) (heartbeat) \(Product.version)\n", errors: ""))
    }

    @Test("commands that do not exist are refused with the list of those that do")
    func unknownCommands() throws {
        let folder = try TemporaryFolder()
        let usage = "usage: hb status|check|standby|takeover|cleanup|cl_status|send_arp ... (hb --help)\n"
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
