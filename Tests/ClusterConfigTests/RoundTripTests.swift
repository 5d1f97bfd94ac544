// What is printed means what was read.
import ClusterModel
import Testing

@testable import ClusterConfig

@Suite struct RoundTripTests {
    /// Without what says how the files were written.
    private func meaning(_ configuration: Configuration) -> Configuration {
        var copy = configuration
        copy.parameters = []
        for index in copy.groups.indices { copy.groups[index].line = 0 }
        return copy
    }

    private func expectRoundTrip(_ files: CaseFile, sourceLocation: Testing.SourceLocation = #_sourceLocation) throws {
        let (first, diagnostics) = ConfigurationReader.read(files: files.files, facts: files.facts)
        let configuration = try #require(first, "\(diagnostics.rendered)", sourceLocation: sourceLocation)
        var printed = files
        let text = ConfigurationPrinter.haConfig(configuration)
        printed.files.haConfig.bytes = Array(text.utf8)
        printed.files.resources.bytes = Array(ConfigurationPrinter.haresources(configuration).utf8)
        let (second, again) = ConfigurationReader.read(files: printed.files, facts: files.facts)
        let reread = try #require(second, "\(again.rendered)", sourceLocation: sourceLocation)
        #expect(meaning(reread) == meaning(configuration), sourceLocation: sourceLocation)
        #expect(ConfigurationPrinter.haConfig(reread) == text, sourceLocation: sourceLocation)
    }

    static let names = SourceTree.names(in: SourceTree.cases, suffix: ".in")

    @Test("every case that gives a configuration prints and parses back", arguments: names)
    func cases(name: String) throws {
        let files = CaseFile(parsing: try #require(SourceTree.text("\(SourceTree.cases)/\(name).in")))
        guard ConfigurationReader.read(files: files.files, facts: files.facts).configuration != nil else { return }
        try expectRoundTrip(files)
    }

    @Test("every directive with a value that is not its default")
    func everything() throws {
        let haConfig = """
            node alpha,beta gamma
            keepalive 3ms
            deadtime 13s
            warntime 7ms
            initdead 20s
            deadping 1m
            lease 9ms
            quorum ping
            udpport 700
            bcast eth0
            udpport ha-cluster
            udp eth1
            ucast eth2 10.9.9.9
            ucast6 eth2 fe80::9
            mcast eth3 239.0.0.1 695 2 1
            mcast6 eth3 ff02::2 ha-cluster 7 0
            announce count 3 interval 1500ms refresh 30s router 10.0.0.1 router 10.0.0.2
            connections drop
            notify /bin/pager dead blocked
            notify https://alerts.example/x,y?z=1
            notify mailto:ops@example.org joined
            serial /dev/ttyS0
            baud 115200
            serial /dev/ttyS1 /dev/ttyUSB0
            ping 10.0.0.254 Router.Example
            ping6 fd00::fe
            ping_group switches 10.0.0.252 10.0.0.253
            hopfudge 3
            auto_failback off
            stop_retries 4
            stop_failure reboot
            operation_timeout 90s
            operation_timeout apache start 2m stop 1500ms
            operation_timeout * status 7s
            monitor * interval 30s
            monitor Filesystem probe write
            monitor Filesystem::/dev/sdb1::/srv::ext4::noatime interval 5s timeout 8s restarts 0 within 1m
            monitor nginx.service off
            monitor apache on
            address_probe 120ms
            env STOPRETRYMAX=7 COLOUR=blue
            stonith external/ipmi /etc/ha.d/ipmi.conf
            stonith_host * external/apc 10.0.0.250 apc secret
            watchdog /dev/watchdog
            msgfmt netstring
            max_rexmit_delay 100
            hbgenmethod time
            uuidfrom nodename
            cluster web
            logfacility local3
            logfile /var/log/ha-log
            debugfile /var/log/ha-debug
            debug 3
            log_badpack no
            syslogmsgfmt off
            realtime off
            rtprio 42
            coredumps false
            respawn hacluster /usr/lib/heartbeat/ipfail  -x
            failfast root /usr/local/bin/guard
            apiauth ipfail uid=hacluster,root gid=haclient
            """
        let resources = """
            alpha 10.0.0.1/24/eth0:web Filesystem::/dev/sdb1::/srv::ext4::noatime nginx.service
            BETA IPv6addr::fd00::1/64/eth0 IPaddr2::10.0.0.2 systemd::postgresql \\
                Delay::1 apache MailTo::root@example.org::hello httpd-with-a-very-long-name-that-wraps
            """
        let files = CaseFile(haConfig: haConfig, resources: resources)
        try expectRoundTrip(files)

        let (read, _) = ConfigurationReader.read(files: files.files, facts: files.facts)
        let configuration = try #require(read)
        #expect(configuration.nodes == ["alpha", "beta", "gamma"])
        #expect(
            configuration.members.suffix(4).map(\.name) == ["10.0.0.254", "router.example", "fd00::fe", "switches"])
        #expect(configuration.media[0] == .broadcast(interface: "eth0", port: 700))
        #expect(configuration.media[1] == .broadcast(interface: "eth1", port: 694))
        #expect(configuration.media[6] == .serial(tty: "/dev/ttyS0", baud: 19200))
        #expect(configuration.media[7] == .serial(tty: "/dev/ttyS1", baud: 115_200))
        #expect(configuration.policy.stopRetries == 4)
        #expect(configuration.policy.timeouts.count == 3 && configuration.policy.monitors.count == 5)
        let words = configuration.groups.flatMap(\.resources)
        func monitor(_ text: String, byDefault: Bool) throws -> MonitorPolicy? {
            configuration.policy.monitor(
                for: try #require(words.first { $0.text == text }), byDefault: byDefault)
        }
        #expect(
            try monitor("Filesystem::/dev/sdb1::/srv::ext4::noatime", byDefault: true)
                == MonitorPolicy(
                    interval: .seconds(5), timeout: .seconds(8), restarts: 0, window: .seconds(60), probe: .write))
        #expect(try monitor("nginx.service", byDefault: true) == nil)
        #expect(try monitor("apache", byDefault: false) == MonitorPolicy(interval: .seconds(30)))
        #expect(try monitor("MailTo::root@example.org::hello", byDefault: false) == nil)
        #expect(configuration.groups[1].preferred == "beta")
        #expect(configuration.groups[1].resources.count == 7)
        #expect(configuration.processes.respawn[0].command == "/usr/lib/heartbeat/ipfail -x")
        #expect(configuration.parameters.contains(Setting(name: "deadtime", value: "13s")))
    }

    @Test("the printed text names the effective values, and what they follow from")
    func printed() throws {
        let files = CaseFile(haConfig: "node alpha beta\nbcast eth0\nping 10.0.0.9\ndeadtime 8\n")
        let configuration = try #require(ConfigurationReader.read(files: files.files, facts: files.facts).configuration)
        let text = ConfigurationPrinter.haConfig(configuration)
        let expected = """
            node alpha    # this node
            node beta
            quorum ping    # the default
            cluster linux-ha

            keepalive 1s
            deadtime 8s
            warntime 4s    # half of deadtime
            initdead 16s    # follows from deadtime
            deadping 8s    # as deadtime
            # lease 7s    follows from deadtime and keepalive, ends 1s before deadtime

            udpport 694
            bcast eth0
            ping 10.0.0.9

            auto_failback legacy
            stop_retries 10
            stop_failure block
            operation_timeout 60s
            address_probe 50ms
            connections keep
            # no watchdog

            """
        #expect(text.hasPrefix(expected), "\(text)")
    }

    @Test("what is printed shows no key")
    func noKeys() throws {
        let files = CaseFile(keys: "auth 1\n1 sha256 hunter2-hunter2\n")
        let configuration = try #require(ConfigurationReader.read(files: files.files, facts: files.facts).configuration)
        let printed = ConfigurationPrinter.haConfig(configuration) + ConfigurationPrinter.haresources(configuration)
        #expect(!printed.contains("hunter2"))
    }

    @Test("defaults that follow from other values")
    func defaults() throws {
        func timing(_ lines: String) throws -> Timing {
            let files = CaseFile(haConfig: CaseFile.goodHAConfig + lines)
            return try #require(ConfigurationReader.read(files: files.files, facts: files.facts).configuration).timing
        }
        #expect(try timing("").initdead == .seconds(30))
        #expect(try timing("").warntime == .seconds(15))
        #expect(try timing("deadtime 12ms\nkeepalive 3ms").initdead == .seconds(12))
        #expect(try timing("deadtime 12ms\nkeepalive 3ms").warntime == .milliseconds(6))
        #expect(try timing("deadtime 8").initdead == .seconds(16))
        #expect(try timing("deadtime 8").deadping == .seconds(8))
        #expect(try timing("deadtime 11").initdead == .seconds(11))
        #expect(try timing("").lease == nil)
    }

    @Test("quorum: majority from three nodes, ping for two with ping nodes, else ignore")
    func quorum() throws {
        func quorum(_ haConfig: String) throws -> QuorumPolicy {
            let files = CaseFile(haConfig: haConfig)
            return try #require(ConfigurationReader.read(files: files.files, facts: files.facts).configuration).quorum
        }
        #expect(try quorum("node alpha beta gamma\nbcast eth0\n") == .majority)
        #expect(try quorum("node alpha beta\nbcast eth0\n") == .ignore)
        #expect(try quorum("node alpha beta\nbcast eth0\nping 10.0.0.9\n") == .ping)
        #expect(try quorum("node alpha beta gamma\nbcast eth0\nquorum ignore\n") == .ignore)
    }
}
