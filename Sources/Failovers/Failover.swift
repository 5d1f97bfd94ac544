// The record of one failover: its steps, what it was about, and where its time went.
import ClusterModel

/// What one node saw of one failover, planned or not.
package struct Failover: Equatable, Sendable {
    /// What it began with.
    package enum Cause: Equatable, Sendable {
        /// A node was silent.
        case death(node: String)
        /// A node was silent, and was heard again before its death was agreed.
        case silence(node: String)
        /// A node was shut down.
        case shutdown(node: String)
        /// An operator wanted it; the request's words.
        case request(String)
        /// A resource of the group failed.
        case failure(group: String)
        /// The node lost the right to hold what it had.
        case rightLost
        /// Groups changed hands by placement alone: a cold start, a failback, or what was asked for on another node.
        case placement

        /// The word of JSON.
        package var word: String {
            switch self {
            case .death: "death"
            case .silence: "silence"
            case .shutdown: "shutdown"
            case .request: "request"
            case .failure: "failure"
            case .rightLost: "right-lost"
            case .placement: "placement"
            }
        }
    }

    /// Counts the failovers of one life of the daemon from 1.
    package var number: UInt64
    /// The node's wall clock less its `Instant`s, in nanoseconds, when the first step was recorded.
    package var wallOffset: Int64
    /// In the order of their instants; never empty in a record that is told.
    package var steps: [FailoverStep]
    /// Steps for which there was no room.
    package var dropped: Int

    /// A record of these steps, which MUST be in order.
    package init(number: UInt64, wallOffset: Int64, steps: [FailoverStep] = [], dropped: Int = 0) {
        self.number = number
        self.wallOffset = wallOffset
        self.steps = steps
        self.dropped = dropped
    }

    package var cause: Cause {
        func first(_ kind: FailoverStep.Kind) -> FailoverStep? { steps.first { $0.kind == kind } }
        // By what came first; the last packets are older than what was recorded first.
        for step in steps {
            let subject = step.subject ?? ""
            switch step.kind {
            case .suspected:
                let isDead = steps.contains { $0.kind == .dead && $0.subject == subject }
                return isDead ? .death(node: subject) : .silence(node: subject)
            case .goodbye: return .shutdown(node: subject)
            case .dead: return .death(node: subject)
            case .requested: return .request(step.text ?? "")
            case .lost: return .failure(group: step.group ?? "")
            case .rightLost: return .rightLost
            // Without an order of the status process: it was started again in place.
            case .worked: return .failure(group: step.group ?? "")
            case .claimed, .granting, .ordered, .stopping, .seen: return .placement
            default: continue
            }
        }
        return .placement
    }

    /// The groups in it, in the order in which they appear; of those that took every step together, the first.
    package var groups: [String] {
        var names: [String] = []
        var known: Set<String> = []
        for step in steps {
            if let group = step.group, known.insert(group).inserted { names.append(group) }
        }
        return names
    }

    /// When the fault came, as far as this node can know: the last packet of the silent node, or else the first step.
    package var origin: Instant {
        let silent: String? =
            switch cause {
            case .death(let node), .silence(let node): node
            case .shutdown, .request, .failure, .rightLost, .placement: nil
            }
        let heard = steps.filter { $0.kind == .heard && $0.subject == silent }.map(\.at).max()
        return heard ?? steps.first?.at ?? .distantPast
    }

    /// An instant of its node's clock as time since 1970, in nanoseconds.
    package func wall(_ at: Instant) -> Int64 { at.nanoseconds &+ wallOffset }
}

/// Where the time of a failover went, on the node that took over: each from the end of the phase before it.
package struct FailoverPhases: Equatable, Sendable {
    /// One phase.
    package struct Phase: Equatable, Sendable {
        /// `silence to suspected`.
        package var name: String
        package var duration: Duration
    }

    package private(set) var phases: [Phase] = []

    /// The phases that the record knows of, in order. A phase that this node took no part in is left out, and its time
    /// is part of the next one.
    package init(_ failover: Failover) {
        let steps = failover.steps
        func first(_ kind: FailoverStep.Kind) -> Instant? { steps.first { $0.kind == kind }?.at }
        func last(_ kind: FailoverStep.Kind) -> Instant? { steps.last { $0.kind == kind }?.at }
        let ordered = steps.last { $0.kind == .ordered }?.at ?? last(.stopping)
        let marks: [(String, Instant?)] = [
            (steps.contains { $0.kind == .suspected } ? "last heard" : "begin", failover.origin),
            ("suspected", first(.suspected)), ("agreed", first(.dead)),
            ("ordered", ordered), ("address up", last(.addressUp)), ("announced", last(.announced)),
            ("group up", last(.up)), ("told", steps.last { $0.kind == .told && $0.at >= (last(.up) ?? $0.at) }?.at),
        ]
        var before: (name: String, at: Instant)?
        for (name, at) in marks {
            guard let at else { continue }
            // A mark that lies before the one that it follows belongs to another group.
            if let before, at < before.at { continue }
            if let before { phases.append(Phase(name: "\(before.name) to \(name)", duration: at - before.at)) }
            before = (name, at)
        }
    }
}
