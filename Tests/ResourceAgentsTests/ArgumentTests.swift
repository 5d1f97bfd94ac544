// Words of haresources and of command lines, understood or refused.
import CLinux
import ClusterModel
import LinuxSystem
import Reactor
import Testing

@testable import ResourceAgents

@Suite("Arguments of resources")
struct ArgumentTests {
    private func specification(_ text: String, type: String = "IPaddr2") -> String {
        do throws(ArgumentError) {
            let address = try AddressSpecification(argument: text, type: type)
            return [
                address.address.description, address.prefixLength.map(String.init) ?? "-", address.interface ?? "-",
                address.label ?? "-", address.broadcast?.description ?? "-",
            ].joined(separator: " ")
        } catch {
            return error.reason
        }
    }

    @Test(
        "Every form of an address is understood",
        arguments: [
            ("10.0.0.1", "10.0.0.1 - - - -"), ("10.0.0.1/24", "10.0.0.1 24 - - -"),
            ("10.0.0.1/24/eth0", "10.0.0.1 24 eth0 - -"), ("10.0.0.1/24/eth0:1", "10.0.0.1 24 eth0 eth0:1 -"),
            ("10.0.0.1/24/eth0/10.0.0.255", "10.0.0.1 24 eth0 - 10.0.0.255"),
            ("10.0.0.1/24/eth0:web/10.0.0.255", "10.0.0.1 24 eth0 eth0:web 10.0.0.255"),
            ("10.0.0.1/24/10.0.0.255", "10.0.0.1 24 - - 10.0.0.255"), ("10.0.0.1/eth0", "10.0.0.1 - eth0 - -"),
            ("10.0.0.1/255.255.255.0/eth0", "10.0.0.1 24 eth0 - -"),
            ("10.0.0.1/255.255.255.255", "10.0.0.1 32 - - -"), ("fd00::1", "fd00::1 - - - -"),
            ("fd00::1/64/eth0", "fd00::1 64 eth0 - -"), ("fd00::1/64/eth0:1", "fd00::1 64 eth0 - -"),
        ])
    func addresses(text: String, expected: String) { #expect(specification(text) == expected) }

    @Test(
        "What is wrong with an address is said",
        arguments: [
            ("", " is not an address"), ("web", "web is not an address"),
            ("10.0.0.256", "10.0.0.256 is not an address"),
            ("10.0.0.1/33", "33 is not a prefix length from 1 to 32"),
            ("10.0.0.1/0", "0 is not a prefix length from 1 to 32"),
            ("fd00::1/129", "129 is not a prefix length from 1 to 128"),
            ("10.0.0.1//eth0", "nothing stands between two slashes of the address"),
            ("10.0.0.1/24/eth0/eth1", "the interface is given twice"),
            ("10.0.0.1/24/25", "the prefix length is given twice"),
            ("10.0.0.1/24/interface-with-a-long-name", "interface-with-a-long-name is not the name of an interface"),
            ("fd00::1/64/eth0/10.0.0.255", "an IPv6 address has no broadcast address"),
        ])
    func wrongAddresses(text: String, expected: String) { #expect(specification(text) == expected) }

    @Test("IPv6addr takes IPv6 addresses only")
    func sixOnly() {
        #expect(specification("10.0.0.1", type: "IPv6addr") == "10.0.0.1 is not an IPv6 address")
        #expect(specification("fd00::1/64", type: "IPv6addr") == "fd00::1 64 - - -")
    }

    private func kind(_ type: String, _ arguments: [String] = []) -> ResourceKind {
        ResourceKind(
            ResourceSpecification(type: type, arguments: arguments, text: type), hasScript: { $0 == "apache" },
            hasUnit: { $0 == "nginx.service" || $0 == "apache.service" })
    }

    @Test("Words name native resources, units and scripts")
    func kinds() throws {
        #expect(kind("IPaddr", ["10.0.0.1/24"]) == .address(try AddressSpecification(argument: "10.0.0.1/24")))
        #expect(
            kind("Filesystem", ["/dev/sdb1", "/srv"]) == .filesystem(try FilesystemArguments(["/dev/sdb1", "/srv"])))
        #expect(kind("systemd", ["postgresql"]) == .unit("postgresql.service"))
        #expect(kind("systemd", ["data.mount"]) == .unit("data.mount"))
        #expect(kind("vpn@a.service") == .unit("vpn@a.service"))
        #expect(kind("nginx") == .unit("nginx.service"))
        #expect(kind("apache") == .script("apache", []), "a script wins over a unit of the same name")
        #expect(kind("nginx", ["conf"]) == .script("nginx", ["conf"]), "a unit takes no arguments")
        #expect(kind("unknown") == .script("unknown", []))
        #expect(
            kind("Filesystem", ["/dev/sdb1"]) == .invalid("expected Filesystem::DEVICE::DIRECTORY[::TYPE[::OPTIONS]]"))
        #expect(kind("systemd") == .invalid("expected systemd::UNIT"))
        #expect(kind("IPaddr2", ["10.0.0"]) == .invalid("10.0.0 is not an address"))
    }

    @Test("A filesystem's arguments are taken as mount takes them")
    func filesystems() throws {
        let full = try FilesystemArguments(["-Ldata", "//srv/data/", "ext4", "noatime"])
        #expect(full.words == ["LABEL=data", "/srv/data", "ext4", "noatime"])
        #expect(try FilesystemArguments(["tmpfs", "/srv", "", "size=1m"]).words == ["tmpfs", "/srv", "", "size=1m"])
        #expect(try FilesystemArguments(["-U1-2", "/srv"]).words == ["UUID=1-2", "/srv"])
        #expect(throws: ArgumentError(reason: "srv is not the full path of a directory")) {
            try FilesystemArguments(["/dev/sdb1", "srv"])
        }
        #expect(throws: ArgumentError(reason: "the root filesystem is not a resource")) {
            try FilesystemArguments(["/dev/sdb1", "//"])
        }
    }

    @Test("Scripts are found in order, and only by plain names")
    func locations() throws {
        let folder = try TemporaryFolder()
        try folder.write("resource.d/one", "#!/bin/sh\n", mode: 0o755)
        try folder.write("init.d/one", "#!/bin/sh\n", mode: 0o755)
        try folder.write("init.d/two", "#!/bin/sh\n", mode: 0o755)
        try folder.write("resource.d/two", "not executable", mode: 0o644)
        try folder.write("init.d/sub/three", "#!/bin/sh\n", mode: 0o755)
        try folder.write("units/getty@.service", "", mode: 0o644)
        var locations = ResourceLocations(configurationDirectory: folder.path)
        locations.scriptDirectories = ["\(folder.path)/resource.d", "\(folder.path)/init.d"]
        locations.unitDirectories = ["\(folder.path)/units"]
        #expect(locations.script("one") == "\(folder.path)/resource.d/one")
        #expect(locations.script("two") == "\(folder.path)/init.d/two")
        #expect(locations.script("sub") == nil)
        #expect(locations.script("sub/three") == nil)
        #expect(locations.script("../init.d/one") == nil)
        #expect(locations.script("") == nil)
        #expect(locations.hasUnit("getty@tty1.service"))
        #expect(!locations.hasUnit("getty.service"))
        #expect(!locations.hasUnit("../units/getty@.service"))
    }
}

@Suite("What scripts are told, and what they say")
struct ScriptTests {
    @Test(
        "The words of a status decide, `not running` first",
        arguments: [
            ("running", true), ("sshd is Running.", true), ("OK", true), ("status: OK\n", true), ("stopped", false),
            ("", false), ("not running", false), ("NoT rUnning", false), ("NOT Running", false),
            ("is not\nrunning", true), ("not yet, but soon running", false), ("cannot say; running", false),
            ("running, not stopped", true), ("RUNNING", false), ("ok", false), ("drunning", true), ("runnin", false),
            ("not ", false), ("r", false), ("not OK", true),
        ])
    func status(output: String, isRunning: Bool) { #expect(ScriptStatus.isRunning(Array(output.utf8)) == isRunning) }

    @Test(
        "a status that was killed, or could not be run, does not say that nothing runs",
        arguments: [
            (ChildStatus.killed(signal: SIGKILL), "", false), (.killed(signal: SIGSEGV), "stopp", false),
            (.exited(126), "", false), (.exited(127), "", false), (.exited(127), "stopped", true),
            (.exited(3), "", true), (.exited(0), "stopped", true), (.exited(1), "", true),
        ])
    func silence(ending: ChildStatus, output: String, isStopped: Bool) {
        let result = ProgramRun.Result(
            ending: .ended(ending), output: Array(output.utf8), errors: [], isTruncated: false)
        #expect((ScriptStatus.outcome(result) == .stopped) == isStopped)
    }

    @Test("A script's environment is heartbeat's; an env line wins, odd names are left out")
    func environment() {
        var configuration = Configuration()
        configuration.localName = "alpha"
        configuration.autoFailback = .on
        configuration.logging.facility = "local0"
        configuration.logging.logfile = "/var/log/ha-log"
        configuration.logging.debug = 1
        configuration.parameters = [
            Setting(name: "keepalive", value: "1"), Setting(name: "odd name", value: "x"),
            Setting(name: "keepalive", value: "2"), Setting(name: "CURHOST", value: "wrong"),
        ]
        configuration.processes.environment = [Setting(name: "DIR", value: "/elsewhere")]
        #expect(
            ScriptEnvironment.entries(configuration, configurationDirectory: "/etc/ha.d") == [
                "HA_keepalive=2", "HA_CURHOST=alpha",
                "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                "OCF_ROOT=/usr/lib/ocf", "HA_DIR=/elsewhere", "HA_FUNCS=/etc/ha.d/shellfuncs",
                "HA_DATEFMT=%Y/%m/%d_%T\t", "HA_LOGD=no", "HA_LOGFACILITY=local0", "HA_LOGFILE=/var/log/ha-log",
                "HA_debug=1", "HA_NICEFAILBACK=yes",
            ])
    }
}

@Suite("What systemd says")
struct UnitStateTests {
    @Test(
        "States mean running, stopped or neither",
        arguments: [
            ("active", ResourceOutcome.running), ("reloading", .running), ("inactive", .stopped), ("failed", .stopped),
            ("activating", .unknown("systemd says activating")),
            ("deactivating", .unknown("systemd says deactivating")),
            ("", .unknown("systemd says nothing")),
        ])
    func states(state: String, expected: ResourceOutcome) { #expect(UnitState.outcome(activeState: state) == expected) }

    @Test("The state after the job decides; the job's result is told")
    func jobs() {
        #expect(UnitState.outcome(of: .start, jobResult: "done", activeState: "active", unit: "x.service") == .done)
        #expect(
            UnitState.outcome(of: .start, jobResult: "failed", activeState: "failed", unit: "x.service")
                == .failed("job failed, then failed: journalctl -u x.service has the unit's own words"))
        #expect(
            UnitState.outcome(of: .start, jobResult: "done", activeState: "inactive", unit: "x.service")
                == .failed("job done, then inactive: journalctl -u x.service has the unit's own words"))
        #expect(UnitState.outcome(of: .stop, jobResult: "done", activeState: "failed", unit: "x.service") == .done)
        #expect(
            UnitState.outcome(of: .stop, jobResult: "canceled", activeState: "active", unit: "x.service")
                == .failed("job canceled, then active: journalctl -u x.service has the unit's own words"))
    }

    @Test("A unit that systemd does not know is stopped, and cannot be started")
    func unknownUnits() {
        let error = BusError(name: "org.freedesktop.systemd1.NoSuchUnit", message: "Unit x.service not loaded.")
        #expect(UnitState.outcome(of: .stop, error: error) == .done)
        #expect(UnitState.outcome(of: .start, error: error) == .failed("Unit x.service not loaded."))
        let denied = BusError(name: "org.freedesktop.DBus.Error.AccessDenied", message: "")
        #expect(UnitState.outcome(of: .stop, error: denied) == .failed("org.freedesktop.DBus.Error.AccessDenied"))
    }
}

@Suite("The command line of send_arp")
struct AnnounceCommandTests {
    @Test("The form of the fake package, with its defaults and without")
    func packets() throws {
        let own = try #require(MACAddress("020000000001"))
        let zero = MACAddress.zero
        #expect(
            try AnnounceCommand(arguments: ["10.7.0.100", "02:00:00:00:00:01", "10.7.0.100", "000000000000"])
                == .packet(
                    AnnounceCommand.Packet(
                        operation: .reply, sender: "10.7.0.100", senderHardware: own, target: "10.7.0.100",
                        targetHardware: zero, interface: "eth0", source: own, destination: zero)))
        #expect(
            try AnnounceCommand(arguments: [
                "web", "020000000001", "router", "000000000000", "eth1:2", "020000000009", "ffffffffffff", "request",
            ])
                == .packet(
                    AnnounceCommand.Packet(
                        operation: .request, sender: "web", senderHardware: own, target: "router", targetHardware: zero,
                        interface: "eth1:2", source: try #require(MACAddress("020000000009")), destination: .broadcast))
        )
    }

    @Test("The form of heartbeat, whose last two words are ignored")
    func announcements() throws {
        var expected = AnnounceCommand.Announcement(
            interface: "eth0", address: try #require(IPAddress("10.7.0.100")), hardware: nil)
        #expect(
            try AnnounceCommand(arguments: ["eth0", "10.7.0.100", "auto", "not_used", "not_used"])
                == .announcement(expected))
        expected.count = 5
        expected.interval = .milliseconds(200)
        expected.processFile = "/run/x"
        expected.hardware = MACAddress("020000000001")
        let options = ["-i", "200", "-r", "5", "-p", "/run/x"]
        #expect(
            try AnnounceCommand(arguments: options + ["eth0", "10.7.0.100", "02:00:00:00:00:01"])
                == .announcement(expected))
    }

    @Test(
        "What is wrong with a command line is said",
        arguments: [
            ("", "expected INTERFACE IP HW|auto"), ("-i", "-i needs a value"),
            (
                "-r 0 eth0 10.0.0.1 auto",
                "-r takes a number from 1 to 1000000"
            ), ("-x 1 eth0 10.0.0.1 auto", "-x is not an option"),
            ("eth0 web auto", "web is not an address"), ("eth0 10.0.0.1 0200", "0200 is not a hardware address"),
            ("1.1.1.1 020000000001 1.1.1.1 000000000000 a 020000000001 020000000001 b", "too many arguments"),
        ])
    func mistakes(line: String, expected: String) {
        #expect(throws: ArgumentError(reason: expected)) {
            try AnnounceCommand(arguments: line.split(separator: " ").map(String.init))
        }
    }
}
