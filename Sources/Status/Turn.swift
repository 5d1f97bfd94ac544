// Whose turn it is when several things wait for this process at once.

/// Priorities of the event loop's sources: the lower one comes first, and of equal ones the one that waits longest, so
/// that nobody who sends without end keeps others from their turn.
enum Turn {
    /// What is due: heartbeats, deadlines, the word to control that this process is well, and what could not be sent.
    static let due: Int64 = -20
    /// What comes in from media, control and the resource manager.
    static let incoming: Int64 = -10
    /// What nobody's life depends on.
    static let idle: Int64 = 10
}
