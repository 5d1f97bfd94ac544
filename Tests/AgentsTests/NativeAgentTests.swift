// The agents of the product, run as heartbeat runs them: real rules, routes and packets in a network of their own; the
// tools of disks, whose kernels' parts are not here, are stood in for by scripts that keep their state in a file.
import Agents
import CLinux
import ClusterModel
import LinuxSystem
import Rig
import Testing

@Suite("native agents") struct NativeAgentTests {
    @Test("portblock drops what comes in between block and unblock, twice and in any order")
    func portBlock() throws {
        let stage = try AgentStage()
        let server = "python3 -m http.server --bind 127.0.0.1 8080 >/dev/null 2>&1 & echo $!"
        let pid = try stage.inside("cd \(stage.path); \(server)").split(separator: "\n").first ?? ""
        defer { _ = try? stage.sh("kill \(pid)") }
        func isReachable() throws -> Bool {
            try Command(
                ["ip", "netns", "exec", stage.network, "python3", "-c",
                    "import socket; socket.create_connection((\"127.0.0.1\", 8080), 0.5)"]
            ).run().succeeded
        }
        try Waiting().until("the web server", within: .seconds(20)) { try isReachable() }

        #expect(try stage.script("portblock", "tcp", "8080,9000:9010", "block", "status").status == 3)
        for _ in 0..<2 { #expect(try stage.script("portblock", "tcp", "8080,9000:9010", "block", "start").status == 0) }
        #expect(try !isReachable())
        #expect(try stage.inside("nft list ruleset").components("dport") == 1)
        #expect(try stage.script("portblock", "tcp", "8080,9000:9010", "block", "status").output == "running\n")
        #expect(try stage.script("portblock", "tcp", "8080,9000:9010", "unblock", "status").status == 3)
        #expect(try stage.script("portblock", "tcp", "8080,9000:9010", "unblock", "start").status == 0)
        #expect(try isReachable())
        // The group is whole: both say that they run.
        #expect(try stage.script("portblock", "tcp", "8080,9000:9010", "block", "status").status == 0)
        #expect(try stage.script("portblock", "tcp", "8080,9000:9010", "unblock", "status").status == 0)
        // The way down: block again, and let in when the group is gone.
        #expect(try stage.script("portblock", "tcp", "8080,9000:9010", "unblock", "stop").status == 0)
        #expect(try !isReachable())
        #expect(try stage.script("portblock", "tcp", "8080,9000:9010", "block", "stop").status == 0)
        #expect(try isReachable())
    }

    @Test("portblock refuses what is no port", arguments: ["0", "70000", "80,", "90:80", "http", "80; drop"])
    func ports(_ text: String) throws {
        #expect(throws: AgentError.self) { try NativeAgents.make("portblock", ["tcp", text, "block"]) }
    }

    @Test("IPsrcaddr gives connections a source, and takes it back")
    func sourceAddress() throws {
        let stage = try AgentStage()
        try stage.inside(
            """
            ip link add eth0 type veth peer name peer0; ip link set eth0 up; ip link set peer0 up
            ip addr add 10.7.0.1/24 dev eth0; ip addr add 10.7.0.9/24 dev eth0
            ip route add default via 10.7.0.254 metric 50; ip route add 10.99.0.0/16 via 10.7.0.253
            """)
        func source() throws -> String { try stage.inside("ip route get 192.0.2.1; ip route get 10.7.0.77") }
        #expect(try stage.script("IPsrcaddr", "10.7.0.8", "start").status == 1)
        #expect(try stage.script("IPsrcaddr", "10.7.0.9", "status").status == 3)
        for _ in 0..<2 { #expect(try stage.script("IPsrcaddr", "10.7.0.9/24", "start").status == 0) }
        #expect(try source().components("src 10.7.0.9") == 2)
        #expect(try stage.script("IPsrcaddr", "10.7.0.9", "status").output == "running\n")
        #expect(try stage.inside("ip route").components("default") == 1)
        for _ in 0..<2 { #expect(try stage.script("IPsrcaddr", "10.7.0.9", "stop").status == 0) }
        #expect(try source().components("src 10.7.0.1") == 2)
        #expect(try stage.inside("ip route").components("metric 50") == 1)
    }

    @Test("VirtualMAC makes an interface that is silent without an address, and answers alone for those on it")
    func virtualHardware() throws {
        let stage = try AgentStage()
        try stage.inside("ip link add eth0 type veth peer name eth1; ip link set eth1 up")
        func script(_ operation: String) throws -> (status: Int32, output: String) {
            try stage.script("VirtualMAC", "eth0", "5", "web0", operation)
        }
        #expect(try script("status").output == "stopped\n")
        for _ in 0..<2 { #expect(try script("start").status == 0) }
        #expect(try script("status").output == "running (00:00:5e:00:01:05 on eth0)\n")
        #expect(try stage.inside("ip link show web0").contains("00:00:5e:00:01:05"))
        // A node that has no address on it must not draw frames to itself.
        try stage.sh("sleep 2")
        #expect(try stage.sent("web0") == 0)
        #expect(try stage.inside("ip -o addr show dev web0").isEmpty)

        // Asked by another machine, also by way of the card.
        let peer = "\(stage.network)-peer"
        try stage.sh("ip netns add \(peer)")
        defer { _ = try? stage.sh("ip netns del \(peer)") }
        try stage.inside("ip link set eth1 netns \(peer)")
        try stage.inside("ip addr add 10.7.0.1/24 dev eth0; ip addr add 10.7.0.9/32 dev web0")
        try stage.sh("ip -n \(peer) addr add 10.7.0.2/24 dev eth1; ip -n \(peer) link set eth1 up")
        for _ in 0..<5 {
            let known = try stage.sh(
                "ip -n \(peer) neigh flush all; ip netns exec \(peer) ping -c1 -W5 10.7.0.9 >/dev/null"
                    + "; ip netns exec \(peer) ping -c1 -W5 10.7.0.1 >/dev/null; ip -n \(peer) neigh show")
            let lines = known.split(separator: "\n")
            #expect(lines.contains { $0.hasPrefix("10.7.0.9 ") && $0.contains("00:00:5e:00:01:05") }, "\(known)")
            #expect(!lines.contains { $0.hasPrefix("10.7.0.1 ") && $0.contains("00:00:5e:00:01:05") }, "\(known)")
        }
        // Who is asked from that address learns nothing else.
        try stage.inside("ip neigh flush all; ping -c1 -W5 -I 10.7.0.9 10.7.0.2 >/dev/null")
        #expect(try stage.sh("ip -n \(peer) neigh show 10.7.0.9").contains("00:00:5e:00:01:05"))

        let taken = try stage.script("VirtualMAC", "eth0", "6", "web0", "start")
        #expect(taken.status == 1 && taken.output.contains("another interface has the name"), "\(taken)")
        #expect(try stage.script("VirtualMAC", "eth0", "6", "web0", "stop").status == 0)
        #expect(try stage.script("VirtualMAC", "nowhere", "6", "web1", "start").status == 1)
        try stage.inside("ip link set web0 down")
        #expect(try script("status").status == 4)
        for _ in 0..<2 { #expect(try script("stop").status == 0) }
        #expect(try script("status").status == 3)
        #expect(try !stage.inside("ip link show").contains("web0"))
    }

    @Test(
        "VirtualMAC refuses what is no hardware address of one machine, and no name",
        arguments: [
            ["eth0", "0", "a"], ["eth0", "256", "a"], ["eth0", "01:00:5e:00:00:01", "a"], ["eth0", "5"],
            ["eth0", "00:00:00:00:00:00", "a"], ["eth0", "5", "a/b"], ["eth0", "5", "a name"], ["eth0", "5", "eth0"],
            ["eth0", "5", "longer-than-15-c"], ["eth0", "5", ".."],
        ])
    func virtualHardwareArguments(_ words: [String]) throws {
        #expect(throws: AgentError.self) { try NativeAgents.make("VirtualMAC", words) }
    }

    @Test("MailTo hands mails to sendmail, once each way, and a mail that fails stops nothing")
    func mail() throws {
        let stage = try AgentStage()
        try stage.tool("sendmail", "echo \"$@\" >>\(stage.path)/mails; cat >>\(stage.path)/mails")
        for _ in 0..<2 { #expect(try stage.script("MailTo", "a@b,c@d", "Web", "start").status == 0) }
        let mails = try stage.sh("cat \(stage.path)/mails")
        #expect(mails.hasPrefix("-i a@b c@d\nTo: a@b, c@d\nSubject: Web Takeover in progress on "))
        #expect(mails.components("Subject:") == 1)
        #expect(try stage.script("MailTo", "a@b,c@d", "Web", "status").status == 0)
        #expect(try stage.script("MailTo", "a@b,c@d", "Web", "stop").status == 0)
        #expect(try stage.sh("cat \(stage.path)/mails").contains("Migrating resource away"))
        try stage.tool("sendmail", "echo no queue >&2; exit 75")
        let failed = try stage.script("MailTo", "a@b", "start")
        #expect(failed.status == 0)
        #expect(failed.output.contains("WARNING: nobody was told: sendmail: exit code 75: no queue"))
        #expect(throws: AgentError.self) { try NativeAgents.make("MailTo", ["a@b\nBcc: x@y"]) }
        #expect(throws: AgentError.self) { try NativeAgents.make("MailTo", ["-OQueueDirectory=/tmp"]) }
    }

    @Test("Delay waits at the start and at the stop, and only once")
    func delay() throws {
        let stage = try AgentStage()
        let begin = Clock.now()
        #expect(try stage.script("Delay", "1", "0", "start").status == 0)
        #expect(Clock.now() >= begin + .seconds(1))
        #expect(try stage.script("Delay", "1", "0", "status").output == "running\n")
        #expect(try stage.script("Delay", "1", "0", "stop").status == 0)
        #expect(try stage.script("Delay", "1", "0", "status").output == "stopped\n")
        #expect(throws: AgentError.self) { try NativeAgents.make("Delay", ["soon"]) }
    }

    @Test("SendArp announces an address five times and once more at once")
    func sendARP() throws {
        let stage = try AgentStage()
        try stage.inside("ip link add eth0 type veth peer name peer0; ip link set eth0 up; ip link set peer0 up")
        let before = try stage.sent("eth0")
        #expect(try stage.script("SendArp", "10.7.0.9/eth0", "start").status == 0)
        try Waiting().until("twelve packets", within: .seconds(20)) { try stage.sent("eth0") >= before + 12 }
        #expect(try stage.script("SendArp", "10.7.0.9/eth0", "status").status == 0)
        #expect(try stage.script("SendArp", "10.7.0.9/eth0", "stop").status == 0)
        #expect(try stage.script("SendArp", "10.7.0.9/nowhere", "start").status == 1)
        // Whoever has it next is not contradicted.
        #expect(try stage.script("SendArp", "10.7.0.9/eth0", "start").status == 0)
        #expect(try stage.script("SendArp", "10.7.0.9/eth0", "stop").status == 0)
        let stopped = try stage.sent("eth0")
        try Waiting().pass(.milliseconds(1500))
        // The kernel has something to say now and then; four pairs of announcements were to come.
        #expect(try stage.sent("eth0") < stopped + 6)
    }

    @Test("drbddisk: roles become words, a start tries again")
    func replicatedDisk() throws {
        let stage = try AgentStage()
        let role = "\(stage.path)/role"
        try stage.sh("echo Secondary >\(role)")
        try stage.tool(
            "drbdadm",
            """
            case $1 in
                role) echo "$(cat \(role))/Unknown";;
                primary) echo x >>\(stage.path)/tries
                    [ $(wc -l <\(stage.path)/tries) -ge 2 ] || { echo held by peer >&2; exit 17; }
                    echo Primary >\(role);;
                secondary) echo Secondary >\(role);;
            esac
            """)
        #expect(try stage.script("drbddisk", "r0", "status").output == "stopped (Secondary)\n")
        #expect(try stage.script("drbddisk", "r0", "start").status == 0)
        #expect(try stage.sh("cat \(stage.path)/tries").components("x") == 2)
        #expect(try stage.script("drbddisk", "r0", "status").output == "running (Primary)\n")
        #expect(try stage.script("drbddisk", "r0", "stop").status == 0)
        try stage.sh("echo Negotiating >\(role)")
        let unclear = try stage.script("drbddisk", "r0", "status")
        #expect(unclear.status == 4)
        #expect(unclear.output == "cannot determine status, may be running (Negotiating)\n")
        try stage.tool("drbdadm", "echo Secondary/Secondary; echo 'r1: cannot be asked' >&2; exit 20")
        #expect(try stage.script("drbddisk", "all", "status").status == 4)
        #expect(try stage.script("drbddisk", "all", "stop").status == 1)
    }

    @Test("LVM, Raid1 and LVSSyncDaemonSwap drive their tools")
    func tools() throws {
        let stage = try AgentStage()
        let active = "\(stage.path)/active"
        try stage.tool(
            "vgchange", "echo \"$@\" >>\(stage.path)/calls; [ $2 = y ] && touch \(active) || rm -f \(active)")
        try stage.tool("lvs", "[ -e \(active) ] && echo '  active' || echo '        '")
        #expect(try stage.script("LVM", "vg0", "status").status == 3)
        #expect(try stage.script("LVM", "/dev/vg0", "start").status == 0)
        #expect(try stage.script("LVM", "vg0", "status").output == "running (1 of 1 volumes)\n")
        #expect(try stage.script("LVM", "vg0", "stop").status == 0)
        #expect(try stage.sh("cat \(stage.path)/calls") == "-a y vg0\n-a n vg0\n")
        try stage.tool("lvs", "echo 'Cannot process volume group vg0: locking failed' >&2; exit 5")
        #expect(try stage.script("LVM", "vg0", "status").output.contains("may be running"))
        try stage.tool("lvs", "echo \"lvs: libc.so.6: version \\`GLIBC_2.99' not found\" >&2; exit 1")
        #expect(try stage.script("LVM", "vg0", "status").output.contains("may be running"))
        try stage.tool("lvs", "echo '  Volume group \"vg0\" not found' >&2; exit 5")
        #expect(try stage.script("LVM", "vg0", "status").output == "stopped (no such volume group here)\n")

        try stage.tool("mdadm", "echo \"$@\"; echo no such array >&2; exit 1")
        try stage.sh("touch \(stage.path)/mdadm.conf")
        let raid = try stage.script("Raid1", "\(stage.path)/mdadm.conf", "/dev/hbx-none", "start")
        #expect(raid.status == 1 && raid.output.contains("no such array"))
        #expect(try stage.script("Raid1", "\(stage.path)/mdadm.conf", "/dev/hbx-none", "stop").status == 0)

        try stage.tool(
            "ipvsadm",
            """
            case $1 in
                --list) [ -e \(stage.path)/sync ] && echo "$(cat \(stage.path)/sync) sync daemon (mcast=eth1)";;
                --start-daemon) echo $2 >\(stage.path)/sync;;
                --stop-daemon) rm \(stage.path)/sync;;
            esac; exit 0
            """)
        #expect(try stage.script("LVSSyncDaemonSwap", "master", "eth1", "start").status == 0)
        #expect(try stage.script("LVSSyncDaemonSwap", "master", "eth1", "status").output == "running (master)\n")
        #expect(try stage.script("LVSSyncDaemonSwap", "master", "eth1", "stop").status == 0)
        #expect(try stage.sh("cat \(stage.path)/sync") == "backup\n")
    }

    @Test("What an agent runs ends with the agent: no tool goes on starting what was given up")
    func ended() throws {
        let stage = try AgentStage()
        try stage.tool("vgchange", "echo $$ >\(stage.path)/tool; sleep 100; touch \(stage.path)/active")
        symlink(AgentStage.program, "\(stage.path)/scripts/LVM")
        var spawn = Spawn(program: "\(stage.path)/scripts/LVM", arguments: ["LVM", "vg0", "start"])
        spawn.environment = ["PATH=\(stage.path)/tools:\(ToolRun.path)"]
        spawn.leadsProcessGroup = true
        let agent = try spawn.start()
        func tool() -> pid_t? {
            pid_t((FileSystem.text(of: "\(stage.path)/tool", limit: 64) ?? "").filter { $0 != "\n" })
        }
        try Waiting().until("the tool runs") { tool() != nil }
        let pid = try #require(tool())
        try Children.signalGroup(agent, SIGTERM)
        _ = try Children.wait(agent)
        try Waiting().until("the tool is gone") { kill(pid, 0) != 0 }
    }

    @Test("AudibleAlarm rings where it is told to, in a process that ends with the stop")
    func alarm() throws {
        let stage = try AgentStage()
        let node = ["HA_CURHOST=beta"]
        #expect(try stage.script("AudibleAlarm", "alpha", "start", environment: node).status == 0)
        #expect(try stage.script("AudibleAlarm", "alpha", "status", environment: node).output == "running\n")
        #expect(try stage.script("AudibleAlarm", "alpha", "stop", environment: node).status == 0)
        #expect(try stage.script("AudibleAlarm", "alpha", "status", environment: node).status == 3)
        #expect(try stage.script("AudibleAlarm", "beta", "start", environment: node).status == 0)
        let silent = try stage.script("AudibleAlarm", "beta", "status", environment: node)
        #expect(silent.output.hasPrefix("running (silent"))
    }

    @Test("a tool that is missing is named with its package: a start fails, a status says stopped, a stop succeeds")
    func missing() throws {
        let stage = try AgentStage()
        let alone = ["PATH=\(stage.path)/tools"]
        for (name, word, package) in [("drbddisk", "r0", "drbd-utils"), ("LVM", "vg0", "lvm2")] {
            let start = try stage.script(name, word, "start", environment: alone)
            #expect(start.status == 5 && start.output.contains("it comes with the package \(package)"))
            #expect(try stage.script(name, word, "status", environment: alone).output.hasPrefix("stopped ("))
            #expect(try stage.script(name, word, "stop", environment: alone).status == 0)
        }
    }

    @Test("IPaddr2 and Filesystem by hand, as scripts of a site call them")
    func resources() throws {
        let stage = try AgentStage()
        #expect(try stage.script("IPaddr2", "10.8.0.1/24/lo", "status").output == "stopped\n")
        #expect(try stage.script("IPaddr2", "10.8.0.1/24/lo", "start").status == 0)
        #expect(try stage.inside("ip addr show lo").contains("10.8.0.1/24"))
        #expect(try stage.script("IPaddr2", "10.8.0.1/24/lo", "monitor").output == "running\n")
        #expect(try stage.script("IPaddr2", "10.8.0.1/24/lo", "stop").status == 0)
        #expect(try !stage.inside("ip addr show lo").contains("10.8.0.1"))
        #expect(try stage.script("IPaddr2", "nonsense", "start").status == 1)

        // Each command in a namespace of the network has mounts of its own.
        symlink(AgentStage.program, "\(stage.path)/scripts/Filesystem")
        let filesystem = "\(stage.path)/scripts/Filesystem tmpfs \(stage.path)/there tmpfs"
        let output = try stage.inside(
            """
            mkdir \(stage.path)/there
            \(filesystem) status || echo $?
            \(filesystem) start && \(filesystem) monitor && mountpoint -q \(stage.path)/there
            \(filesystem) stop && ! \(filesystem) status
            """)
        #expect(output == "stopped\n3\nrunning\nstopped\n", "\(output)")
    }
}

extension String {
    /// How often a text occurs.
    func components(_ text: String) -> Int {
        var count = 0
        var rest = self[...]
        while !rest.isEmpty {
            if rest.hasPrefix(text) { count += 1 }
            rest = rest.dropFirst()
        }
        return count
    }
}
