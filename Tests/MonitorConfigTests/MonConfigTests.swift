import ClusterConfig
import ClusterModel
import Glibc
import MonitorConfig
import Monitoring
import Testing

@Suite("mon.cf and auth.cf")
struct MonConfigTests {
    private func read(_ text: String) -> (configuration: MonitorConfiguration?, diagnostics: [Diagnostic]) {
        MonitorConfigReader.read(path: "mon.cf", bytes: Array(text.utf8))
    }

    private static let root = #filePath.split(separator: "/").dropLast(3).reduce("") { $0 + "/" + $1 }

    private func file(_ path: String) throws -> [UInt8] {
        let file = try #require(fopen(MonConfigTests.root + "/" + path, "r"), "\(path)")
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 1 << 16)
        return Array(bytes[..<fread(&bytes, 1, bytes.count, file)])
    }

    @Test("the configuration of the captured sessions, whole")
    func captured() throws {
        let (read, diagnostics) = MonitorConfigReader.read(
            path: "mon.cf", bytes: try file("Tests/MonitoringTests/Fixtures/mon.cf"))
        let configuration = try #require(read, "\(diagnostics.rendered)")
        #expect(diagnostics.map(\.severity) == [.warning, .warning])
        #expect(configuration.watches == ["gw", "web", "trapgrp", "default"])
        #expect(configuration.services.map(\.id.description)
            == ["gw:ping", "web:http", "web:notested", "trapgrp:t1", "default:default"])
        let http = configuration.services[1]
        #expect(http.interval == .seconds(2) && http.failureInterval == .seconds(3) && http.excludeHosts == ["www3"])
        #expect(http.depend?.services.map(\.description) == ["gw:ping"] && http.dependencyBehavior == .alert)
        #expect(http.periods[0].key == "P1" && http.periods[0].alerts.count == 5 && http.periods[0].numAlerts == 5)
        #expect(http.periods[0].alertEvery == AlertEvery(interval: .seconds(3600), condition: .sameOutput))
        #expect(http.periods[0].alerts[0].exitRange == ExitRange("2-4") && http.periods[0].alertAfterCount == 2)
        let ping = configuration.services[0]
        #expect(ping.periods[0].key == "wd {Sun-Sat}" && ping.environment == [Setting(name: "FOO", value: "bar baz")])
        #expect(ping.periods[0].alerts[0].argumentText == "admin@example.com \"a b\"")
        #expect(configuration.services[2].periods[0].key == "")
        #expect(configuration.group("web")?.enabledHosts == ["www1", "www2", "www3"])
        #expect(configuration.aliases[0].lines == ["The web site", "web:http"])
        #expect(configuration.views[0].members == ["web", "gw:ping"])
        #expect(configuration.globals.authtypes == [.userfile] && configuration.globals.maxprocs == 20)
        #expect(configuration.globals.mondir == ["LAB/mon.d"] && configuration.globals.dtlogging)
    }

    @Test("the shipped examples have no errors")
    func examples() throws {
        let (configuration, diagnostics) = MonitorConfigReader.read(path: "mon.cf", bytes: try file("etc/ha.d/mon.cf"))
        #expect(configuration != nil && diagnostics.isEmpty, "\(diagnostics.rendered)")
        let (authorization, complaints) = MonitorConfigReader.readAuthorization(
            path: "auth.cf", bytes: try file("etc/ha.d/auth.cf"))
        #expect(authorization != nil && complaints.isEmpty, "\(complaints.rendered)")
    }

    @Test("lines: continuation, comments between them, blanks; records end with blank lines")
    func lines() throws {
        let (read, diagnostics) = read("""
              cltimeout = \\
                 1.5\\
            # in between
            m
            hostgroup g \\
              a  \\   
            # comment
              b
            # comment ends nothing
              c *d

            maxprocs=7
            watch g
              service s
                interval 1m
                A_B=x = y
                monitor m.monitor   -x
                description \\
                  two words
            """)
        let configuration = try #require(read, "\(diagnostics.rendered)")
        #expect(configuration.globals.cltimeout == .seconds(90) && configuration.globals.maxprocs == 7)
        #expect(configuration.group("g")?.hosts.map(\.name) == ["a", "b", "c", "d"])
        #expect(configuration.group("g")?.enabledHosts == ["a", "b", "c"])
        #expect(configuration.services[0].environment == [Setting(name: "A_B", value: "x = y")])
        #expect(configuration.services[0].monitorWords == ["m.monitor", "-x"])
        #expect(configuration.services[0].description == "two words")
    }

    private static let service = "hostgroup g h\n\nwatch g\n  service s\n    interval 10s\n    monitor m.monitor\n"

    @Test("each mistake: where it is, and what is said of it", arguments: [
        ("bogus x\n", "1:1", "unknown syntax"), ("maxproc = 3\n", "1:1", "did you mean maxprocs?"),
        ("  cltimeout = 5\n", "1:15", "expected a time"), ("maxprocs = many\n", "1:12", "expected a number"),
        ("hostgroup g h\n\nhostgroup g i\n", "3:11", "defined in line 1"),
        ("watch g\n  interval 1s\n", "2:3", "need to specify service"),
        (service + "    bogus x\n", "7:5", "unknown syntax"),
        (service + "    intervall 1s\n", "7:5", "did you mean interval?"),
        (service + "    interval 5\n", "7:14", "expected a time"),
        (service + "    interval 0s\n", "7:14", "longer than nothing"),
        (service + "    alert x\n", "7:5", "belongs to a period"),
        (service + "    period\n      interval 3s\n", "8:7", "before the period"),
        (service + "    period wd {Foo}\n", "7:16", "malformed period"),
        (service + "    depend a:b &\n", "7:16", "expected an operator"),
        (service + "    period\n      alertafter x 5m\n", "8:18", "number before the time"),
        (service + "    period\n      alertafter 4 30s\n", "8:18", "never come within 30s"),
        (service + "    period\n      alertevery 1h summery\n", "8:21", "did you mean summary?"),
        (service + "    period\n      alert exit=x y\n", "8:13", "exit=N"),
        (service + "    period\n    period\n", "8:5", "without a name"),
        (service + "    period A: wd {Mon}\n    period A: wd {Tue}\n", "8:5", "is there already"),
        (service + "    redistribute a b\n", "7:18", "no arguments"),
        (service + "  service s\n", "7:11", "defined in line 4"),
        (service + "watch g\n  service t\n", "7:7", "defined in line 3"), ("dep_behavior = x\n", "1:16", "no alerts"),
        ("authtype = pan\n", "1:12", "did you mean"), ("hostgroup\n", "1:1", "no name"),
        ("hostgroup a/b\n", "1:11", "letters"),
        ("exclude_period = hr {25}\n", "1:22", "malformed period"),
    ])
    func mistakes(text: String, place: String, message: String) {
        let (configuration, diagnostics) = read(text)
        #expect(configuration == nil)
        let errors = diagnostics.filter { $0.severity == .error }
        let found = errors.first.map { "\($0.location.line):\($0.location.column)" }
        #expect(found == place, "\(text)\(diagnostics.rendered)")
        #expect(errors.first?.message.contains(message) == true, "\(diagnostics.rendered)")
    }

    @Test("what is worth a warning", arguments: [
        ("hostgroup g h\n\n", "no watch is for it"), ("watch g\n  service s\n", "no corresponding hostgroup"),
        ("hostgroup g h\nwatch g\n  service s\n", "no blank line"),
        (service + "    alertdepend g:x\n", "no such service"),
        ("syslog_facility = local33\n" + service, "syslog_facility: local33 is none, did you mean local3?"),
        ("hostgroup g h\n\nwatch g\n  service s\n    interval 1s\n", "no monitor"),
            ("hostgroup g h h\n\nwatch g\n service s\n", "named before"),
    ])
    func warnings(text: String, message: String) {
        let (configuration, diagnostics) = read(text)
        #expect(configuration != nil, "\(diagnostics.rendered)")
        #expect(diagnostics.contains { $0.severity == .warning && $0.message.contains(message) },
            "\(diagnostics.rendered)")
    }

    @Test("defaults of dependencies hold for services that come later")
    func defaults() throws {
        let (read, _) = read("dep_behavior = m\ndep_memory = 5m\nunack_summary = yes\n" + MonConfigTests.service)
        let service = try #require(read).services[0]
        #expect(service.dependencyBehavior == .monitor && service.dependencyMemory == .seconds(300)
            && service.unackSummary)
    }

    @Test("auth.cf: rights, senders of traps, and what is wrong")
    func authorization() throws {
        let (read, diagnostics) = MonitorConfigReader.readAuthorization(
            path: "auth.cf", bytes: try file("Tests/MonitoringTests/Fixtures/auth.cf"))
        let authorization = try #require(read, "\(diagnostics.rendered)")
        #expect(diagnostics.isEmpty && authorization.rules.count == 19)
        #expect(authorization.allows("disable", to: "joe") && !authorization.allows("disable", to: "bob"))
        #expect(authorization.trapSources == [.init(host: "127.0.0.1", user: "*", hash: "*")])
        for text in ["list all\n", "trap section\nhost user\n", "some section\n"] {
            let (broken, errors) = MonitorConfigReader.readAuthorization(path: "auth.cf", bytes: Array(text.utf8))
            #expect(broken == nil && errors.hasErrors, "\(text)")
        }
        let (_, hints) = MonitorConfigReader.readAuthorization(path: "auth.cf", bytes: Array("lits: all\n".utf8))
        #expect(hints.first?.message.contains("did you mean list?") == true)
    }

    @Test("garbage ends nothing")
    func garbage() {
        var random = RandomSource(seed: 11)
        let words = ["watch", "service", "period", "hostgroup", "g", "=", "\\", "\n", "#", "interval", "5s", "{", "}",
            "wd",
            "alert", "depend", "(", "!", "exit=", "\u{0}", "é", "\t", "alertafter", "3"]
        for _ in 0..<3000 {
            let text = (0..<40).map { _ in words.randomElement(using: &random) ?? "" }.joined(separator: " ")
            let (configuration, diagnostics) = read(text)
            #expect((configuration == nil) == diagnostics.hasErrors)
        }
    }
}
