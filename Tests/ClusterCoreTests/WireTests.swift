import ClusterModel
import Messaging
import Testing
@testable import ClusterCore

@Suite("Status messages, marks, quorum and hostile input")
struct WireTests {
    static func configuration() -> Configuration {
        var configuration = Configuration()
        configuration.members = ["alpha", "beta", "gamma"].map { Member(name: $0, kind: .normal) }
        configuration.localName = "alpha"
        configuration.media = [.broadcast(interface: "eth0", port: 694)]
        configuration.groups = ["ip1", "ip2"].map {
            ResourceGroup(name: $0, preferred: "alpha", resources: [], line: 1)
        }
        return configuration
    }

    @Test("E2, E3, E4, E5, E6, E7, E9: a status message says what was put in, in 7-bit text without empty values")
    func roundTrip() throws {
        let coding = StatusCoding(WireTests.configuration())
        var said = StatusExtension()
        said.hears.append("beta", Hearing(generation: 7, sequence: 0x1f, age: .microseconds(1500)))
        said.groups = [GroupReport(group: GroupID(1), phase: .held, epoch: 9, failures: 2)]
        said.grants = [Grant(group: GroupID(0), node: NodeID(2), epoch: 4)]
        said.marks = [Mark(group: GroupID(0), node: nil, stamp: 3), Mark(group: GroupID(1), node: NodeID(1), stamp: 1)]
        said.clearings = [Clearing(group: GroupID(1), stamp: 2)]
        said.fences = [
            FenceReport(
                mark: FenceMark(node: NodeID(1), generation: 0x11, stamp: 2, isFenced: true), effort: .none),
            FenceReport(
                mark: FenceMark(node: NodeID(2), generation: 0, stamp: 0, isFenced: false), effort: .failed),
        ]
        said.maintenance = [
            MaintenanceReport(
                mark: MaintenanceMark(
                    group: nil, isOn: true, stamp: 7, until: nil,
                    words: MaintenanceWords(
                        node: "beta", user: "root", reason: "neue Kühlung, 50 % \"fertig\"\u{1F9CA}",
                        time: 1_700_000_000)),
                remaining: .milliseconds(61_234)),
            MaintenanceReport(
                mark: MaintenanceMark(
                    group: GroupID(1), isOn: false, stamp: 1, until: nil,
                    words: MaintenanceWords(node: "gamma", user: "", reason: "-", time: 0)),
                remaining: nil),
        ]
        said.leaving = true
        said.configurationDigest = 0xabc
        let report = StatusReport(status: .active, deadInterval: .seconds(3), statusExtension: said)
        let message = coding.encode(report)
        #expect(message.text("dt") == "bb8")
        #expect(message.text("hb_hears") == "beta 7 1f 5dc")
        for field in message.fields {
            guard case .string(let bytes) = field.value else { continue }
            #expect(!bytes.isEmpty && bytes.allSatisfy { $0 >= 32 && $0 < 127 })
        }
        #expect(coding.decode(message, previous: nil)?.report == report)
        #expect(coding.decode(message, previous: coding.decode(message, previous: nil))?.report == report)
        let hearing = try #require(said.hears["beta"])
        #expect(hearing == Hearing(generation: 7, sequence: 0x1f, age: .microseconds(1500)))
        #expect(said.hears["gamma"] == nil)
    }

    @Test("E1, E8: a classic status has no extension, and lies about names and numbers are left out")
    func lies() {
        let coding = StatusCoding(WireTests.configuration())
        var message = HAMessage()
        message.append("t", "status")
        message.append("st", "active")
        message.append("dt", "3e8")
        #expect(coding.decode(message, previous: nil)?.report.statusExtension == nil)
        message.append("hb_version", "1")
        message.append(
            "hb_groups",
            "ip1 h ffffffffffffffff 0 nowhere h 1 0 ip1 z 1 0 ip1 h zz 0 ip2 h 5 -3 ip2 h 5 0 trailing")
        message.append("hb_grants", "ip1 nobody 3 ip1 beta")
        message.append("hb_marks", "ip1 nobody 3 ip1 beta ffffffffffffffff")
        message.append("hb_clear", "ip1 4000000000000000")
        let said = coding.decode(message, previous: nil)?.report.statusExtension
        #expect(said?.groups == [GroupReport(group: GroupID(1), phase: .held, epoch: 5, failures: 0)])
        #expect(said?.grants == [])
        #expect(said?.marks == [])
        #expect(said?.clearings == [])
    }

    @Test("E6: marks: the newer stamp wins, and of equal stamps the same one on all nodes")
    func marks() {
        let one = Mark(group: GroupID(0), node: NodeID(1), stamp: 5)
        let two = Mark(group: GroupID(0), node: NodeID(2), stamp: 5)
        let name = { (node: NodeID) in "node\(node.index)" }
        var a = MarkTable(groups: 1)
        var b = MarkTable(groups: 1)
        _ = a.merge(one, name: name)
        _ = a.merge(two, name: name)
        _ = b.merge(two, name: name)
        _ = b.merge(one, name: name)
        #expect(a.marks == b.marks)
        let older = a.merge(Mark(group: GroupID(0), node: nil, stamp: 4), name: name)
        #expect(!older)
        a.set(GroupID(0), nil)
        let newer = b.merge(a.marks[0], name: name)
        #expect(newer)
        #expect(b.wanted(GroupID(0)) == nil)
    }

    @Test("the right to hold ends before a majority of the others can have agreed on this node's death")
    func heldUntil() {
        func until(_ nodeCount: Int, _ promised: [Int64]) -> Int64 {
            QuorumInput(
                policy: .majority, nodeCount: nodeCount, reachableCount: 1,
                promises: promised.map { Instant(nanoseconds: $0) }, pingedAt: nil,
                inheritedUntil: Instant(nanoseconds: 0),
                lease: .zero, freshness: .zero, now: Instant(nanoseconds: 0)
            ).heldUntil.nanoseconds
        }
        #expect(until(3, [10, 50]) == 50, "both others are needed: the one that promised longest decides")
        #expect(until(5, [10, 20, 30, 40]) == 30, "three of four are needed")
        #expect(until(4, [10, 20, 30]) == 30, "all three are needed")
        #expect(until(2, [10]) == Instant.distantFuture.nanoseconds, "one other node is never a majority of two")
    }

    @Test("half is no majority, one ping node is enough, ignore asks nobody")
    func mayClaim() {
        func may(_ policy: QuorumPolicy, _ reachable: Int, of count: Int, pinged: Int64? = nil) -> Bool {
            QuorumInput(
                policy: policy, nodeCount: count, reachableCount: reachable, promises: [],
                pingedAt: pinged.map { Instant(nanoseconds: $0) }, inheritedUntil: Instant(nanoseconds: 0),
                lease: .seconds(1), freshness: .nanoseconds(30), now: Instant(nanoseconds: 100)
            ).mayClaim
        }
        #expect(!may(.majority, 2, of: 4))
        #expect(may(.majority, 3, of: 4))
        #expect(!may(.ping, 2, of: 2))
        #expect(may(.ping, 1, of: 2, pinged: 80))
        #expect(!may(.ping, 1, of: 2, pinged: 60), "an old answer may come from before a cut")
        #expect(may(.ignore, 1, of: 2))
    }

    @Test("W23, R9: messages that lack a field, replay an old generation, or come from nowhere are dropped by cause")
    func drops() {
        let configuration = WireTests.configuration()
        var cluster = Cluster(
            configuration: configuration, generation: 5, uuid: [1], seed: 1, now: Instant(nanoseconds: 0))
        func dropped(_ fields: [(String, String)]) -> [DropReason] {
            var message = HAMessage()
            for (name, value) in fields { message.append(name, value) }
            var effects: [Effect] = []
            cluster.handle(
                .received(message, medium: MediumID(0), arrival: Instant(nanoseconds: 10)),
                now: Instant(nanoseconds: 10), effects: &effects)
            return effects.compactMap { if case .dropped(let reason) = $0 { reason } else { nil } }
        }
        let status = [("t", "status"), ("st", "active"), ("dt", "3e8"), ("src", "beta"), ("hg", "9"), ("ts", "1")]
            + [("hb_version", "1")]
        #expect(dropped([("t", "status")]) == [.malformed])
        #expect(dropped(status) == [.malformed], "without a sequence number")
        #expect(dropped(status + [("seq", "zz")]) == [.malformed])
        #expect(dropped(status + [("seq", "4")]) == [])
        #expect(dropped(status + [("seq", "4")]) == [.duplicate])
        #expect(dropped(status.map { $0.0 == "hg" ? ("hg", "8") : $0 } + [("seq", "5")]) == [.replay])
        #expect(dropped(status.map { $0.0 == "src" ? ("src", "mallory") : $0 } + [("seq", "5")]) == [.unknownNode])
        let own = status.map { $0.0 == "src" ? ("src", "alpha") : $0.0 == "hg" ? ("hg", "5") : $0 }
        #expect(dropped(own + [("seq", "1")]) == [.ownMessage])
        #expect(dropped(own + [("seq", "ff")]) == [.namesake])
        #expect(dropped([("t", "NS_rexmit"), ("src", "beta"), ("ts", "1"), ("hg", "9"), ("dest", "gamma"),
            ("firstseq", "1"), ("lastseq", "18446744073709551615")]) == [.notForUs])
        #expect(dropped([("t", "NS_rexmit"), ("src", "beta"), ("ts", "1"), ("hg", "9"), ("firstseq", "9"),
            ("lastseq", "1")]) == [.malformed])
    }
}
