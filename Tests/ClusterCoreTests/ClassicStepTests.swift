// The dialogue with heartbeat 3.0.6, transition by transition (Resources/doc/protocol.md, "Dialogue").
import ClusterModel
import Messaging
import Testing

@testable import ClusterCore

@Suite("The dialogue with heartbeat 3.0.6, step by step")
struct ClassicStepTests {
    /// A machine at a moment.
    struct Bench {
        var peer: ClassicPeer
        var facts = ClassicFacts()
        var now = Instant(nanoseconds: 1_000_000_000)
        var sequence: UInt64 = 0

        init(_ peer: ClassicPeer) {
            self.peer = peer
            facts.isActive = true
            facts.peerIsActive = true
        }

        /// A node at rest with its peer, each with its own.
        static func settled(owesFailback: Bool = false, own: Sides = .local) -> Bench {
            var bench = Bench(ClassicPeer(name: "beta", metWith: own, owesFailback: owesFailback, isActive: false))
            _ = bench.hear(.resource(own == .all ? [] : .local, isFull: true, isStable: true, info: ""))
            return bench
        }

        /// Hears a message and returns what is said to it.
        mutating func hear(_ message: ClassicMessage, at number: UInt64? = nil) -> [ClassicMessage] {
            sequence += 1
            peer.receive(message, sequence: number ?? sequence, facts, now)
            return say()
        }

        mutating func pass(_ time: Duration = .zero) -> [ClassicMessage] {
            now = now + time
            return say()
        }

        private mutating func say() -> [ClassicMessage] {
            peer.advance(facts, now)
            let said = peer.effects.compactMap { if case .send(let message) = $0 { message } else { nil } }
            peer.effects.removeAll()
            return said
        }
    }

    private func report(_ sides: Sides, stable: Bool, _ info: String = "") -> ClassicMessage {
        .resource(sides, isFull: true, isStable: stable, info: info)
    }

    // MARK: Start

    @Test("D3: waiting -> starting when both are active, and not before")
    func begins() {
        var bench = Bench(ClassicPeer(metByJoining: "beta"))
        bench.facts.peerIsActive = false
        #expect(bench.pass() == [])
        #expect(bench.hear(.starting) == [.starting, report([], stable: false)])
        var other = Bench(ClassicPeer(metByJoining: "beta"))
        #expect(other.pass() == [.starting])
        #expect(other.peer.stage == .starting)
    }

    @Test("D3: starting -> stable at once where neither has anything")
    func settlesAtOnce() {
        var bench = Bench(ClassicPeer(metByJoining: "beta"))
        _ = bench.hear(.starting)
        #expect(bench.hear(report([], stable: false)) == [report(.local, stable: true)])
        #expect(bench.peer.owner(of: .local) == .here)
        #expect(bench.peer.owner(of: .foreign) == .nobody)
        #expect(bench.hear(report(.local, stable: true)) == [report(.local, stable: true)])
        #expect(bench.peer.owner(of: .foreign) == .there)
    }

    @Test("D4: starting -> stable when the other one is, without what it has")
    func settlesLate() {
        var bench = Bench(ClassicPeer(metByJoining: "beta"))
        _ = bench.pass()
        #expect(bench.hear(report(.all, stable: false)) == [])
        #expect(bench.hear(report(.all, stable: true)) == [report([], stable: true)])
        #expect(bench.peer.owner(of: .local) == .there)
        #expect(!bench.peer.grants(.local))
    }

    @Test("D4: starting -> stable after ten seconds beside one that stays in flux")
    func settlesAlone() {
        var bench = Bench(ClassicPeer(metByJoining: "beta"))
        _ = bench.pass()
        _ = bench.hear(report(.local, stable: false))
        #expect(bench.pass(.milliseconds(9_999)) == [])
        #expect(bench.pass(.milliseconds(1)) == [report(.local, stable: true)])
    }

    @Test("D3: a node that has run for longer and names nothing may be at work: nothing is taken for ten seconds")
    func cautious() {
        var bench = Bench(ClassicPeer(metByJoining: "beta"))
        _ = bench.pass()
        #expect(bench.hear(report([], stable: true)) == [report([], stable: true)])
        #expect(bench.pass(.seconds(10)) == [report(.all, stable: true)])
    }

    @Test("D3: what runs here when the dialogue begins stays here")
    func keeps() {
        var bench = Bench(ClassicPeer(metByJoining: "beta"))
        bench.facts.occupied = .local
        _ = bench.pass()
        #expect(bench.peer.owner(of: .local) == .here)
    }

    @Test("D3: who does not say what it has is asked every two seconds")
    func asks() {
        var bench = Bench(ClassicPeer(name: "beta", metWith: .all, owesFailback: false, isActive: false))
        #expect(bench.pass() == [])
        #expect(bench.pass(.seconds(2)) == [.starting])
        #expect(bench.pass(.seconds(2)) == [.starting])
        _ = bench.hear(report([], stable: true))
        #expect(bench.pass(.seconds(20)) == [])
        bench.peer.missWord()
        _ = bench.pass()
        #expect(bench.pass(.seconds(2)) == [.starting])
        var known = Bench(ClassicPeer(name: "beta", metWith: .all, owesFailback: false, isActive: true))
        #expect(known.pass() == [.starting])
    }

    // MARK: Reports

    @Test("D12: what the other one says that it has is given up, and never kept by both")
    func conflict() {
        var bench = Bench.settled()
        #expect(bench.hear(report(.all, stable: true)) == [report([], stable: true)])
        #expect(bench.peer.owner(of: .local) == .there)
        #expect(bench.pass(.seconds(60)) == [])
    }

    @Test("D12: an older report that was lost on the way is void")
    func order() {
        var bench = Bench.settled()
        _ = bench.hear(report(.local, stable: true), at: 20)
        #expect(bench.hear(report(.all, stable: true), at: 19) == [])
        #expect(bench.peer.owner(of: .local) == .here)
    }

    @Test("D12: a report that adds one thing takes nothing away")
    func incremental() {
        var bench = Bench.settled(own: [])
        #expect(bench.peer.owner(of: .foreign) == .there)
        _ = bench.hear(.resource(.foreign, isFull: false, isStable: nil, info: "mach_down"))
        #expect(bench.peer.owner(of: .foreign) == .there)
        #expect(bench.peer.owner(of: .local) == .there)
    }

    @Test("D12: a side that nobody has, with both at rest, is taken after ten seconds")
    func orphan() {
        var bench = Bench.settled()
        _ = bench.hear(report([], stable: true))
        #expect(bench.pass(.milliseconds(9_999)) == [])
        #expect(bench.pass(.milliseconds(1)) == [report(.all, stable: true)])
    }

    @Test("D10: what the other one begins to give up at its end may still run there")
    func ceding() {
        var bench = Bench.settled()
        _ = bench.hear(report([], stable: false, "shutdown"))
        #expect(bench.peer.owner(of: .foreign) == .there)
        #expect(!bench.peer.grants(.foreign))
        #expect(bench.pass(.seconds(60)) == [])
    }

    // MARK: Moves

    @Test("D5: offered -> releasing -> handedOver -> none")
    func gives() {
        var bench = Bench.settled()
        bench.facts.occupied = .local
        bench.peer.carryOut(giving: true, .local, bench.now)
        #expect(bench.pass() == [.standby(.local, .me)])
        #expect(bench.peer.owner(of: .local) == .here)
        #expect(bench.hear(.standby(.local, .other)) == [report([], stable: false, "standby")])
        #expect(bench.peer.move == .releasing(.local))
        #expect(bench.peer.owner(of: .local) == .there)
        #expect(bench.pass(.seconds(30)) == [])
        bench.facts.occupied = []
        #expect(bench.pass() == [.standby(.local, .done)])
        #expect(bench.peer.move == .handedOver(.local))
        #expect(bench.hear(.standby(.local, .done)) == [report([], stable: true)])
        #expect(bench.peer.move == nil)
        #expect(bench.peer.owner(of: .local) == .there)
    }

    @Test("D5: an offer that is not answered within ten seconds is void, but for an answer that comes late")
    func unanswered() {
        var bench = Bench.settled()
        bench.facts.occupied = .local
        bench.peer.carryOut(giving: true, .local, bench.now)
        _ = bench.pass()
        #expect(bench.pass(.seconds(10)) == [report(.local, stable: true)])
        #expect(bench.peer.move == nil)
        #expect(bench.hear(.standby(.local, .other)) == [report([], stable: false, "standby")])
    }

    @Test("D6: promised -> taking -> none")
    func takes() {
        var bench = Bench.settled()
        #expect(bench.hear(.standby(.local, .me)) == [.standby(.local, .other)])
        #expect(bench.hear(report([], stable: false, "standby")) == [])
        #expect(bench.peer.owner(of: .foreign) == .there)
        bench.facts.unfinished = .foreign
        #expect(bench.hear(.standby(.local, .done)) == [])
        #expect(bench.peer.move == .taking(.foreign))
        #expect(bench.peer.grants(.foreign))
        bench.facts.unfinished = []
        #expect(bench.pass() == [.standby(.local, .done), report(.all, stable: true)])
    }

    @Test("D6: nothing is promised in flux, while barred, or where it failed before", arguments: [0, 1, 2, 3])
    func refuses(_ cause: Int) {
        var bench = Bench.settled()
        switch cause {
        case 0: _ = bench.hear(report(.local, stable: false))
        case 1: bench.facts.isBarred = true
        case 2: bench.facts.failed = .foreign
        default: bench.peer.carryOut(giving: true, .local, bench.now)
        }
        _ = bench.pass()
        // It is told that this node is at rest, or it would think that it is not.
        let isMoving = bench.peer.move != nil
        #expect(bench.hear(.standby(.local, .me)) == (isMoving ? [] : [report(.local, stable: true)]))
        #expect(bench.peer.owner(of: .foreign) == .there)
    }

    @Test("D6: hb_takeover of the other node is an offer, of what this one has")
    func takeover() {
        var bench = Bench.settled(own: .all)
        #expect(bench.hear(.takeover(.local)) == [.standby(.foreign, .me)])
        var other = Bench.settled()
        #expect(other.hear(.takeover(.local)) == [])
    }

    @Test("D5: steps that nobody waits for mean nothing")
    func strays() {
        var bench = Bench.settled()
        #expect(bench.hear(.standby(.local, .other)) == [])
        #expect(bench.hear(.standby(.all, .done)) == [])
        #expect(bench.peer.move == nil)
        #expect(bench.peer.owner(of: .local) == .here)
    }

    @Test("D5: an order that cannot begin within ten seconds is void")
    func order10() {
        var bench = Bench.settled()
        _ = bench.hear(report(.local, stable: false))
        bench.peer.carryOut(giving: false, .foreign, bench.now)
        #expect(bench.pass() == [])
        #expect(bench.pass(.seconds(10)) == [])
        #expect(bench.peer.order == nil)
    }

    // MARK: What nobody asked for

    @Test("D9: what is owed is offered when the two are at rest, and after half a minute again")
    func failback() {
        var bench = Bench(ClassicPeer(name: "beta", metWith: .all, owesFailback: true, isActive: false))
        bench.facts.failsBack = true
        #expect(bench.hear(report([], stable: true)) == [report(.all, stable: true), .standby(.foreign, .me)])
        #expect(bench.pass(.seconds(10)) == [report(.all, stable: true)])
        #expect(bench.pass(.seconds(29)) == [])
        #expect(bench.pass(.seconds(1)) == [.standby(.foreign, .me)])
    }

    @Test("D13: what failed here is offered once")
    func offersFailed() {
        var bench = Bench.settled()
        bench.facts.failed = .local
        #expect(bench.pass() == [.standby(.local, .me)])
        _ = bench.pass(.seconds(10))
        #expect(bench.pass(.seconds(100)) == [])
    }

    @Test("D11: returning: this node keeps what is at home here, whatever the other one says for a while")
    func returning() {
        var bench = Bench(ClassicPeer(name: "beta", returnedAt: Instant(nanoseconds: 1_000_000_000)))
        #expect(bench.peer.owner(of: .local) == .here)
        #expect(bench.peer.owner(of: .foreign) == .there)
        _ = bench.hear(report(.all, stable: true))
        #expect(bench.peer.owner(of: .local) == .here)
        _ = bench.pass(.seconds(10))
        #expect(bench.hear(report(.all, stable: true)) != [])
        #expect(bench.peer.owner(of: .local) == .there)
    }

    @Test("D10: leaving is said before anything is stopped, and leaves nothing here")
    func leaves() {
        var bench = Bench.settled()
        bench.peer.leave()
        #expect(bench.pass() == [report([], stable: false, "shutdown")])
        #expect(bench.peer.owner(of: .local) == .nobody)
        #expect(bench.hear(.starting) == [report([], stable: false)])
    }

    @Test("D14: a restart of the other daemon ends what was under way with the old one")
    func restart() {
        var bench = Bench.settled()
        _ = bench.hear(.standby(.local, .me))
        bench.peer.restart()
        #expect(bench.peer.move == nil)
        #expect(!bench.peer.isAtRest)
        bench.sequence = 0
        #expect(bench.hear(.starting) == [report(.local, stable: true)])
    }

    // MARK: Words

    @Test("Every message is read as it was written", arguments: [
        ClassicMessage.starting, .resource(.all, isFull: true, isStable: true, info: "x"),
        .resource([], isFull: true, isStable: false, info: ""),
        .resource(.foreign, isFull: false, isStable: nil, info: "mach_down"),
        .standby(.local, .me), .standby(.all, .other), .standby(.foreign, .done), .takeover(.all),
        .groupRequest("10.0.0.1"), .groupAnswer("10.0.0.1", to: "beta", wasOurs: true, isGranted: true),
        .nodesRequest(to: "beta"),
    ])
    func words(_ message: ClassicMessage) {
        let body = message.body
        let type = body.text("t") ?? ""
        #expect(ClassicMessage.isType(type))
        #expect(ClassicMessage(type, body) == message)
    }

    @Test("What means nothing is no message", arguments: [
        ("resource", "rsc_hold", "some"), ("ask_resources", "rsc_hold", "all"), ("hb_takeover", "x", "y"),
        ("ip-request", "x", "y"),
    ])
    func nonsense(_ type: String, _ name: String, _ value: String) {
        var body = HAMessage()
        body.append("t", type)
        body.append(name, value)
        #expect(ClassicMessage(type, body) == nil)
    }

    @Test("repnodes has the receiver first, and a blank behind each name")
    func nodes() {
        let body = ClassicMessage.nodesAnswer(["alpha", "beta"], to: "beta").body
        #expect(body.fields.map(\.name) == ["dest", "t", "nodelist", "delnodelist"])
        #expect(body.text("nodelist") == "alpha beta ")
    }
}
