import ClusterModel
import Testing
@testable import ClusterCore

@Suite("Placement")
struct PlacementTests {
    private func input(
        _ standings: [Standing], groups: [PlacementInput.Group], failback: AutoFailback = .on, waits: Bool = false
    ) -> PlacementInput {
        PlacementInput(
            nodes: standings.enumerated().map {
                .init(id: NodeID($0.offset), name: "node\($0.offset)", standing: $0.element)
            }, groups: groups, autoFailback: failback, waitsForJoining: waits)
    }

    private func group(
        preferred: Int, holder: Int? = nil, wanted: Int? = nil, failedAt: [Int] = []
    ) -> PlacementInput.Group {
        PlacementInput.Group(
            preferred: NodeID(preferred), holder: holder.map(NodeID.init), wanted: wanted.map(NodeID.init),
            failedAt: failedAt.map(NodeID.init))
    }

    @Test("a group that nobody holds goes to its preferred node")
    func preferred() {
        #expect(placement(input([.candidate, .candidate], groups: [group(preferred: 1)])) == [NodeID(1)])
    }

    @Test("auto_failback decides whether a holder gives a group back")
    func failback() {
        let groups = [group(preferred: 0, holder: 1)]
        #expect(placement(input([.candidate, .candidate], groups: groups, failback: .on)) == [NodeID(0)])
        #expect(placement(input([.candidate, .candidate], groups: groups, failback: .legacy)) == [NodeID(0)])
        #expect(placement(input([.candidate, .candidate], groups: groups, failback: .off)) == [NodeID(1)])
    }

    @Test("an operator's wish goes before home and holder, while its node is there")
    func wanted() {
        let groups = [group(preferred: 0, holder: 0, wanted: 2)]
        #expect(placement(input([.candidate, .candidate, .candidate], groups: groups)) == [NodeID(2)])
        #expect(placement(input([.candidate, .candidate, .leaving], groups: groups)) == [NodeID(0)])
    }

    @Test(
        "a holder that is out of reach, or not active yet, keeps its groups",
        arguments: [Standing.unreachable, .joining])
    func keeps(_ standing: Standing) {
        #expect(placement(input([.candidate, standing], groups: [group(preferred: 0, holder: 1)])) == [NodeID(1)])
    }

    @Test("a node that is leaving gives up, and gets nothing")
    func leaving() {
        #expect(placement(input([.leaving, .candidate], groups: [group(preferred: 0, holder: 0)])) == [NodeID(1)])
        #expect(placement(input([.leaving], groups: [group(preferred: 0, holder: 0)])) == [nil])
    }

    @Test("a node where a group failed is passed over; where it failed everywhere nobody gets it")
    func failed() {
        #expect(
            placement(input([.candidate, .candidate], groups: [group(preferred: 0, failedAt: [0])])) == [NodeID(1)])
        #expect(placement(input([.candidate, .candidate], groups: [group(preferred: 0, failedAt: [0, 1])])) == [nil])
    }

    @Test("orphans are spread evenly, in an order that does not depend on ha.cf")
    func spread() {
        let groups = (0..<6).map { _ in group(preferred: 9) }
        var one = input([.candidate, .candidate, .candidate], groups: groups)
        let owners = placement(one)
        for node in 0..<3 { #expect(owners.filter { $0 == NodeID(node) }.count == 2) }
        one.nodes.reverse()
        #expect(placement(one) == owners)
    }

    @Test("right after the start a group waits for its preferred node to join")
    func waits() {
        let groups = [group(preferred: 1)]
        #expect(placement(input([.candidate, .joining], groups: groups, waits: true)) == [nil])
        #expect(placement(input([.candidate, .joining], groups: groups, waits: false)) == [NodeID(0)])
    }
}
