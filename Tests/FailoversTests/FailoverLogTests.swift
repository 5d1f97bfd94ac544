// Which failover a step belongs to, and what is kept.
import ClusterModel
import Failovers
import Testing

@Suite("The record of failovers")
struct FailoverLogTests {
    private func at(_ milliseconds: Int64) -> Instant { Instant(nanoseconds: milliseconds * 1_000_000) }

    private func step(
        _ kind: FailoverStep.Kind, _ milliseconds: Int64, of node: String? = nil, group: String? = nil
    ) -> FailoverStep {
        FailoverStep(kind, at: at(milliseconds), subject: node, group: group)
    }

    private func record(_ steps: [FailoverStep]) -> [Failover] {
        var log = FailoverLog()
        for step in steps { log.note(step, wallOffset: 1000) }
        return log.failovers
    }

    private var crash: [FailoverStep] {
        [
            step(.heard, 0, of: "alpha"), step(.suspected, 200, of: "alpha"), step(.dead, 200, of: "alpha"),
            step(.claimed, 200, group: "web"), step(.ordered, 200, group: "web"), step(.up, 204, group: "web"),
            step(.told, 204),
            step(.addressUp, 202, group: "web"), step(.announced, 203, group: "web"), step(.worked, 203, group: "web"),
        ]
    }

    @Test("a crash is one failover, with what the resource manager tells later in its place")
    func oneCrash() throws {
        let failovers = record(crash)
        let failover = try #require(failovers.first)
        #expect(failovers.count == 1)
        #expect(failover.cause == .death(node: "alpha"))
        #expect(failover.origin == at(0))
        #expect(failover.wall(at(0)) == 1000)
        #expect(failover.steps.map(\.kind) == [
            .heard, .suspected, .dead, .claimed, .ordered, .addressUp, .announced, .worked, .up, .told,
        ])
        #expect(FailoverPhases(failover).phases.map(\.name) == [
            "last heard to suspected", "suspected to agreed", "agreed to ordered", "ordered to address up",
            "address up to announced", "announced to group up", "group up to told",
        ])
        #expect(FailoverPhases(failover).phases.map(\.duration.wholeMilliseconds) == [200, 0, 0, 2, 1, 1, 0])
    }

    @Test("what comes when all is settled is another failover: a failback, a request, the next death")
    func others() {
        let back = crash + [step(.granting, 1000, group: "web"), step(.stopping, 1001, group: "web")]
        #expect(record(back).map(\.cause) == [.death(node: "alpha"), .placement])
        var asked = step(.requested, 1000)
        asked.text = "standby all"
        #expect(record(crash + [asked, step(.stopping, 1001, group: "web")]).map(\.steps.count) == [10, 2])
        #expect(record(crash + [asked]).last?.cause == .request("standby all"))
        #expect(record(crash + [step(.lost, 900, group: "web")]).last?.cause == .failure(group: "web"))
        let gamma = [step(.heard, 400, of: "gamma"), step(.suspected, 900, of: "gamma")]
        #expect(record(crash + gamma).last?.cause == .silence(node: "gamma"))
    }

    @Test("a planned move is over on the giver's side when the group is up on the other one")
    func giver() {
        let failovers = record([
            step(.requested, 0), step(.stopping, 1, group: "web"), step(.stopped, 2, group: "web"),
            step(.granting, 2, group: "web"), step(.told, 2), step(.seen, 4, group: "web"), step(.told, 4),
            step(.granting, 100, group: "web"),
        ])
        #expect(failovers.map(\.steps.count) == [7, 1])
    }

    @Test("a fence that takes minutes keeps its failover; a word that tells nothing begins none")
    func fencing() {
        var awaited = step(.fenceAwaited, 200, of: "alpha", group: "web")
        awaited.subject = "alpha"
        let failovers = record([
            step(.told, 0), step(.suspected, 200, of: "alpha"), step(.dead, 200, of: "alpha"),
            step(.claimed, 200, group: "web"), awaited, step(.fencing, 200, of: "alpha"),
            step(.fenced, 120_000, of: "alpha"), step(.ordered, 120_000, group: "web"),
        ])
        #expect(failovers.map(\.steps.count) == [7])
    }

    @Test("groups that take a step at the same moment share it")
    func shared() {
        let failovers = record((0..<500).map { step(.claimed, 5, group: "group\($0)") })
        #expect(failovers.map(\.steps.count) == [1])
        #expect(failovers.first?.steps.first?.more == 499)
    }

    @Test("false alarms make way for each other, and not for what is true")
    func falseAlarms() {
        var log = FailoverLog()
        for step in crash { log.note(step, wallOffset: 0) }
        for number in 1...100 {
            for kind in [FailoverStep.Kind.heard, .suspected, .returned] {
                log.note(step(kind, Int64(number) * 1000, of: "gamma"), wallOffset: 0)
            }
        }
        #expect(log.failovers.count == FailoverLog.failoversMax)
        #expect(log.failovers.first?.cause == .death(node: "alpha"))
        #expect(log.failovers.last?.number == 101)
    }

    @Test("sixteen failovers and a bounded number of steps are kept, the latest ones")
    func bounds() {
        var log = FailoverLog()
        for number in 0..<40 {
            log.note(step(.lost, Int64(number) * 60_000, group: "web"), wallOffset: 0)
            log.note(step(.up, Int64(number) * 60_000 + 1, group: "web"), wallOffset: 0)
        }
        #expect(log.failovers.map(\.number) == Array(25...40))
        for number in 0..<10_000 {
            log.note(step(.worked, 39 * 60_000 + Int64(number) / 2, group: "web"), wallOffset: 0)
        }
        let kept = log.failovers.reduce(0) { $0 + $1.steps.count }
        #expect(kept <= FailoverLog.stepsMax)
        #expect(log.failovers.count == 1)
        #expect(log.failovers[0].steps.count + log.failovers[0].dropped == 10_002)
    }
}
