// The dialogue with the other node of two where that one is heartbeat 3.0.6: who holds which side by what both have
// said (specs/heartbeat.md 5.3 to 5.5). A value of its own, which knows nothing of groups, claims or epochs: the core
// asks it where each side belongs, tells it what became of the groups, and sends what it says.
//
// The rules are numbered in Resources/doc/protocol.md, "Dialogue".
import ClusterModel

/// What this node's groups are like, as the dialogue sees them.
struct ClassicFacts: Equatable, Sendable {
    /// This node is active, and knows what runs here.
    var isActive = false
    /// The other one is active.
    var peerIsActive = false
    /// Something of these sides may run here.
    var occupied: Sides = []
    /// Of these sides not everything runs here that should.
    var unfinished: Sides = []
    /// Of these sides something could not be started here.
    var failed: Sides = []
    /// This node may hold nothing now.
    var isBarred = false
    /// `auto_failback on`.
    var failsBack = false
}

/// What a step of the dialogue comes to, in order.
enum ClassicEffect: Equatable, Sendable {
    case send(ClassicMessage)
    case log(LogLevel, String, String)
    /// The move of these sides was called off.
    case abandoned(Sides, String)
}

/// The other node, and what the two have agreed.
struct ClassicPeer: Sendable {
    /// How far this node has come.
    enum Stage: Equatable, Sendable {
        /// One of the two is not active yet. Can transition to: starting.
        case waiting
        /// Said `starting`; waits to hear what the other one holds. Can transition to: stable.
        case starting
        /// Holds what is its own. Can transition to: leaving.
        case stable
        /// Gives up everything.
        case leaving
    }

    /// A planned move under way. Sides are this node's.
    enum Move: Equatable, Sendable {
        /// This node offers the sides. Can transition to: releasing (the other one takes them), none (no answer).
        case offered(Sides)
        /// This node stops them. Can transition to: handedOver.
        case releasing(Sides)
        /// The other node starts them. Can transition to: none.
        case handedOver(Sides)
        /// The other node stops them for this one. Can transition to: taking.
        case promised(Sides)
        /// This node starts them. Can transition to: none.
        case taking(Sides)
    }

    /// Where a side belongs.
    enum Owner: Equatable, Sendable { case here, there, nobody }

    /// How long an offer waits for its answer (specs/heartbeat.md 5.5).
    static let offerPatience = Duration.seconds(10)
    /// How long the rest of a move may take.
    static let movePatience = Duration.seconds(3600)
    /// How long a node that starts beside one that is in flux waits for it (specs/heartbeat.md 5.3).
    static let startPatience = Duration.seconds(10)
    /// How long a side stays without an owner, with both nodes at rest, before this node takes it.
    static let orphanPatience = Duration.seconds(10)
    /// A node that comes back after a partition leaves within two seconds, to start anew (specs/heartbeat.md 4.6);
    /// one that has not gone by then never missed this one.
    static let returnPatience = Duration.seconds(10)
    /// How long the other node may take to say what it has before it is asked, and asked again: of the messages before
    /// the first that it hears it misses none (specs/heartbeat.md 3.2).
    static let wordPatience = Duration.seconds(2)
    /// Between two tries of what nobody asked for.
    static let retryPause = Duration.seconds(30)

    let name: String
    var stage: Stage
    /// What this node has.
    var own: Sides
    /// What the other node has, by its last word.
    var other: Sides = []
    /// What the other node has said to give up, and may still run.
    var ceding: Sides = []
    /// The other node has said what it holds since it was started, and nothing that it said was lost for good.
    var isKnown = false
    /// When it is asked for that.
    var askAt: Instant?
    var otherIsStable = false
    /// The other node has said `starting` since this one knows it: what it says that it has not does not run there.
    var hasBegun = false
    var move: Move?
    var moveBy: Instant?
    /// What an operator wants, until the two are at rest: to give the sides, or to have them.
    var order: (gives: Bool, sides: Sides, by: Instant)?
    /// The offer that was called off: an answer that comes after all is still good.
    var withdrawn: Sides?
    /// What the other node was asked for with `hb_takeover`, and until when it may begin to give it.
    var asked: (sides: Sides, by: Instant)?
    /// This node has the other one's groups because that one was dead.
    var owesFailback = false
    var startBy: Instant?
    var orphanedBy: Instant?
    /// The other node came back after a partition, and may still have what this one has.
    var returnedBy: Instant?
    /// Nothing is offered unasked before this.
    var retryAt: Instant?
    /// For which failures the sides were offered.
    var offeredFor: Sides = []
    /// Numbers of the newest messages that were used; older ones that were lost on the way are void.
    var resourceSequence: UInt64 = 0
    var standbySequence: UInt64 = 0
    var effects: [ClassicEffect] = []

    /// A node that this one meets while it starts.
    init(metByJoining name: String) {
        self.name = name
        own = []
        stage = .waiting
    }

    /// A node that comes to this one, which is active and has `own`. One that is active already may have something too,
    /// and is asked.
    init(name: String, metWith own: Sides, owesFailback: Bool, isActive: Bool) {
        self.name = name
        self.own = own
        self.owesFailback = owesFailback
        stage = .stable
        if isActive { askAt = .distantPast }
    }

    /// A node that was thought dead and was not: each may have everything. This one keeps what is at home here.
    init(name: String, returnedAt now: Instant) {
        self.name = name
        own = .local
        other = .foreign
        stage = .stable
        returnedBy = now + ClassicPeer.returnPatience
    }

    /// Where a side belongs by now.
    func owner(of side: Sides) -> Owner {
        if stage == .leaving { return .nobody }
        if own.contains(side) { return .here }
        switch move {
        case .releasing(let sides), .handedOver(let sides): if sides.contains(side) { return .there }
        case .offered, .promised, .taking, nil: break
        }
        return other.contains(side) || ceding.contains(side) ? .there : .nobody
    }

    /// Whether this node may start groups of a side: the other one neither has it nor is at work on it.
    func grants(_ side: Sides) -> Bool {
        stage != .leaving && own.contains(side) && other.isDisjoint(with: side) && ceding.isDisjoint(with: side)
    }

    /// Whether a move can begin.
    var isAtRest: Bool { stage == .stable && otherIsStable && move == nil }

    /// When `advance` is to be called if nothing happens before.
    var nextDeadline: Instant? {
        [moveBy, startBy, orphanedBy, returnedBy, retryAt, asked?.by, askAt, order?.by].compactMap { $0 }.min()
    }

    // MARK: What the other node says

    mutating func receive(_ message: ClassicMessage, sequence: UInt64, _ facts: ClassicFacts, _ now: Instant) {
        switch message {
        case .starting: receiveStarting(sequence, facts)
        case .resource(let sides, let isFull, let isStable, let info):
            guard sequence > resourceSequence else { return }
            resourceSequence = sequence
            askAt = nil
            note(sides.mirrored, isFull: isFull, info: info)
            resolve(now)
            progress(isStable, facts, now)
        case .standby(let sides, let step):
            guard sequence > standbySequence else { return }
            standbySequence = sequence
            receive(step, of: sides, sequence, facts, now)
        case .takeover(let sides): give(sides.mirrored.intersection(own), facts, now)
        case .groupRequest, .groupAnswer, .nodesRequest, .nodesAnswer: break
        }
    }

    /// The other node has begun: it has nothing but what it says next, and waits to be told what this one has.
    private mutating func receiveStarting(_ sequence: UInt64, _ facts: ClassicFacts) {
        guard sequence > resourceSequence else { return }
        otherIsStable = false
        hasBegun = true
        if stage == .waiting && facts.isActive { begin(facts) }
        if stage != .waiting { report() }
    }

    /// Says so when it has become active; what runs here already stays.
    mutating func begin(_ facts: ClassicFacts) {
        stage = .starting
        own = facts.occupied
        send(.starting)
    }

    /// Takes in what the other node has. What it ceases to have in a move or at its end still runs there for a while.
    private mutating func note(_ sides: Sides, isFull: Bool, info: String) {
        let before = other.union(ceding)
        other = isFull || sides.isEmpty ? sides : other.union(sides)
        isKnown = true
        switch info {
        case ClassicMessage.infoShutdown, ClassicMessage.infoStandby: ceding = before.subtracting(other)
        default: ceding.subtract(other)
        }
    }

    /// Both have a side by their own words: the other node never gives it up for that, so this one does.
    private mutating func resolve(_ now: Instant) {
        let both = own.intersection(other)
        guard !both.isEmpty else { return }
        guard returnedBy == nil else { return }
        own.subtract(both)
        log(.critical, "classic-conflict", "node \(name) has \(both.word) resources that this node has too: given up")
        report()
    }

    private mutating func progress(_ isStable: Bool?, _ facts: ClassicFacts, _ now: Instant) {
        guard let isStable else { return }
        let becameStable = isStable && !otherIsStable
        otherIsStable = isStable
        if becameStable { log(.info, "classic-stable", "remote resource transition completed.") }
        guard stage == .starting else {
            if becameStable { report() }
            return
        }
        // Where nothing runs on either node there is nothing to wait for; 3.0.6 waits ten seconds nevertheless. It says
        // that it is unstable before it says that it is stable: the two may change places on the way.
        if isStable || other.isEmpty && ceding.isEmpty { return settleIn() }
        if startBy == nil { startBy = now + ClassicPeer.startPatience }
    }

    /// Takes what is at home here, unless the other node has it. One that has run for longer may be at work on what it
    /// does not name: that is left to `considerOrphans`.
    mutating func settleIn() {
        if !other.contains(.local) && (hasBegun || !otherIsStable) { own.insert(.local) }
        stage = .stable
        startBy = nil
        log(.info, "classic-settled", "local resource transition completed.")
        report()
    }

    /// A new daemon of the other node: what was under way with the old one is void.
    mutating func restart() {
        switch move {
        case .offered(let sides): abandon(sides, "node \(name) was restarted")
        case .releasing, .handedOver, .promised, .taking, nil: move = nil
        }
        if let sides = asked?.sides { effects.append(.abandoned(sides, "node \(name) was restarted")) }
        asked = nil
        (moveBy, returnedBy, startBy, orphanedBy, withdrawn, askAt) = (nil, nil, nil, nil, nil, nil)
        (otherIsStable, isKnown, hasBegun, ceding) = (false, false, false, [])
        (resourceSequence, standbySequence) = (0, 0)
    }

    // MARK: What this node says

    mutating func report(_ info: String = "") {
        var isStable = stage == .stable
        if case .releasing = move { isStable = false }
        send(.resource(own, isFull: true, isStable: isStable, info: info))
    }

    mutating func send(_ message: ClassicMessage) { effects.append(.send(message)) }

    mutating func log(_ level: LogLevel, _ event: String, _ text: String) { effects.append(.log(level, event, text)) }
}
