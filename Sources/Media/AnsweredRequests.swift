// Which echo requests were answered. Their payload is a whole message, so a reply proves by its digest that it answers
// us.

/// Remembers which requests were answered: of the members of a ping group, the first to reply counts.
package struct AnsweredRequests {
    private var recent: [UInt16] = []
    private static let countMax = 64

    /// Nothing was answered yet.
    package init() {}

    /// Whether this is the first reply to a request among the last 64 that were answered.
    package mutating func isFirst(_ sequence: UInt16) -> Bool {
        if recent.contains(sequence) { return false }
        if recent.count == AnsweredRequests.countMax { recent.removeFirst() }
        recent.append(sequence)
        return true
    }
}
