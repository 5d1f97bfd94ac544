import ClusterModel
import Monitoring
import Testing

@Suite("Which alerts are given")
struct AlertTests {
    private func plan(_ period: String, service: String = "# -", globals: String = "") -> String {
        """
        \(globals)

        hostgroup web www1 www2

        watch web
          service http
            description The "web"
            interval 10s
            monitor http.monitor
            \(service)
            period
              \(period)
        """
    }

    private let down = CheckResult(exit: 3, text: "www1\ndetail\n")

    private func kinds(_ stage: Stage) -> [String] {
        stage.alerts.map { order in
            order.environment.first { $0.name == "MON_ALERTTYPE" }?.value ?? ""
        }
    }

    @Test("a failure and its end: words, environment and input as mon gives them")
    func outage() throws {
        var stage = try Stage(plan("""
            alert a.alert admin@example.com "a b"
                upalert u.alert up
                startupalert s.alert start
                alertevery 1h
            """))
        #expect(kinds(stage) == ["startup"] && stage.alerts[0].input == [] && stage.alerts[0].arguments == ["start"])
        stage.results["web:http"] = down
        stage.run(seconds: 25)
        #expect(kinds(stage) == ["startup", "failure"])
        let alert = stage.alerts[1]
        #expect(alert.flags == ["-s", "http", "-g", "web", "-h", "www1 www2", "-t", "\(Stage.epoch + 10)"])
        #expect(alert.arguments == ["admin@example.com", "a b"] && alert.input == down.output)
        let names = ["MON_GROUP", "MON_SERVICE", "MON_DESCRIPTION", "MON_LAST_SUMMARY", "MON_OPSTATUS", "MON_RETVAL",
            "MON_FIRST_FAILURE", "MON_LAST_FAILURE", "MON_LAST_SUCCESS"]
        let values = names.map { name in alert.environment.first { $0.name == name }?.value }
        let first = "\(Stage.epoch + 10)"
        #expect(values == ["web", "http", "The \"web\"", "www1", "0", "3", first, first, "0"])
        stage.results = [:]
        stage.run(seconds: 10)
        #expect(kinds(stage) == ["startup", "failure", "up"])
        #expect(stage.alerts[2].flags.last == "-u" && stage.alerts[2].input == down.output)
        #expect(stage.alerts[2].environment.contains(Setting(name: "MON_LAST_SUMMARY", value: "www1")))
        #expect(stage.state("web", "http").alertsSent == 0 && stage.state("web", "http").lastFailure == 0)
        let history = stage.ask("list alerthist")
        #expect(history.first == #"startupalert\20web\20http\20"# + "\(Stage.epoch)"
            + #"\20/alert.d/s.alert\20(start)\20(NO\20SUMMARY)"#)
        #expect(history[1].hasSuffix(#"/alert.d/a.alert\20(admin@example.com\20\22a\20b\22)\20www1"#))
    }

    @Test("alertevery: once in the interval while the summary, or the output, stays the same", arguments: [
        ("alertevery 1h", 2), ("alertevery 1h observe_detail", 3), ("alertevery 1h ignore_summary", 1),
        ("alertevery 1h strict", 1), ("alertevery 25s", 2), ("", 4), ("numalerts 2", 2), ("alertexitrange 4-9", 0),
        ("alertexitrange 3", 4), ("alertafter 3", 2), ("alertafter 15s", 2), ("alertafter 3 25s", 2),
        ("numalerts 1\n      alerts_dont_count", 4),
    ])
    func limits(line: String, expected: Int) throws {
        var stage = try Stage(plan("alert a.alert\n      \(line)"))
        let results = ["www1\na\n", "www1\na\n", "www1\nb\n", "www2\nb\n"]
        stage.run(seconds: 5)
        // The last change of the summary falls behind the 25 s of the shortest interval.
        for text in line == "alertevery 25s" ? Array(repeating: "www1\n", count: 4) : results {
            stage.results["web:http"] = CheckResult(exit: 3, text: text)
            stage.run(seconds: 10)
        }
        stage.run(seconds: 0.5)
        #expect(stage.alerts.count == expected, "\(line)")
    }

    @Test("a strict interval outlives a success, the others do not")
    func strict() throws {
        for (word, expected) in [("strict", 1), ("", 2)] {
            var stage = try Stage(plan("alert a.alert\n      alertevery 1h \(word)"))
            stage.run(seconds: 5)
            for isDown in [true, false, true] {
                stage.results["web:http"] = isDown ? down : CheckResult(exit: 0, text: "\n")
                stage.run(seconds: 10)
            }
            stage.run(seconds: 0.5)
            #expect(stage.alerts.count == expected)
        }
    }

    @Test("exit= of an alert line, and periods that do not hold")
    func ranges() throws {
        var stage = try Stage("""
            hostgroup web www1

            watch web
              service http
                interval 10s
                monitor http.monitor
                period P1: wd {Sat}
                  alert exit=2-4 a.alert
                  alert exit=9 b.alert
                period P2: wd {Mon-Fri}
                  alert c.alert
            """)
        stage.results["web:http"] = down
        stage.run(seconds: 10.5)
        #expect(stage.alerts.map(\.source) == [.file("/alert.d/a.alert")])
    }

    @Test("upalerts: only after an alert, or with no_comp_alerts; only after a long outage with upalertafter")
    func upalerts() throws {
        for (lines, expected) in [
            ("alertafter 9\n      alert a.alert\n      upalert u.alert", 0),
            ("no_comp_alerts\n      upalert u.alert", 1),
            ("no_comp_alerts\n      upalertafter 15s\n      upalert u.alert", 0),
            ("no_comp_alerts\n      upalertafter 5s\n      upalert u.alert", 1),
        ] {
            var stage = try Stage(plan(lines))
            stage.results["web:http"] = down
            stage.run(seconds: 15)
            stage.results = [:]
            stage.run(seconds: 30)
            #expect(stage.alerts.count == expected, "\(lines)")
        }
    }

    @Test("a disabled or acknowledged service gives none; another summary ends the acknowledgement where it shall")
    func silence() throws {
        var stage = try Stage(plan("alert a.alert\n      ackalert k.alert\n      disablealert d.alert",
            service: "unack_summary"))
        stage.results["web:http"] = down
        stage.run(seconds: 10.5)
        #expect(stage.ask(#"ack web http 'looking\20into\20it'"#) == ["220 ack completed"])
        #expect(stage.alerts.count == 2 && stage.alerts[1].input == Array(": looking into it".utf8))
        #expect(stage.alerts[1].flags.last == "-a")
        #expect(stage.alerts[1].environment.contains(Setting(name: "MON_ACK", value: ": looking into it")))
        stage.run(seconds: 20)
        #expect(stage.alerts.count == 2)
        stage.results["web:http"] = CheckResult(exit: 3, text: "www2\n")
        stage.run(seconds: 10)
        #expect(stage.alerts.count == 3 && stage.state("web", "http").acknowledged == 0)
        #expect(stage.ask("disable service web http") == ["220 disable service completed"])
        #expect(stage.alerts.count == 4 && stage.alerts[3].flags.last == "-D")
        stage.run(seconds: 20)
        #expect(stage.alerts.count == 4)
        _ = stage.ask("enable service web http")
        _ = stage.ask("disable watch web")
        stage.run(seconds: 10)
        let (alerts, failures) = (stage.alerts.count, stage.state("web", "http").failureCount)
        stage.run(seconds: 30)
        #expect(stage.alerts.count == alerts)
        #expect(stage.state("web", "http").failureCount == failures, "what is disabled is not checked")
        _ = stage.ask("enable watch web")
        stage.run(seconds: 2)
        #expect(stage.state("web", "http").failureCount == failures + 1)
    }

    @Test("dependencies hold alerts back: depend, alertdepend alone, several steps, with a memory")
    func dependencies() throws {
        for keyword in ["depend gw:ping", "alertdepend gw:ping"] {
            var stage = try Stage("""
                hostgroup web www1
                hostgroup gw gw1
                hostgroup net n1

                watch net
                  service up
                    interval 3s
                    monitor n.monitor
                watch gw
                  service ping
                    interval 4s
                    monitor p.monitor
                    \(keyword.prefix { $0 != " " }) net:up
                watch web
                  service http
                    interval 10s
                    monitor h.monitor
                    \(keyword)
                    dep_memory 30s
                    period
                      alert a.alert
                """)
            stage.results = ["web:http": down, "net:up": down]
            stage.run(seconds: 21)
            #expect(stage.alerts.isEmpty, "the network is down")
            stage.results = ["web:http": down]
            stage.run(seconds: 10)
            #expect(stage.alerts.count >= 1, "only what is named itself is remembered")
            let before = stage.alerts.count
            stage.results["gw:ping"] = down
            stage.run(seconds: 10)
            stage.results["gw:ping"] = nil
            stage.run(seconds: 20)
            #expect(stage.alerts.count == before, "within the memory")
            stage.run(seconds: 30)
            #expect(stage.alerts.count > before)
        }
    }

    @Test("a dependency on itself, or on nothing that is there, counts as failing, and ends")
    func circles() throws {
        var stage = try Stage(plan("alert a.alert", service: "alertdepend web:nothing"))
        stage.results["web:http"] = down
        stage.run(seconds: 25)
        #expect(stage.alerts.isEmpty)
        var circle = try Stage("""
            hostgroup web www1

            watch web
              service a
                interval 5s
                monitor a.monitor
                monitordepend SELF:b
              service b
                interval 5s
                monitor b.monitor
                monitordepend SELF:a
            """)
        circle.run(seconds: 20)
        #expect(circle.state("web", "a").lastCheck == nil, "it cannot be told whether it may run")
    }

    @Test("redistribute is called for every result")
    func redistribute() throws {
        var stage = try Stage(plan("alertafter 9\n      alert a.alert", service: "redistribute r.alert"))
        stage.run(seconds: 10.5)
        stage.results["web:http"] = down
        stage.run(seconds: 10)
        #expect(stage.alerts.map(\.source) == [.file("/alert.d/r.alert"), .file("/alert.d/r.alert")])
        #expect(stage.alerts.map { $0.flags.contains("-u") } == [true, false])
    }

    @Test("traps: a failure, its end, the service that stands in, what is refused")
    func traps() throws {
        var stage = try Stage("""
            watch trapgrp
              service t1
                traptimeout 60s
                trapduration 20s
                period
                  alert t.alert trap
                  upalert t.alert up

            watch default
              service default
                period
                  alert d.alert def
            """)
        func trap(_ group: String, _ status: Int, version: String = "0.3807") -> TrapMessage {
            let names = "pro='\(version)'\ngrp='\(group)'\nsvc='t1'\n"
            return TrapMessage(Array("\(names)sta='\(status)'\nsum='sum'\ndtl='dtl'\n".utf8))
        }
        stage.handle(.trap(trap("trapgrp", 5), host: "1.2.3.4", isAuthorized: true))
        #expect(stage.alerts.count == 1 && stage.alerts[0].flags.last == "-T")
        #expect(stage.alerts[0].input == Array("sum\n\ndtl".utf8))
        #expect(stage.state("trapgrp", "t1").lastTrapHost == "1.2.3.4" && stage.state("trapgrp", "t1").exit == 5)
        stage.handle(.trap(trap("elsewhere", 5), host: "1.2.3.4", isAuthorized: true))
        #expect(stage.alerts[1].environment.contains(Setting(name: "MON_TRAP_INTENDED", value: "elsewhere:t1")))
        stage.handle(.trap(trap("trapgrp", 5), host: "1.2.3.4", isAuthorized: false))
        stage.handle(.trap(trap("trapgrp", 5, version: "0.1"), host: "1.2.3.4", isAuthorized: true))
        #expect(stage.state("trapgrp", "t1").failureCount == 1)
        stage.handle(.trap(trap("trapgrp", 0), host: "1.2.3.4", isAuthorized: true))
        #expect(kinds(stage) == ["trap", "trap", "up"] && stage.state("trapgrp", "t1").status == .ok)
    }

    @Test("a trap that does not come is a failure; one that is over is forgotten without a word")
    func trapTimers() throws {
        var stage = try Stage("""
            watch trapgrp
              service t1
                traptimeout 60s
                trapduration 20s
                period
                  alert t.alert
                  upalert t.alert
            """)
        stage.run(seconds: 60)
        #expect(kinds(stage) == ["traptimeout"] && stage.alerts[0].flags.last == "-O")
        #expect(stage.state("trapgrp", "t1").lastSummary == Array("trap timeout".utf8))
        #expect(stage.state("trapgrp", "t1").status == .fail)
        let trap = TrapMessage(Array("pro=1\ngrp=trapgrp\nsvc=t1\nsta=2\nsum=x\n".utf8))
        stage.handle(.trap(trap, host: "1.2.3.4", isAuthorized: true))
        stage.run(seconds: 20)
        #expect(stage.state("trapgrp", "t1").status == .ok && kinds(stage) == ["traptimeout", "trap"])
        stage.run(seconds: 39)
        #expect(stage.state("trapgrp", "t1").status == .ok)
        stage.run(seconds: 2)
        #expect(stage.state("trapgrp", "t1").status == .fail)
    }
}
