// The dialogue of `auto_failback legacy`: no reports and no moves, only requests for single groups by their owners
// (specs/heartbeat.md 5.4.f).
import ClusterModel

/// Where each group is by that dialogue.
struct LegacyGroups: Sendable {
    /// One group.
    enum Place: Equatable, Sendable {
        /// It is not known yet whether it runs here. `isLocal`: it is at home here.
        case unknown(isLocal: Bool)
        /// At home here; the other node is to be asked for it.
        case wanted
        /// Asked for; asked again then.
        case asked(again: Instant)
        case here
        /// Runs here already; whether the other one has it too is asked until it answers.
        case confirming(again: Instant)
        /// The other one has asked for it; it is stopped here, and then answered.
        case ceding
        case there
    }

    /// How long an answer may take before the question is asked again: the other node may have to stop the group.
    static let answerPatience = Duration.seconds(10)

    private(set) var places: [Place]
    var effects: [ClassicEffect] = []

    init(_ places: [Place]) { self.places = places }

    var nextDeadline: Instant? {
        places.compactMap { place in
            switch place {
            case .asked(let again), .confirming(let again): again
            case .unknown, .wanted, .here, .ceding, .there: nil
            }
        }.min()
    }

    func owner(of index: Int) -> ClassicPeer.Owner {
        switch places[index] {
        case .unknown, .wanted, .asked: .nobody
        case .here, .confirming: .here
        case .ceding, .there: .there
        }
    }

    /// The other node asks for a group. `occupied`: something of it may run here.
    mutating func receiveRequest(_ index: Int, _ group: String, from name: String, occupied: Bool) {
        if occupied {
            places[index] = .ceding
        } else {
            places[index] = .there
            effects.append(.send(.groupAnswer(group, to: name, wasOurs: false, isGranted: true)))
        }
    }

    mutating func receiveAnswer(_ index: Int) {
        switch places[index] {
        case .asked, .confirming: places[index] = .here
        case .unknown, .wanted, .here, .ceding, .there: break
        }
    }

    /// Asks for what is wanted, and answers for what has been stopped. `groups`: name, and whether something of it may
    /// run here, by index.
    mutating func advance(
        _ groups: [(name: String, occupied: Bool)], peer: String, mayAsk: Bool, _ now: Instant
    ) {
        for (index, group) in groups.enumerated() {
            if case .unknown(let isLocal) = places[index], mayAsk { find(index, group, isLocal: isLocal, now) }
            switch places[index] {
            case .wanted where mayAsk: ask(index, group.name, now)
            case .asked(let again) where now >= again: ask(index, group.name, now)
            case .confirming(let again) where now >= again: confirm(index, group.name, now)
            case .ceding where !group.occupied:
                places[index] = .there
                effects.append(.send(.groupAnswer(group.name, to: peer, wasOurs: true, isGranted: true)))
            case .unknown, .wanted, .asked, .here, .confirming, .ceding, .there: break
            }
        }
    }

    /// The other node runs its own groups, whatever runs here; of this node's it may have what it took while it heard
    /// nothing, and gives that up when asked.
    private mutating func find(_ index: Int, _ group: (name: String, occupied: Bool), isLocal: Bool, _ now: Instant) {
        guard isLocal else { return places[index] = .there }
        guard group.occupied else { return places[index] = .wanted }
        confirm(index, group.name, now)
    }

    private mutating func confirm(_ index: Int, _ group: String, _ now: Instant) {
        places[index] = .confirming(again: now + LegacyGroups.answerPatience)
        effects.append(.send(.groupRequest(group)))
    }

    private mutating func ask(_ index: Int, _ group: String, _ now: Instant) {
        places[index] = .asked(again: now + LegacyGroups.answerPatience)
        effects.append(.send(.groupRequest(group)))
    }
}
