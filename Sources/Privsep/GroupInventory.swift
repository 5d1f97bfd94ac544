// What a resource manager tells a new status process of each group.
import ClusterModel

/// What the resource manager found of one group.
package struct GroupInventory: Equatable, Sendable {
    /// How much of a group runs.
    package enum State: UInt8, Sendable {
        /// No resource of the group runs here.
        case stopped = 0
        /// Every resource runs here.
        case held = 1
        /// Some resources run here, or it cannot be told.
        case partial = 2
    }

    package var group: String
    package var state: State
    /// The epoch that the last start or reassert named since the machine was booted; one before it, or 0, where that
    /// was not kept.
    package var epoch: UInt64

    package init(group: String, state: State, epoch: UInt64) {
        self.group = group
        self.state = state
        self.epoch = epoch
    }
}
