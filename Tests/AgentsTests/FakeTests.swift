// `fake`: real packets on a real interface, its files under the names that they have on a machine.
import CLinux
import LinuxSystem
import Rig
import Testing

@Suite("fake") struct FakeTests {
    /// A stage with an interface, and the files of fake for 10.9.0.1.
    private func stage() throws -> AgentStage {
        let stage = try AgentStage()
        try stage.inside(
            """
            ip link add eth0 address 02:00:00:00:00:01 type veth peer name peer0
            ip link set eth0 up; ip link set peer0 up; ip addr add 10.9.0.77/24 dev eth0
            """)
        try stage.sh(
            """
            mkdir -p \(stage.path)/home \(stage.path)/instances \(stage.path)/run
            cat >\(stage.path)/home/.fakerc <<'END'
            # fake
            ARP_DELAY=0.05
            BASE="\(stage.path)"
            CLEAR_ROUTERS_FILE=${BASE}/routers
            PID_DIR="$BASE/run" # behind
            export INSTANCE_CONFIG_DIR=$BASE/instances
            FAKE_RSH="\(stage.path)/tools/shell -q"
            END
            cat >\(stage.path)/instances/10.9.0.1.cfg <<'END'
            SPOOF_IP=10.9.0.1
            SPOOF_NETMASK=255.255.255.0
            SPOOF_BROADCAST=10.9.0.255
            TARGET_INTERFACE=eth0:2
            IFCONFIG=TRUE
            FOREIGN_INTERFACE=STATIC
            FOREIGN_MACADDR=02:00:00:00:00:99
            FOREIGN_ARP=2
            END
            printf '# none\nrouter1 # first\n' >\(stage.path)/routers
            """)
        try stage.tool("shell", "echo \"$@\" >>\(stage.path)/shell-calls")
        return stage
    }

    @Test("it takes an address, announces it until it is told to stop, and gives it back")
    func takeOver() throws {
        let stage = try stage()
        let program = "\(stage.path)/scripts/fake"
        try stage.sh("ln -s \(AgentStage.program) \(program)")
        try stage.inside("HOME=\(stage.path)/home \(program) 10.9.0.1 >\(stage.path)/said 2>&1 &")
        try Waiting().until("the address", within: .seconds(20)) {
            let shown = try stage.inside("ip addr show dev eth0")
            return shown.contains("inet 10.9.0.1/24 brd 10.9.0.255 scope global secondary eth0:2")
        }
        let pid = try stage.sh("cat \(stage.path)/run/fake.10.9.0.1.pid").split(separator: "\n").first ?? ""
        #expect(FileSystem.text(of: "/proc/\(pid)/cmdline", limit: 4096)?.contains("fake") == true)
        let before = try stage.sent("eth0")
        try Waiting().until("packets", within: .seconds(20)) { try stage.sent("eth0") >= before + 6 }
        #expect(try stage.sh("cat \(stage.path)/shell-calls") == "-q router1 clear arp-cache\n")

        let removed = try stage.script("fake", "remove", "10.9.0.1", environment: ["HOME=\(stage.path)/home"])
        #expect(removed.status == 0, "\(removed.output)")
        #expect(try !stage.inside("ip addr show dev eth0").contains("10.9.0.1/24"))
        try Waiting().until("the end of fake", within: .seconds(20)) {
            FileSystem.text(of: "/proc/\(pid)/cmdline", limit: 4096)?.contains("fake") != true
        }
        #expect(FileSystem.kind(of: "\(stage.path)/run/fake.10.9.0.1.pid") == nil)
    }

    @Test("what is missing in its files is named, and a wrong command line has the usage; all with 1")
    func mistakes() throws {
        let stage = try stage()
        let home = ["HOME=\(stage.path)/home"]
        let usage = try stage.script("fake", "a", "b", "c", environment: home)
        #expect(usage.status == 1 && usage.output.contains("usage: fake IP"))
        try stage.sh("sed -i /FOREIGN_MACADDR/d \(stage.path)/instances/10.9.0.1.cfg")
        let missing = try stage.script("fake", "remove", "10.9.0.1", environment: home)
        #expect(missing.status == 1)
        #expect(missing.output.contains("Fatal Error: FOREIGN_MACADDR is not set in config file"))
        let unknown = try stage.script("fake", "10.9.0.2", environment: home)
        #expect(unknown.status == 1 && unknown.output.contains("10.9.0.2.cfg cannot be read"))
    }
}
