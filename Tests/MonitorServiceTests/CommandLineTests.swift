import ClusterModel
import LinuxSystem
import Rig
import Testing

@testable import MonitorService

@Suite("The command line of mon")
struct CommandLineTests {
    @Test("mon's own letters, and values as the next word")
    func letters() throws {
        let options = try MonitorOptions.parse(
            ["-d", "-d", "-c", "/x", "-l", "all", "-M", "/usr/bin/m4", "-p", "99", "-r", "30s", "-S", "-P", "", "-s",
                "a:b"])
        #expect(options.debug == 2 && options.configuration == "/x" && options.loadsStatus && options.loadsDisabled)
        #expect(options.m4 == "/usr/bin/m4" && options.serverport == 99 && options.randstart == .seconds(30))
        #expect(options.startsStopped && options.pidfile == "" && options.mondir == ["a", "b"])
        let bare = try MonitorOptions.parse(["-l", "-f", "-M"])
        #expect(bare.loadsDisabled && !bare.loadsStatus && bare.daemonizes && bare.m4 == "m4")
        for words in [["-p", "x"], ["-lwhat"], ["-r", "5"], ["word"], ["-q"]] {
            #expect(throws: (any Error).self) { try MonitorOptions.parse(words) }
        }
    }

    @Test("addresses are matched whole, a dot is a dot", arguments: [
        (#"\d+.\d+.\d+.\d+"#, "10.0.0.1", true), ("10.0.0.1", "10.0.0.1", true), ("10.0.0.1", "10.0.0.11", false),
        ("10.0.0.1", "10a0b0c1", false), ("10.0.0.1 1.2.3.4", "1.2.3.4", true), (#"10\.0\.0\.[0-9]"#, "10.0.0.7", true),
        ("", "1.2.3.4", false), (#"10.0.0.\d*"#, "10.0.0.255", true),
    ])
    func filter(text: String, address: String, expected: Bool) {
        #expect(ClientFilter(text)?.allows(address) == expected)
        #expect(ClientFilter("(") == nil)
    }

    @Test("--check tells what is wrong, and where; a broken configuration starts nothing")
    func check() throws {
        let text = "hostgroup web www1\n\nwatch web\n  service a\n    interval 5\n    monitor m.monitor\n"
        let stage = try MonitorStage(text, programs: [("mon.d/m.monitor", "exit 0\n")])
        let broken = try Command([MonitorStage.program, "--check"] + stage.arguments).run()
        #expect(broken.status == .exited(2) && broken.output.contains("error: interval: expected a time"))
        #expect(broken.output.contains("5s is 5 seconds"))
        #expect(try Command([MonitorStage.program] + stage.arguments).run().status == .exited(2))
        try stage.write("etc/mon.cf", stage.read("etc/mon.cf").replacing("interval 5", with: "interval 5s"))
        let good = try Command([MonitorStage.program, "--check"] + stage.arguments).run()
        #expect(good.status == .exited(0), "\(good.output)")
        try stage.write("etc/mon.cf", stage.read("etc/mon.cf").replacing("m.monitor", with: "n.monitor"))
        let missing = try Command([MonitorStage.program, "--check"] + stage.arguments).run()
        #expect(missing.status == .exited(1) && missing.output.contains("no monitor n.monitor found"))
    }

    @Test("a configuration goes through m4 where its name says so",
        .enabled(if: FileSystem.kind(of: "/usr/bin/m4") != nil, "m4 is not installed"))
    func preprocess() throws {
        let stage = try MonitorStage("", programs: [("mon.d/m.monitor", "exit 0\n")])
        try stage.write("etc/mon.cf.m4",
            "define(`G', `web')mondir = LAB/mon.d\ncfbasedir = LAB/etc\n\nhostgroup G www1\n\n"
            + "watch G\n  service a\n    interval 5s\n    monitor m.monitor\n")
        let run = try Command([MonitorStage.program, "--check", "-c", "\(stage.folder)/etc/mon.cf.m4"]).run()
        #expect(run.status == .exited(0), "\(run.output)")
    }
}
