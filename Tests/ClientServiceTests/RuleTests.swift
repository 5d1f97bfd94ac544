import CLinux
import ClusterModel
import LinuxSystem
import Messaging
import Privsep
import Testing

@testable import ClientService
@testable import Control

@Suite("What clients may and get")
struct RuleTests {
    private func message(_ fields: (String, String)...) -> HAMessage {
        var message = HAMessage()
        for (name, value) in fields { message.append(name, value) }
        return message
    }

    @Test("a client's message loses what only nodes say of themselves")
    func controlFields() throws {
        let said = message(
            ("t", "num_ping_nodes"), ("src", "beta"), ("num_ping", "2"), ("seq", "1"), ("hg", "ffff"), ("ts", "1"),
            ("ttl", "200"), ("ld", "x"), ("auth", "1 0"), ("dest", "beta"))
        let body = try #require(ClientMessageRules.body(of: said))
        #expect(body == message(("t", "num_ping_nodes"), ("num_ping", "2"), ("dest", "beta")))
    }

    @Test("types that nodes decide by are not for clients", arguments: [
        "status", "shutdone", "NS_st", "NS_rexmit", "NS_anything", "resource", "ask_resources", "starting", "repnodes",
        "ip-request", "stonith", "hbapi-req", "ifstat", "",
    ])
    func reserved(type: String) {
        #expect(ClientMessageRules.body(of: message(("t", type), ("st", "dead"))) == nil)
    }

    @Test("what no medium can carry is refused before it has a number")
    func unsendable() {
        #expect(ClientMessageRules.body(of: message(("info", "without a type"))) == nil)
        #expect(ClientMessageRules.body(of: message(("t", "x"), ("info", ""))) == nil)
        #expect(ClientMessageRules.body(of: message(("t", "x"), ("a=b", "c"))) == nil)
        let long = String(repeating: "x", count: 2 * ClientMessageRules.sizeMax)
        #expect(ClientMessageRules.body(of: message(("t", "x"), ("info", long))) == nil)
    }

    @Test("a client may say so many messages at once, then so many a second")
    func budget() {
        var budget = SendBudget.full
        var now = Instant(nanoseconds: 5_000_000_000)
        #expect((0..<1000).count { _ in budget.take(now) } == SendBudget.burst)
        now = now + .milliseconds(100)
        #expect((0..<1000).count { _ in budget.take(now) } == 5)
        now = now + .seconds(3600)
        #expect((0..<1000).count { _ in budget.take(now) } == SendBudget.burst)
    }

    @Test("a client that asks for it is not started again, one that always ends at once is given up")
    func respawn() {
        var policy = RespawnPolicy()
        #expect(policy.ended(.exited(100), after: .seconds(1)) == .stay)
        policy = RespawnPolicy()
        for _ in 0..<10 { #expect(policy.ended(.exited(0), after: .seconds(1)) == .restart) }
        #expect(policy.ended(.killed(signal: 9), after: .seconds(1)) == .giveUp)
        policy = RespawnPolicy()
        for _ in 0..<10 { #expect(policy.ended(.exited(1), after: .seconds(29)) == .restart) }
        // A life that was long enough makes up for the short ones.
        #expect(policy.ended(.exited(1), after: .seconds(30)) == .restart)
        for _ in 0..<10 { #expect(policy.ended(.exited(1), after: .zero) == .restart) }
    }

    @Test("the abnormal end of a failfast client is that of the machine; a normal one is as with respawn")
    func failfast() {
        var policy = RespawnPolicy(rebootsOnFailure: true)
        #expect(policy.ended(.exited(100), after: .seconds(1)) == .stay)
        for _ in 0..<10 { #expect(policy.ended(.exited(0), after: .seconds(1)) == .restart) }
        #expect(policy.ended(.exited(0), after: .seconds(1)) == .giveUp)
        for end in [ChildStatus.exited(1), .exited(127), .killed(signal: 9), .killed(signal: 15)] {
            #expect(policy.ended(end, after: .seconds(3600)) == .reboot)
        }
    }

    @Test("apiauth decides by user or group; names that it does not know need a default")
    func authorization() {
        let root = PeerCredentials(pid: 1, user: 0, group: 0)
        let nobody = PeerCredentials(pid: 2, user: 65534, group: 65534)
        let strict = ClientAuthorization([])
        #expect(strict.refusal(of: "anon", to: root) == nil)
        #expect(strict.refusal(of: "anon", to: nobody) == "client failed authorization")
        #expect(strict.refusal(of: "chat", to: root) == "no default client auth")
        #expect(strict.refusal(of: "lha-snmpagent", to: root) == nil)
        let open = ClientAuthorization([
            APIAuthorization(client: "anon", users: ["65534"], groups: []),
            APIAuthorization(client: "chat", users: [], groups: ["65534", "1"]),
            APIAuthorization(client: "default", users: ["root"], groups: []),
        ])
        #expect(open.refusal(of: "anon", to: root) == "client failed authorization")
        #expect(open.refusal(of: "anon", to: nobody) == nil)
        #expect(open.refusal(of: "chat", to: nobody) == nil)
        #expect(open.refusal(of: "chat", to: root) == "client failed authorization")
        #expect(open.refusal(of: "other", to: root) == nil)
        #expect(open.refusal(of: "other", to: nobody) == "client failed authorization")
    }

    @Test("changes of nodes and links are told as 3.0.6 tells them, and nothing else is")
    func news() {
        func view(_ status: String, _ ping: String, _ isUp: Bool) -> ClientView {
            ClientView(
                localName: "alpha", holdings: "local",
                nodes: [
                    ClientNode(
                        name: "beta", isPing: false, status: status, links: [ClientLink(name: "eth0", isUp: isUp)]),
                    ClientNode(name: "10.0.0.1", isPing: true, status: ping, links: []),
                ])
        }
        func told(_ old: ClientView, _ new: ClientView) -> [String] {
            ClientNews.between(old, new).map { message in
                message.fields.filter { $0.name != "ts" && $0.name != "seq" }.compactMap { message.text($0.name) }
                    .joined(separator: " ")
            }
        }
        let calm = view("active", "ping", true)
        #expect(told(calm, calm) == [])
        #expect(told(calm, view("dead", "ping", false)) == ["status beta dead", "ifstat beta eth0 dead"])
        #expect(told(calm, view("active", "dead", true)) == ["status 10.0.0.1 dead ping"])
        #expect(told(view("active", "dead", true), calm) == ["NS_st 10.0.0.1 ping ping"])
    }

    @Test("directives are told as ha.cf has them, else as 3.0.6 assumes them; nodes in the order of ha.cf")
    func parameters() {
        var configuration = Configuration()
        configuration.timing.deadping = .milliseconds(1500)
        configuration.parameters = [
            Setting(name: "deadtime", value: "5"), Setting(name: "ping", value: "10.0.0.1"),
            Setting(name: "node", value: "Beta alpha"), Setting(name: "deadtime", value: "2"),
            Setting(name: "stonith_host", value: "* external/x password"),
        ]
        let parameters = ClientParameters(configuration)
        #expect(parameters["deadtime"] == "2")
        #expect(parameters["deadping"] == "1500ms")
        #expect(parameters["udpport"] == "694")
        for name in ["node", "ping", "stonith_host", "nonsense"] { #expect(parameters[name] == nil) }
        let nodes = ["alpha", "beta", "10.0.0.1"].map {
            ClientNode(name: $0, isPing: false, status: "active", links: [])
        }
        #expect(parameters.inOrder(nodes).map(\.name) == ["10.0.0.1", "beta", "alpha"])
    }

    @Test("frames between the service and the status process are read back, and cut ones are refused")
    func frames() throws {
        let view = ClientView(
            localName: "alpha", holdings: "all",
            nodes: [
                ClientNode(
                    name: "beta", isPing: false, status: "active",
                    links: [ClientLink(name: "eth0", isUp: true), ClientLink(name: "/dev/ttyS0", isUp: false)],
                    uuid: [UInt8](repeating: 7, count: 16)),
                ClientNode(name: "router", isPing: true, status: "dead", links: []),
            ])
        for frame in [StatusToClients.view(view), .message([1, 2, 3]), .flow(isOpen: true), .flow(isOpen: false)] {
            let bytes = frame.encoded()
            #expect(try StatusToClients(decoding: bytes) == frame)
            for length in 0..<bytes.count {
                #expect(throws: FrameError.self) { try StatusToClients(decoding: Array(bytes.prefix(length))) }
            }
        }
        for frame in [ClientsToStatus.watch(true), .send([9])] {
            #expect(try ClientsToStatus(decoding: frame.encoded()) == frame)
        }
    }
}
