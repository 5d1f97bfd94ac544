// A resource group at this node: what runs here, and what is under way.
import ClusterModel

/// What a group is here.
enum LocalPhase: Equatable, Sendable {
    /// Not known yet what runs here. Can transition to: idle, held, stopping (the inventory came).
    case unknown
    /// Nothing runs here. Can transition to: claiming (placement names this node).
    case idle
    /// Asked the others, waiting for every grant. Can transition to: starting (all granted), idle (placement changed,
    /// a better claim was seen, the right to claim was lost).
    case claiming(epoch: UInt64)
    /// Can transition to: held (started), idle (failed, nothing remains), stopping (failed and something remains, or
    /// the group must not be here any more).
    case starting(epoch: UInt64, OperationID)
    /// Can transition to: stopping (another one is to have it, a better claim, the right to hold was lost).
    case held(epoch: UInt64)
    /// Can transition to: idle (stopped), blocked (the stop failed).
    case stopping(epoch: UInt64, OperationID)
    /// A stop failed: something may run. Can transition to: stopping (an operator cleans up).
    case blocked(epoch: UInt64)

    /// What a status message says, nil for idle.
    var reported: (phase: GroupPhase, epoch: UInt64)? {
        switch self {
        case .unknown: (.unknown, 0)
        case .idle: nil
        case .claiming(let epoch): (.claiming, epoch)
        case .starting(let epoch, _): (.starting, epoch)
        case .held(let epoch): (.held, epoch)
        case .stopping(let epoch, _): (.stopping, epoch)
        case .blocked(let epoch): (.blocked, epoch)
        }
    }

    /// Whether something of the group may run here.
    var occupies: Bool { reported?.phase.occupies ?? false }
}

/// A group's start failures here since the last cleanup.
struct FailureCount: Equatable, Sendable {
    var count = 0
    var reason = ""
}

/// One group at this node.
struct LocalGroup: Sendable {
    let id: GroupID
    let name: String
    let preferred: NodeID?
    var phase = LocalPhase.unknown
    /// The greatest epoch seen anywhere.
    var epochSeen: UInt64 = 0
    var failures = FailureCount()
    /// What failed in it here, as the resource manager said last.
    var resourceFailures: [ResourceFailure] = []
    /// When it was last started here; what an earlier daemon started has always been here.
    var startedAt = Instant.distantPast
    /// Why the group is being stopped, for the log.
    var stopReason = ""
    /// Another claim was seen, or this node was away: once nobody else has the group, check and announce again.
    var needsReassertion = false
    /// Others may have taken the group, and something of it may still run here: until that is over this node's lease is
    /// not prolonged.
    var isForfeit = false
    /// What the resource manager was told last: failures of its resources are only told.
    var isSuspended = false
    /// Why the group was lost while it was held still: seen to when that ends.
    var lossHeldBack: String?
    /// The promise given to another node's claim.
    var grant: Grant?
    /// This node gives the group up and waits for a claim no longer than this.
    var releaseBy: Instant?
    /// When a live node was known to hold it last.
    var seenHeldAt = Instant.distantPast
    /// When it was known last that somebody has it, this node or another; whether somebody had at the last look.
    var takenAt = Instant.distantPast
    var wasTaken = false
    /// It was forfeit when this node had it last.
    var wasForfeit = false
    /// The other node that was starting it at the last look.
    var starter: NodeID?
    /// Of this node's claim: who had not granted it at the last look, and whether it waits for a fence, for the record.
    var awaited: [NodeID] = []
    var awaitsFence = false
    /// Nobody was known to have had it when this node claimed it.
    var isCold = false
    /// The node that said last that it has what this one has, and when.
    var contender: (node: NodeID, at: Instant)?
    /// The clearing that was obeyed.
    var clearedAt: UInt64 = 0
}
