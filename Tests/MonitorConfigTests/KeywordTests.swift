import ClusterConfig
import ClusterModel
import MonitorConfig
import Monitoring
import Testing

@Suite("Every keyword of mon.cf")
struct KeywordTests {
    private func read(_ text: String) throws -> MonitorConfiguration {
        let (configuration, diagnostics) = MonitorConfigReader.read(path: "mon.cf", bytes: Array(text.utf8))
        #expect(diagnostics.isEmpty, "\(diagnostics.rendered)")
        return try #require(configuration)
    }

    @Test("globals")
    func globals() throws {
        let globals = try read("""
            alertdir = /a:b
            mondir = /m : n
            basedir = /base
            cfbasedir = /cf
            logdir = /logs
            statedir = /state
            authfile = who.cf
            authtype = pam userfile shadow getpwnam trustlocal
            userfile = users
            pamservice = mon
            pidfile = /run/x.pid
            serverport = 3000
            trapport = 3001
            serverbind = 10.0.0.1
            trapbind = 10.0.0.2
            clientallow = 10.\\d+.0.1
            cltimeout = 90s
            histlength = 7
            historicfile = history
            historictime = 2d
            maxprocs = 12
            randstart = 1.5m
            dtlogging = yes
            dtlogfile = downtimes
            monerrfile = /errors
            dep_recur_limit = 3
            dep_behavior = hm
            dep_memory = 1h
            unack_summary = 1
            syslog_facility = local3
            startupalerts_on_reset = true
            exclude_period = hr {2}
            monremote = /bin/remote -x
            check_timeout = 1m
            """).globals
        #expect(globals.alertdir == ["/a", "b"] && globals.mondir.count == 2 && globals.mondir[1] == "n")
        #expect(globals.basedir == "/base" && globals.cfbasedir == "/cf" && globals.logdir == "/logs")
        #expect(globals.statedir == "/state" && globals.authfile == "who.cf" && globals.userfile == "users")
        #expect(globals.authtypes == [.pam, .userfile, .shadow, .passwd, .trustlocal] && globals.pamservice == "mon")
        #expect(globals.pidfile == "/run/x.pid" && globals.serverport == 3000 && globals.trapport == 3001)
        #expect(globals.serverbind == "10.0.0.1" && globals.trapbind == "10.0.0.2")
        #expect(globals.clientallow == "10.\\d+.0.1" && globals.cltimeout == .seconds(90) && globals.histlength == 7)
        #expect(globals.historicfile == "history" && globals.historictime == .seconds(172_800))
        #expect(globals.maxprocs == 12 && globals.randstart == .seconds(90) && globals.dtlogging)
        #expect(globals.dtlogfile == "downtimes" && globals.monerrfile == "/errors")
        #expect(globals.dependencyDepthMax == 3 && globals.dependencyBehavior == .host)
        #expect(globals.dependencyMemory == .seconds(3600) && globals.unackSummary)
        #expect(globals.syslogFacility == "local3" && globals.startupalertsOnReset)
        #expect(globals.excludePeriod?.text == "hr {2}" && globals.monremote == "/bin/remote -x")
        #expect(globals.checkTimeout == .seconds(60))
    }

    @Test("services")
    func services() throws {
        let service = try read("""
            hostgroup g h i

            watch g
              service t
              service s
                interval 10s
                failure_interval 5s
                traptimeout 1h
                trapduration 2m
                randskew 3s
                monitor m.monitor -x "a b" ;;
                allow_empty_group
                description the text
                exclude_hosts h i
                exclude_period wd {Sun}
                depend g:t
                alertdepend SELF:t
                monitordepend g:t || g:t
                hostdepend !g:t
                dep_behavior m
                dep_memory 4m
                redistribute r.alert
                unack_summary
                check_timeout 7s
                NAME=a = b
            """).services[1]
        #expect(service.interval == .seconds(10) && service.failureInterval == .seconds(5))
        #expect(service.trapTimeout == .seconds(3600) && service.trapDuration == .seconds(120))
        #expect(service.randskew == .seconds(3) && service.monitorWords == ["m.monitor", "-x", "a b"])
        #expect(!service.appendsHosts && service.allowsEmptyGroup && service.description == "the text")
        #expect(service.excludeHosts == ["h", "i"] && service.excludePeriod?.text == "wd {Sun}")
        #expect(service.depend != nil && service.alertdepend?.services.map(\.description) == ["g:t"])
        #expect(service.monitordepend != nil && service.hostdepend != nil)
        #expect(service.dependencyBehavior == .monitor && service.dependencyMemory == .seconds(240))
        #expect(service.redistribute == "r.alert" && service.unackSummary && service.checkTimeout == .seconds(7))
        #expect(service.environment == [Setting(name: "NAME", value: "a = b")])
    }

    @Test("periods")
    func periods() throws {
        let periods = try read("""
            hostgroup g h

            watch g
              service s
                interval 10s
                monitor m.monitor
                period day: wd {Mon-Fri} hr {9am-4pm}, wd {Sat}
                  alert exit=1-3 a.alert -x 'a b'
                  alert b.alert
                  upalert exit=0 u.alert
                  startupalert s.alert
                  ackalert k.alert
                  disablealert d.alert
                  alertevery 1h strict
                  alertafter 3 5m
                  upalertafter 30s
                  numalerts 9
                  no_comp_alerts
                  alerts_dont_count
                  alertexitrange 2-5
                period
                  alert a.alert
                  alertevery 1h ignore_summary
                  alertafter 2m
                  X=y
            """).services[0].periods
        #expect(periods.map(\.key) == ["day", ""])
        let day = periods[0]
        #expect(day.alerts.map(\.kind) == [.alert, .alert, .upalert, .startupalert, .ackalert, .disablealert])
        #expect(day.alerts[0].exitRange == ExitRange("1-3") && day.alerts[0].arguments == ["-x", "a b"])
        #expect(day.alerts[1].exitRange == nil && day.alerts[1].arguments == [])
        #expect(day.alertEvery == AlertEvery(interval: .seconds(3600), condition: .strict))
        #expect(day.alertAfterCount == 3 && day.alertAfterInterval == .seconds(300))
        #expect(day.upalertAfter == .seconds(30) && day.numAlerts == 9 && day.noCompAlerts && day.alertsDontCount)
        #expect(day.exitRange == ExitRange("2-5"))
        #expect(periods[1].alertEvery?.condition == .always && periods[1].alertAfterCount == nil)
        #expect(periods[1].alertAfterInterval == .seconds(120))
    }
}
