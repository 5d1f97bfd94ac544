// What the core tells of a failover while it happens (`Effect.step`). Nothing here decides anything, and nothing is
// said on the way of a heartbeat that changes nothing.
import ClusterModel
import Failovers

extension Cluster {
    /// Records a step. It is told to the others with the next status, which is recorded too.
    mutating func record(_ step: FailoverStep) {
        hasUntoldSteps = true
        effects.append(.step(step))
    }

    /// Records a step of a group.
    mutating func record(
        _ kind: FailoverStep.Kind, _ index: Int, by node: NodeID? = nil, text: String? = nil
    ) {
        var step = FailoverStep(kind, at: lastHandled, group: groups[index].name)
        step.text = text
        if let node { attribute(&step, to: node) }
        record(step)
    }

    /// Records a step that is about a node.
    mutating func record(_ kind: FailoverStep.Kind, of node: NodeID, by other: NodeID? = nil, text: String? = nil) {
        var step = FailoverStep(kind, at: lastHandled, subject: nodes[node.index].name)
        step.text = text
        if let other { attribute(&step, to: other) }
        record(step)
    }

    /// Names the message that decided a step: the last status of a node, and its arrival.
    private func attribute(_ step: inout FailoverStep, to node: NodeID) {
        step.by = nodes[node.index].name
        guard nodes[node.index].statusSequence > 0 else { return }
        step.sequence = nodes[node.index].statusSequence
        step.generation = nodes[node.index].generation
        switch step.kind {
        case .granted, .seen: step.at = min(step.at, nodes[node.index].reportedAt)
        default: break
        }
    }

    /// The last packets of a node on each medium, and its timer.
    mutating func recordSuspicion(_ id: NodeID, _ now: Instant) {
        guard nodes[id.index].kind == .normal else { return }
        recordLastPackets(id)
        var step = FailoverStep(.suspected, at: now, subject: nodes[id.index].name)
        step.duration = nodes[id.index].deadInterval
        if let heardAt = nodes[id.index].heardAt {
            let due = heardAt + nodes[id.index].deadInterval
            if due < distrustUntil {
                step.text = "this node was late itself, and waited two keepalives more"
            } else if status != .active, due < bootedAt + timing.initdead {
                step.text = "initdead had to pass"
            }
        } else {
            step.duration = timing.initdead
            step.text = "it was never heard within initdead"
        }
        record(step)
    }

    private mutating func recordLastPackets(_ id: NodeID) {
        for index in configuration.media.indices {
            let link = links[id, MediumID(index)]
            guard let heardAt = link.heardAt else { continue }
            var step = FailoverStep(.heard, at: heardAt, subject: nodes[id.index].name)
            step.medium = mediumName(MediumID(index))
            step.sequence = link.sequence
            step.generation = nodes[id.index].generation
            record(step)
        }
    }

    private func mediumName(_ medium: MediumID) -> String {
        "\(configuration.media[medium.index].directive) \(configuration.media[medium.index].linkName)"
    }

    /// What every voter says of a suspect: that it hears it, or that it does not either.
    mutating func recordVotes(_ id: NodeID, isVetoed: Bool, _ now: Instant) {
        for (voter, heardAt) in votes(on: id) where voter != localNode {
            let hears = heardAt.map { now - $0 < nodes[id.index].deadInterval } ?? false
            if isVetoed && !hears { continue }
            var step = FailoverStep(isVetoed ? .vetoed : .agreed, at: now, subject: nodes[id.index].name)
            attribute(&step, to: voter)
            step.duration = heardAt.map { now - $0 }
            record(step)
        }
    }

    /// The message in which a node says that it ends.
    mutating func recordGoodbye(_ id: NodeID, sequence: UInt64) {
        var step = FailoverStep(.goodbye, at: lastHandled, subject: nodes[id.index].name)
        step.sequence = sequence
        step.generation = nodes[id.index].generation
        step.medium = nodes[id.index].lastMedium.map(mediumName)
        record(step)
    }

    /// What an operator wants to be moved.
    mutating func recordRequest(_ words: String) {
        var step = FailoverStep(.requested, at: lastHandled)
        step.text = words
        record(step)
    }

    /// Whom a claim asks.
    mutating func recordClaim(_ index: Int) {
        groups[index].awaited = board.alive
        let asked = board.alive.map(coding.name)
        record(.claimed, index, text: asked.isEmpty ? "nobody is left to ask" : "asks \(asked.joined(separator: ", "))")
    }

    /// What has come of a claim since it was looked at last, and what it waits for.
    mutating func recordProgress(_ index: Int, without: [NodeID], unfenced: [NodeID]) {
        for id in groups[index].awaited where !without.contains(id) && nodes[id.index].isAlive {
            record(.granted, index, by: id)
        }
        groups[index].awaited = without
        if unfenced.isEmpty || groups[index].awaitsFence { return }
        groups[index].awaitsFence = true
        for id in unfenced {
            var step = FailoverStep(.fenceAwaited, at: lastHandled, subject: nodes[id.index].name)
            step.group = groups[index].name
            record(step)
        }
    }

    /// A status goes out: the first one after a step tells it.
    mutating func recordTelling(_ now: Instant) {
        guard hasUntoldSteps else { return }
        hasUntoldSteps = false
        var step = FailoverStep(.told, at: now)
        step.sequence = sent.last
        step.generation = generation
        effects.append(.step(step))
    }
}
