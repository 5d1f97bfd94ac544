// Epochs and stamps: the cluster counts on from the greatest that it has heard of.

/// How far nodes follow each other in counting. A peer that says any number must not carry the others to where counting
/// ends: what they claimed or decided from there on, nobody could read.
package enum Counter {
    /// Nobody counts as far, and what is counted on from there does not overflow.
    private static let end: UInt64 = 1 << 62
    /// More than any cluster counts in its life.
    private static let stepMax: UInt64 = 1 << 40

    /// The number, where it is one that somebody may have counted to.
    package static func accepted(_ said: UInt64) -> UInt64? { said < end ? said : nil }

    /// Whether to count on from a number that another node says, having come as far as `own`.
    package static func isCredible(_ said: UInt64, after own: UInt64) -> Bool { said <= own || said - own <= stepMax }
}
