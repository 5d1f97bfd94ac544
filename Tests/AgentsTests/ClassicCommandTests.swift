// The commands of heartbeat 3.0.6 side by side: the same calls to Debian's scripts and to this product's, in one
// namespace with one configuration.
import ClusterModel
import LinuxSystem
import Rig
import Testing

@Suite("classic commands") struct ClassicCommandTests {
    private static let resources = """
        # what runs where
        Alpha  10.8.0.1/24/lo   thing::a::b \\
           other
        beta\tthing::c   # behind
        gamma IPaddr::10.8.0.3

        BETA second::x
        """

    private static let script = """
        #!/bin/sh
        for op; do :; done
        state=/mnt/state-${0##*/}-$(echo "$*" | sed 's/ *[a-z]*$//; s/ /_/g')
        case $op in
            start) touch $state;; stop) rm -f $state;; status) [ -e $state ] && echo running || echo stopped;;
        esac
        """

    private func stage() throws -> AgentStage {
        let stage = try AgentStage()
        try stage.write("conf/haresources", Self.resources)
        for name in ["thing", "other", "second"] {
            try stage.write("conf/resource.d/\(name)", Self.script)
        }
        for name in ["ResourceManager", "req_resource", "mach_down"] {
            try stage.sh("ln -s \(AgentStage.program) \(stage.path)/scripts/\(name)")
        }
        return stage
    }

    private static let calls = [
        "listkeys alpha", "listkeys BETA", "listkeys 'b.*'", "listkeys '.*'", "listkeys b", "allkeys", "ourkeys",
        "otherkeys", "status thing::c", "status 10.8.0.1/24/lo", "status nothere", "givegroup nothere",
        "takegroup nothere", "bogus", "verifyallidle", "takegroup thing::c", "status thing::c", "verifyallidle",
        "givegroup thing::c", "status thing::c",
    ]

    @Test(
        "ResourceManager answers as that of 3.0.6, word for word, with its exit codes",
        .enabled(if: AgentPackage.isThere, AgentPackage.isMissing))
    func sideBySide() throws {
        let stage = try stage()
        let root = AgentPackage.root
        let body = """
            mount -t overlay overlay -o lowerdir=/usr:\(root)/usr /usr
            mount -t overlay overlay -o lowerdir=/etc:\(root)/etc /etc
            mount -t tmpfs tmpfs /mnt
            cp -a \(root)/etc/ha.d /mnt/ha.d; cp -a \(stage.path)/conf/. /mnt/ha.d/; mount --bind /mnt/ha.d /etc/ha.d
            ip link set lo up
            export HA_CURHOST=alpha HA_DEBUGLOG=/mnt/debug HA_LOGFILE=/mnt/log
            while read -r call; do
                echo "--- $call"
                eval "$manager $call" 2>/dev/null </dev/null
                echo "= $?"
            done <\(stage.path)/calls
            """
        try stage.write("calls", Self.calls.joined(separator: "\n"))
        try stage.write("body", body)
        func answers(_ manager: String) throws -> String {
            let body = ["env", "manager=\(manager)", "sh", "\(stage.path)/body"]
            return try Command(["unshare", "--mount", "--net"] + body).check()
        }
        let theirs = try answers("/usr/share/heartbeat/ResourceManager")
        let ours = try answers("\(stage.path)/scripts/ResourceManager --alone")
        #expect(theirs.components("= ") == Self.calls.count)
        #expect(theirs.contains("--- status thing::c\n= 0\n"))
        #expect(ours == theirs)
    }

    @Test("without a daemon nothing is started, unless a person says that nobody else has it")
    func alone() throws {
        let stage = try stage()
        let settings = ["HA_DIR=\(stage.path)/conf", "HA_CURHOST=alpha"]
        let refused = try stage.script(
            "ResourceManager", "--run-dir", "\(stage.path)/run", "takegroup", "thing::c", environment: settings)
        #expect(refused.status == 1 && refused.output.contains("heartbeat does not run here"))
        let request = try stage.script(
            "req_resource", "--run-dir", "\(stage.path)/run", "thing::c", environment: settings)
        #expect(request.status == 1 && request.output.contains("not running"))
        let down = try stage.script("mach_down", "beta", environment: settings)
        #expect(down.status == 0 && down.output.contains("mach_down takeover complete for node beta."))
        #expect(try stage.script("mach_down", "alpha", environment: settings).output.isEmpty)
    }
}
