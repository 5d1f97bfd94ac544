// Whoever has the key may say any number. None of them may end the core: that would end it on every node at once.
import ClusterModel
import Messaging
import Testing

@testable import ClusterCore

@Suite("Numbers that nobody reaches")
struct ExtremeNumberTests {
    /// A core, and a world that answers its orders.
    private struct Stage {
        var cluster: Cluster
        var now = Instant(nanoseconds: 5_000_000_000)
        var random: RandomSource
        var effects: [Effect] = []

        init(seed: UInt64, nodes: [String], quorum: QuorumPolicy) {
            random = RandomSource(seed: seed)
            var configuration = WireTests.configuration()
            configuration.members = nodes.map { Member(name: $0, kind: .normal) }
            configuration.members.append(Member(name: "10.0.0.9", kind: .ping))
            configuration.media = [
                .broadcast(interface: "eth0", port: 694), .serial(tty: "/dev/ttyS0", baud: 9600),
                .serial(tty: "/dev/ttyS1", baud: 9600), .ping(address: "10.0.0.9"),
            ]
            configuration.groups[1].preferred = "beta"
            configuration.quorum = quorum
            configuration.processes.stonith = [StonithDevice(host: "*", type: "null", parameters: nodes)]
            configuration.timing.deadtime = .seconds(1)
            configuration.timing.initdead = .seconds(2)
            cluster = Cluster(configuration: configuration, generation: 5, uuid: [1], seed: seed, now: now)
            handle(.inventory([], entitledUntil: nil))
        }

        mutating func handle(_ event: Event) {
            cluster.handle(event, now: now, effects: &effects)
            let batch = effects
            effects.removeAll()
            for effect in batch {
                let fails = random.next() % 5 == 0
                switch effect {
                case .start(_, _, let operation), .reassert(_, _, let operation), .stop(_, let operation):
                    handle(.finished(operation, failure: fails ? "no" : nil, remains: fails))
                case .fence(_, let operation, _): handle(.fenced(operation, failure: fails ? "no" : nil))
                default: break
                }
            }
        }

        mutating func pick<Item>(_ items: [Item]) -> Item { items[Int(random.next() % UInt64(items.count))] }

        mutating func number() -> UInt64 {
            let edges: [UInt64] = [
                0, 1, 2, 3, 9, 10, 500, 501, 1 << 31, 1 << 32, 1 << 40, 1 << 61, (1 << 62) - 1, 1 << 62, 1 << 63,
                UInt64(Int64.max) - 1, .max - 600, .max - 501, .max - 1, .max,
            ]
            let edge = pick(edges)
            return random.next() % 3 == 0 ? edge &+ random.next() % 5 : edge
        }

        mutating func hexadecimal() -> String { String(number(), radix: 16) }

        mutating func words(_ forms: [(inout Stage) -> String]) -> String {
            (0..<1 + random.next() % 3).map { _ in
                let form = pick(forms)
                return form(&self)
            }.joined(separator: " ")
        }

        mutating func message(_ nodes: [String], _ sequences: inout [UInt64]) -> HAMessage {
            let types = [
                "status", "status", "status", "status", "status", "status", "NS_ackmsg", "NS_rexmit", "NS_nak_rexmit",
                "shutdone", "resource", "ask_resources", "hb_takeover", "starting", "ip-request", "ip-request-resp",
                "reqnodes", "other", "NS_st",
            ]
            var message = HAMessage()
            let type = pick(types)
            let sender = Int(random.next() % UInt64(nodes.count))
            sequences[sender] &+= 1
            message.append("t", type)
            message.append("src", pick([nodes[sender], nodes[sender], nodes[sender], "10.0.0.9", "alpha"]))
            let isOdd = random.next() % 8 == 0
            message.append("seq", isOdd ? hexadecimal() : String(sequences[sender], radix: 16))
            message.append("hg", random.next() % 50 == 0 ? hexadecimal() : pick(["7", "7", "8", "9", "a"]))
            message.append("ts", "1")
            message.append("ttl", String(number()))
            if random.next() % 6 == 0 { message.append("dest", pick(["alpha", "beta"])) }
            message.append("dt", pick(["3e8", "3e8", "3e8", hexadecimal()]))
            message.append("st", pick(["active", "active", "up", "dead", "x"]))
            message.append("ackseq", hexadecimal())
            message.append("firstseq", pick([String(number()), hexadecimal()]))
            message.append("lastseq", pick([String(number()), hexadecimal()]))
            message.append("rsc_hold", pick(["all", "none", "local", "foreign", "failback"]))
            message.append("info", pick(["me", "other", "done", "shutdown", "standby", "ping"]))
            message.append("ipaddr", pick(["ip1", "ip2"]))
            message.append("isstable", pick(["0", "1"]))
            message.append("rtype", pick(["full", "x"]))
            if random.next() % 10 == 0 { return message }
            message.append("hb_version", "1")
            message.append("hb_config", hexadecimal())
            for flag in ["hb_leaving", "hb_barred", "hb_plea"] where random.next() % 8 == 0 {
                message.append(flag, "1")
            }
            let node: (inout Stage) -> String = { $0.pick(["alpha", "beta", "gamma", "10.0.0.9"]) }
            let group: (inout Stage) -> String = { $0.pick(["ip1", "ip2"]) }
            message.append("hb_hears", words([{ "\(node(&$0)) \($0.pick(["5", $0.hexadecimal()])) \($0.hexadecimal()) "
                + "\($0.hexadecimal())" }]))
            message.append("hb_groups", words([{ "\(group(&$0)) \($0.pick(["c", "s", "h", "p", "b", "u", "f"])) "
                + "\($0.hexadecimal()) \($0.number())" }]))
            message.append("hb_grants", words([{ "\(group(&$0)) \(node(&$0)) \($0.hexadecimal())" }]))
            message.append("hb_marks", words([{ "\(group(&$0)) \($0.pick(["-", node(&$0)])) \($0.hexadecimal())" }]))
            message.append("hb_clear", words([{ "\(group(&$0)) \($0.hexadecimal())" }]))
            message.append("hb_deaf", words([node]))
            message.append("hb_still", words([{ "\($0.pick(["*", "ip1"])) \($0.pick(["0", "0", "1"])) "
                + "\($0.hexadecimal()) \($0.pick(["-", $0.hexadecimal()])) beta root \($0.hexadecimal()) -" }]))
            message.append("hb_fence", words([{ "\(node(&$0)) \($0.hexadecimal()) \($0.hexadecimal()) "
                + "\($0.pick(["f", "-"])) \($0.pick(["n", "w", "x"]))" }]))
            return message
        }
    }

    @Test(
        "Every field of a node's messages may have any number, in any order, whatever the node does meanwhile",
        arguments: [(3, QuorumPolicy.majority), (2, .ignore), (2, .ping)])
    func survives(nodes count: Int, quorum: QuorumPolicy) {
        let nodes = Array(["alpha", "beta", "gamma"].prefix(count))
        for seed in 1...UInt64(20) {
            var stage = Stage(seed: seed, nodes: nodes, quorum: quorum)
            var sequences = [UInt64](repeating: 0, count: count - 1)
            for step in 0..<600 {
                if stage.cluster.nextDeadline == nil { break }
                let wait = stage.pick([0, 1, 10, 50, 100, 400])
                stage.now = stage.now + .milliseconds(wait)
                let message = stage.message(Array(nodes.dropFirst()), &sequences)
                let medium = MediumID(Int(stage.random.next() % 4))
                stage.handle(.received(message, medium: medium, arrival: stage.now - .milliseconds(wait)))
                stage.handle(.wake)
                let request = RequestID(step)
                switch stage.random.next() % 40 {
                case 0: stage.handle(.requested(.standby(.all), request))
                case 1: stage.handle(.requested(.takeover(.all), request))
                case 2: stage.handle(.requested(.cleanup(group: nil), request))
                case 3: stage.handle(.requested(.fence(node: "beta", isConfirmed: step % 2 == 0), request))
                case 4:
                    let order = MaintenanceOrder(group: nil, isOn: step % 2 == 0, duration: .seconds(1), time: 1)
                    stage.handle(.requested(.maintain(order), request))
                case 5:
                    stage.handle(.resourceManagerLost)
                    stage.handle(.inventory([Finding(group: "ip1", state: .held, epoch: 3)], entitledUntil: stage.now))
                case 6: stage.handle(.lost(group: "ip1", reason: "gone"))
                case 7 where step > 500: stage.handle(stage.random.next() % 2 == 0 ? .shutdown : .handOver)
                default: break
                }
                _ = stage.cluster.snapshot(stage.now)
                _ = stage.cluster.clientsMaySend
            }
        }
    }

    @Test("A peer that says an epoch or stamp that nobody reaches does not carry the others there")
    func liar() throws {
        var stage = Stage(seed: 1, nodes: ["alpha", "beta"], quorum: .ignore)
        let end = String((UInt64(1) << 62) - 1, radix: 16)
        for sequence in 1...3 {
            var message = HAMessage()
            for (name, value) in [
                ("t", "status"), ("src", "beta"), ("seq", String(sequence)), ("hg", "7"), ("ts", "1"), ("ttl", "3"),
                ("dt", "3e8"), ("st", "active"), ("hb_version", "1"), ("hb_groups", "ip1 h \(end) 0"),
                ("hb_marks", "ip1 beta \(end)"), ("hb_clear", "ip1 \(end)"),
            ] { message.append(name, value) }
            stage.handle(.received(message, medium: MediumID(0), arrival: stage.now))
            stage.now = stage.now + .milliseconds(100)
        }
        // It dies; what this node claims and decides then is still read by everybody.
        for _ in 0..<40 {
            stage.now = stage.now + .milliseconds(100)
            stage.handle(.wake)
        }
        stage.handle(.requested(.cleanup(group: "ip1"), 1))
        #expect(stage.cluster.groups[0].epochSeen < 1 << 41)
        #expect(stage.cluster.groups[0].epochSeen >= 1)
        #expect(stage.cluster.marks.writtenMarks.allSatisfy { $0.stamp < 1 << 41 })
        #expect(stage.cluster.marks.writtenClearings.allSatisfy { $0.stamp < 1 << 41 })
    }
}
