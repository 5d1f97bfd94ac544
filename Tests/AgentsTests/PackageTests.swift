// All agents of the package resource-agents: found, described, validated; some of them run.
import Agents
import ClusterModel
import LinuxSystem
import Rig
import Testing

@Suite("OCF agents of the package", .enabled(if: AgentPackage.isThere, AgentPackage.isMissing))
struct PackageTests {
    @Test("all 141 are found, and each has metadata that can be read")
    func described() throws {
        let agents = OCFAgent.all(root: AgentPackage.ocf)
        #expect(agents.count == 141)
        for agent in agents {
            // The only one that is no script needs libraries of heartbeat.
            if agent.name == "IPv6addr" { continue }
            let metadata = try agent.metadata()
            #expect(metadata.name.lowercased() == agent.name.lowercased() || !metadata.name.isEmpty)
            #expect(!metadata.summary.isEmpty, "\(agent.name) has no description")
            let actions = metadata.actions.map(\.name)
            #expect(actions.contains("start") && actions.contains("stop"), "\(agent.name): \(actions)")
            for action in metadata.actions where action.name == "start" {
                #expect(action.timeout != nil, "\(agent.name) has no timeout of its start")
            }
        }
    }

    @Test("each is validated without its parameters: valid, or told what is missing")
    func validated() throws {
        let stage = try AgentStage()
        let agents = OCFAgent.all(root: AgentPackage.ocf).map(\.name)
        // Some agents make folders where they think they may.
        let body = """
            mount -t tmpfs tmpfs /run && mount -t tmpfs tmpfs /var && mkdir /run/resource-agents /var/lib
            for name in \(agents.joined(separator: " ")); do
                \(AgentStage.program) agents validate ocf:heartbeat:$name >/run/said 2>&1 </dev/null
                echo "$name $? $(head -n 1 /run/said)"
            done
            """
        try stage.write("validate", body)
        let command = Command(
            ["unshare", "--mount", "--net", "env"] + AgentPackage.environment + ["sh", "\(stage.path)/validate"])
        let lines = try command.run(within: .seconds(240)).output.split(separator: "\n")
        #expect(lines.count == 141)
        for line in lines {
            let words = line.split(separator: " ", maxSplits: 3)
            #expect(words.count == 4 && (words[1] == "0" || words[1] == "1"), "\(line)")
        }
        #expect(lines.contains("Dummy 0 ocf:heartbeat:Dummy: valid"))
        #expect(lines.contains("MailTo 1 ocf:heartbeat:MailTo: email is missing"))
        #expect(lines.contains("IPv6addr 1 ocf:heartbeat:IPv6addr: ipv6addr is missing"))
    }

    @Test("hb agents lists them with the agents of the product, as a table and as JSON")
    func listed() throws {
        let call = ["env"] + AgentPackage.environment + [AgentStage.program, "agents"]
        let table = try Command(call).run(within: .seconds(120)).output.split(separator: "\n")
        #expect(table.filter { $0.hasPrefix("ocf ") }.count == 141)
        #expect(table.contains { $0.hasPrefix("native  -          MailTo ") })
        let json = try Command(call + ["describe", "--json", "ocf:heartbeat:Dummy"]).check()
        #expect(json.contains("\"name\": \"state\"") && json.contains("\"timeout\": \"20s\""))
        let wrong = try Command(call + ["describe", "ocf:heartbeat:Dumy"]).run()
        #expect(wrong.status == .exited(1) && wrong.output.contains("there is no agent ocf:heartbeat:Dumy"))
    }

    @Test("Dummy as ocf: with a named parameter, as OCF:: with an instance file, and its failures")
    func dummy() throws {
        let stage = try AgentStage()
        let environment = AgentPackage.environment + ["HA_DIR=\(stage.path)"]
        let state = "state=\(stage.path)/dummy"
        func run(_ words: String...) throws -> (status: Int32, output: String) {
            let outcome = try stage.script("ocf", words[0], words[1], words[2], environment: environment)
            return outcome
        }
        #expect(try run("heartbeat:Dummy", state, "status").output.contains("Resource is stopped"))
        #expect(try run("heartbeat:Dummy", state, "start").status == 0)
        #expect(FileSystem.kind(of: "\(stage.path)/dummy") == .regular)
        #expect(try run("Dummy", state, "status").output.contains("Running OK"))
        #expect(try run("Dummy", state, "stop").status == 0)
        #expect(try run("Dummy", state, "stop").status == 0)
        try stage.write("conf/OCF/Dummy/one", "state=\"\(stage.path)/own\" # x")
        #expect(try run("Dummy", "one", "start").status == 0)
        #expect(FileSystem.kind(of: "\(stage.path)/own") == .regular)
        let unknown = try run("Dummy", "nonsense", "start")
        #expect(unknown.status == 2 && unknown.output.contains("nonsense: expected NAME=VALUE"))
    }

    @Test("An agent's advice on times is read from its metadata")
    func times() throws {
        let stage = try AgentStage()
        let dummy = try stage.script("ocf", "heartbeat:Dummy", "timeouts", environment: AgentPackage.environment)
        #expect(dummy.status == 0)
        #expect(dummy.output.hasPrefix("agent \(AgentPackage.ocf)/resource.d/heartbeat/Dummy\nstart 20000\n"))
        let apache = try stage.script("apache", "timeouts", environment: AgentPackage.environment)
        #expect(apache.output.contains("\nstart 40000\nstop 60000\n"))
        let texts = ["20s", " 5 min", "20", "1500ms", "2h", "", "x", "-3s", "3 weeks"]
        let times: [Duration?] = [
            .seconds(20), .seconds(300), .seconds(20), .milliseconds(1500), .seconds(7200), nil, nil, nil, nil,
        ]
        #expect(texts.map(AgentMetadata.time) == times)
    }

    @Test("Stateful has two roles: promoted counts as running, what is not promoted does not")
    func stateful() throws {
        let stage = try AgentStage()
        // What keeps scores of promotion in pacemaker's database is not here.
        try stage.tool("crm_master", "exit 0")
        try stage.tool("crm_attribute", "exit 0")
        let environment = AgentPackage.environment + ["HA_DIR=\(stage.path)"]
        let state = "state=\(stage.path)/stateful"
        func run(_ operation: String, _ words: String...) throws -> (status: Int32, output: String) {
            let link = "\(stage.path)/scripts/ocf"
            if FileSystem.kind(of: link) == nil { try stage.sh("ln -s \(AgentStage.program) \(link)") }
            let settings = ["HA_RSCTMP=\(stage.path)/state", "PATH=\(stage.path)/tools:\(ToolRun.path)"] + environment
            let outcome = try Command(["env"] + settings + [link, "Stateful", state] + words + [operation]).run()
            guard case .exited(let code) = outcome.status else { return (-1, outcome.output) }
            return (code, outcome.output)
        }
        let (role, kept) = ("role=promoted", "release=demote")
        #expect(try run("status", role).output.contains("Resource is stopped"))
        #expect(try run("demote", role).status == 0, "nothing to give back")
        #expect(try run("start", role).status == 0)
        let unpromoted = try run("status", role)
        #expect(unpromoted.status == 4 && unpromoted.output.contains("may be running: it is not promoted"))
        #expect(try run("status", role, kept).status == 3)
        #expect(try run("status").output.contains("Running OK"), "without a role it is one that runs")
        for _ in 0..<2 { #expect(try run("promote", role).status == 0) }
        #expect(try run("start", role).status == 0, "it answers 8, which is what is wanted")
        #expect(try run("status", role).output.contains("Running OK"))
        #expect(try run("demote", role).status == 0)
        #expect(try run("stop", role).status == 0)
        #expect(try run("status", role, kept).output.contains("Resource is stopped"))
        #expect(try run("start", "role=slave").output.contains("role=slave: expected role=promoted"))
        let one = try Command(
            ["env"] + AgentPackage.environment + [AgentStage.program, "agents", "validate", "ocf:heartbeat:Dummy", role]
        ).run()
        #expect(one.status == .exited(1) && one.output.contains("Dummy has one role"))
    }

    @Test("hb agents run carries out one operation and says what came of it")
    func run() throws {
        let stage = try AgentStage()
        try stage.sh(
            "mkdir -p \(stage.path)/conf/resource.d && ln -s \(AgentStage.program) \(stage.path)/conf/resource.d/ocf")
        let options = ["--config-dir", "\(stage.path)/conf", "--run-dir", "\(stage.path)/run"]
        func run(_ operation: String) throws -> (ChildStatus, String) {
            let words = ["agents", "run", "ocf:heartbeat:Dummy", operation, "state=\(stage.path)/state/dummy"]
            let call = ["env"] + AgentPackage.environment + [AgentStage.program] + options + words
            let outcome = try Command(call).run()
            return (outcome.status, outcome.output)
        }
        let name = "ocf:heartbeat:Dummy::state=\(stage.path)/state/dummy"
        #expect(try run("status").0 == .exited(3))
        let (status, output) = try run("start")
        #expect(status == .exited(0) && output.hasSuffix("\(name) start: done\n"), "\(output)")
        let (monitored, words) = try run("monitor")
        #expect(monitored == .exited(0) && words.hasSuffix("\(name) monitor: running\n"), "\(words)")
        #expect(try run("validate").0 == .exited(0))
        let (failed, reason) = try run("promote")
        #expect(failed == .exited(1) && reason.contains("promote: failed: exit code 3"), "\(reason)")
        #expect(try run("stop").0 == .exited(0))
        #expect(try run("explode").0 == .exited(2))
    }

    @Test("IPaddr2 of the package brings a real address up and takes it down")
    func address() throws {
        let stage = try AgentStage()
        try stage.inside("ip link add eth0 type veth peer name peer0; ip link set eth0 up; ip link set peer0 up")
        try stage.inside("ip addr add 10.8.0.1/24 dev eth0")
        func run(_ operation: String) throws -> (status: Int32, output: String) {
            try stage.script(
                "OCF", "heartbeat:IPaddr2", "ip=10.8.0.5", "cidr_netmask=24", "nic=eth0", operation,
                environment: AgentPackage.environment + ["HA_SBIN_DIR=/usr/sbin", "HA_BIN=/usr/bin"])
        }
        #expect(try run("status").status == 7)
        for _ in 0..<2 { #expect(try run("start").status == 0) }
        #expect(try stage.inside("ip addr show eth0").contains("10.8.0.5/24"))
        #expect(try run("status").output.contains("Running OK"))
        for _ in 0..<2 { #expect(try run("stop").status == 0) }
        #expect(try !stage.inside("ip addr show eth0").contains("10.8.0.5"))
    }

    @Test("apache by its classic script: what is missing is said in the agent's own words")
    func apache() throws {
        let stage = try AgentStage()
        let outcome = try stage.script(
            "apache", "/nowhere/apache.conf", "start", environment: AgentPackage.environment)
        #expect(outcome.status == 5 || outcome.status == 6)
        #expect(outcome.output.contains("ERROR: apache_/nowhere/apache.conf start: "))
        let absent = try stage.script("apache", "/nowhere", "start", environment: ["OCF_ROOT=\(stage.path)"])
        #expect(absent.status == 5 && absent.output.contains("resource-agents"))
    }
}
