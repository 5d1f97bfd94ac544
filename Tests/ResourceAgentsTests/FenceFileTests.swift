// `stonith TYPE FILE`: devices whose parameters are in a file, with real programs that note what they are given.
import CLinux
import ClusterModel
import LinuxSystem
import Reactor
import Testing

@testable import ResourceAgents

@Suite("Fencing devices with a file of parameters", .serialized)
struct FenceFileTests {
    private let folder: TemporaryFolder
    private let loop: EventLoop
    private let records = Records()

    init() throws {
        folder = try TemporaryFolder()
        loop = try EventLoop()
        try folder.write(
            "stonith.d/switch",
            """
            #!/bin/sh
            case $1 in
            getconfignames) echo "hostlist user password" ;;
            gethosts) echo "$hostlist" | tr ',' ' ' ;;
            reset) echo "reset $2 user=$user password=$password" >>\(folder.path)/calls ;;
            *) exit 1 ;;
            esac

            """)
        try folder.write("stonith.d/fence_switch", "#!/bin/sh\nsort | tr '\\n' ' ' >>\(folder.path)/calls\n")
    }

    /// What comes of an order to power beta off; nil is success.
    private func fence(_ type: String, _ text: String?, of node: String = "beta") throws -> String? {
        var outcome: String??
        let run = try run(type, text, of: node) { outcome = .some($0) }
        run.start()
        #expect(turn(loop) { outcome != nil })
        return try #require(outcome)
    }

    private func run(
        _ type: String, _ text: String?, of node: String = "beta", stillnessMax: Duration = .seconds(30),
        attempts: Int = 1, completion: @escaping (String?) -> Void
    ) throws -> FenceRun {
        if let text { try folder.write("device", text, mode: 0o600) }
        var configuration = Configuration()
        configuration.localName = "alpha"
        configuration.policy.operationTimeout = .seconds(30)
        var settings = FenceRun.Settings(configuration, configurationDirectory: folder.path)
        settings.attempts = attempts
        settings.stillnessMax = stillnessMax
        let device = StonithDevice(host: nil, type: type, parameters: ["\(folder.path)/device"])
        return FenceRun(
            node, devices: [device], settings: settings, loop: loop, log: records.write, completion: completion)
    }

    @Test("a node is called as the plugin spells it")
    func spelling() throws {
        let outcome = try fence("external/switch", "hostlist=Alpha,BETA\nuser=a\npassword=b\n")
        #expect(outcome == nil)
        #expect(folder.text("calls") == "reset BETA user=a password=b\n")
    }

    @Test("a plugin finds cluster-glue's ha_log.sh by its name")
    func path() throws {
        try folder.write(
            "stonith.d/path",
            "#!/bin/sh\ncase $1 in gethosts) echo beta ;; *) echo $PATH >>\(folder.path)/calls ;; esac\n")
        let outcome = try fence("external/path", "hostlist=beta\n")
        #expect(outcome == nil)
        #expect(folder.text("calls").hasSuffix(":/usr/share/cluster-glue\n"))
    }

    @Test("the reason of a fence agent is not how to ask for its usage")
    func reason() throws {
        try folder.write(
            "stonith.d/fence_refusing",
            """
            #!/bin/sh
            echo "ERROR: Failed: You have to enter fence address" >&2
            echo >&2
            echo "ERROR: Please use '-h' for usage" >&2
            echo >&2
            exit 1

            """)
        let failure = try #require(try fence("fence_refusing", "hostlist=beta\n"))
        #expect(failure.hasSuffix("ERROR: Failed: You have to enter fence address"), "\(failure)")
    }

    @Test("a process that stood still between two calls of a device does not power the node off any more")
    func stillness() throws {
        var outcome: String??
        let text = "hostlist=beta\nuser=a\npassword=b\n"
        let run = try run("external/switch", text, stillnessMax: .milliseconds(200)) { outcome = .some($0) }
        run.start()
        // As a process that is stopped, and reads only later that gethosts has ended.
        Clock.wait(.seconds(1))
        #expect(turn(loop) { outcome != nil })
        #expect(try #require(outcome)?.contains("stood still") == true)
        #expect(folder.text("calls") == "")
    }

    @Test("a fence that is recalled tries nothing again, and what has begun comes to its end")
    func recall() throws {
        try folder.write(
            "stonith.d/slow",
            """
            #!/bin/sh
            case $1 in
            gethosts) echo beta ;;
            *) echo begun >>\(folder.path)/calls; while [ ! -e \(folder.path)/go ]; do sleep 0.02; done
               exit "$status" ;;
            esac

            """)
        for (status, isFenced) in [("1", false), ("0", true)] {
            var outcome: String??
            let run = try run("external/slow", "hostlist=beta\nstatus=\(status)\n", attempts: 3) { outcome = .some($0) }
            run.start()
            #expect(turn(loop) { folder.text("calls") == "begun\n" })
            run.recall()
            try folder.write("go", "")
            #expect(turn(loop) { outcome != nil })
            #expect(folder.text("calls") == "begun\n")
            #expect((try #require(outcome) == nil) == isFenced)
            try folder.write("calls", "")
            unlink(folder.path + "/go")
        }
    }

    @Test("a fence that is ended calls no device any more, and kills the one that it has called")
    func end() throws {
        try folder.write(
            "stonith.d/hanging",
            """
            #!/bin/sh
            trap '' TERM
            case $1 in
            gethosts) echo beta ;;
            *) echo $$ >\(folder.path)/pid; sleep 1000 ;;
            esac

            """)
        var isAnswered = false
        let run = try run("external/hanging", "hostlist=beta\n") { _ in isAnswered = true }
        run.start()
        #expect(turn(loop) { folder.text("pid").hasSuffix("\n") })
        let pid = try #require(pid_t(folder.text("pid").dropLast()))
        run.end()
        #expect(turn(loop) { kill(pid, 0) != 0 })
        #expect(!isAnswered)
    }

    @Test("an agent is not asked for what leaves the node running", arguments: ["status", "on", "monitor", ""])
    func harmless(_ action: String) throws {
        let failure = try fence("fence_switch", "hostlist=beta\naction=\(action)\n")
        #expect(failure == "fence_switch: action=\(action) powers nothing off")
        #expect(folder.text("calls") == "")
        let outcome = try fence("fence_switch", "hostlist=beta\naction=off\n")
        #expect(outcome == nil)
    }

    @Test("values by place are the plugin's in the order of its names, and the last one has all that is left",
        arguments: [
            "alpha,beta operator a secret\n", "# the switch in rack 4\n\n  alpha,beta\toperator a secret  ",
            "alpha,beta\noperator\na\nsecret\n", "# CR LF\r\nalpha,beta operator a secret\r\n",
        ])
    func places(_ text: String) throws {
        let outcome = try fence("external/switch", text)
        #expect(outcome == nil)
        #expect(folder.text("calls") == "reset beta user=operator password=a secret\n")
    }

    @Test("names and values stand one a line, in any order, blanks in a value included",
        arguments: [
            "hostlist=alpha beta\nuser=operator\npassword=a=b c\n",
            "# names\r\n password=a=b c \r\nuser=operator\r\n\r\nhostlist=alpha,beta\r\n",
        ])
    func names(_ text: String) throws {
        let outcome = try fence("external/switch", text)
        #expect(outcome == nil)
        #expect(folder.text("calls") == "reset beta user=operator password=a=b c\n")
    }

    @Test("a fence agent is given the names of the file; a node that its hostlist lacks is not its to power off")
    func agent() throws {
        let text = "hostlist=alpha,beta\nip=10.0.0.9\nplug=7\n"
        let outcome = try fence("fence_switch", text)
        #expect(outcome == nil)
        #expect(folder.text("calls") == "action=reboot ip=10.0.0.9 nodename=beta plug=7 ")
        let other = try #require(try fence("fence_switch", text, of: "gamma"))
        #expect(other.contains("does not list the node"))
        #expect(!folder.text("calls").contains("gamma"))
    }

    @Test("a file that is missing, empty or short of values fails, and nothing is powered off",
        arguments: [nil, "", "# nothing\n", "alpha,beta operator\n", "hostlist=gamma\nuser=a\npassword=b\n"])
    func wrong(_ text: String?) throws {
        let failure = try #require(try fence("external/switch", text))
        #expect(!failure.isEmpty)
        #expect(folder.text("calls") == "")
    }
}
