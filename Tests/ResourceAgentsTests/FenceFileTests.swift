// `stonith TYPE FILE`: devices whose parameters are in a file, with real programs that note what they are given.
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
        if let text { try folder.write("device", text, mode: 0o600) }
        var configuration = Configuration()
        configuration.localName = "alpha"
        configuration.policy.operationTimeout = .seconds(30)
        var settings = FenceRun.Settings(configuration, configurationDirectory: folder.path)
        settings.attempts = 1
        let device = StonithDevice(host: nil, type: type, parameters: ["\(folder.path)/device"])
        var outcome: String??
        let run = FenceRun(node, devices: [device], settings: settings, loop: loop, log: records.write) {
            outcome = .some($0)
        }
        run.start()
        #expect(turn(loop) { outcome != nil })
        return try #require(outcome)
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
