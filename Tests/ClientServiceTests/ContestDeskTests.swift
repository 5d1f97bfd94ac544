// How the status process judges claims of other machines: nodes that heal from a partition, or strangers.
import Admin
import ClusterModel
import Privsep
import Testing

@testable import Status

@Suite("Contested addresses, as an operator sees them")
struct ContestDeskTests {
    private let group = GroupID(0)

    private func claim(_ number: Int = 1, machine: String = "02:00:00:00:00:09") -> ContestedAddress {
        ContestedAddress(group: "web", address: "10.0.\(number / 250).\(number % 250)", interface: "eth0",
            machine: machine, count: 2)
    }

    private func at(_ seconds: Int) -> Instant { Instant(nanoseconds: 1_000_000_000_000) + .seconds(seconds) }

    @Test("A stranger's claim is critical and shown until it has been quiet for a minute")
    func stranger() {
        var desk = ContestDesk()
        #expect(desk.take(claim(), group: group, now: at(0)) == at(1))
        #expect(desk.report(at(0)).isEmpty, "not judged yet")
        let records = desk.judge(at(1)) { _, _ in nil }
        #expect(records.map(\.level) == [.critical] && records.map(\.event) == ["address-contested"])
        #expect(desk.judge(at(2)) { _, _ in nil }.isEmpty, "nothing happened since")
        _ = desk.take(claim(), group: group, now: at(10))
        #expect(desk.report(at(11)).map(\.count) == [4], "shown while it is judged anew")
        #expect(desk.isOpen(at(70)) && desk.report(at(70)).count == 1)
        #expect(!desk.isOpen(at(71)) && desk.report(at(71)).isEmpty)
    }

    @Test("A node that had the group and is heard again made the claim, before or after it was judged; not for ever")
    func partition() {
        var desk = ContestDesk()
        let healed = at(20)
        func contender(_ id: GroupID, _ since: Instant) -> String? { id == group && healed >= since ? "beta" : nil }
        _ = desk.take(claim(), group: group, now: at(0))
        #expect(desk.judge(at(1)) { _, _ in nil }.map(\.level) == [.critical], "beta is not heard yet")
        #expect(desk.report(at(1)).count == 1)
        #expect(desk.judge(at(21), contender: contender).map(\.event) == ["address-partition"])
        #expect(desk.report(at(21)).isEmpty && !desk.isOpen(at(21)))
        // What was told of the same partition ten seconds later.
        _ = desk.take(claim(), group: group, now: at(30))
        #expect(desk.judge(at(31), contender: contender).map(\.event) == ["address-partition"])
        // Whoever goes on is somebody else.
        _ = desk.take(claim(), group: group, now: at(40))
        #expect(desk.judge(at(41), contender: contender).map(\.event) == ["address-contested"])
        #expect(desk.report(at(41)).count == 1)
    }

    @Test("A machine that claims very many addresses writes a few lines, and is not remembered without bound")
    func many() {
        var desk = ContestDesk()
        for number in 0..<5000 { _ = desk.take(claim(number), group: group, now: at(0)) }
        #expect(desk.judge(at(1)) { _, _ in nil }.count == 3)
        #expect(desk.report(at(1)).count == 1024)
    }
}
