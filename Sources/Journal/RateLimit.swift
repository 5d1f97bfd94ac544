// How often the same thing is worth a line: whatever a peer, a cable or a client does, the log grows at a bounded rate.
import ClusterModel

/// A bucket of tokens for each key, and a count of what it withheld.
package struct RateLimit {
    private struct Bucket {
        var key: String
        var tokens: TokenBucket
        var withheld = 0
    }

    /// Shared by all keys that come when `keyCountMax` others are in use.
    private static let overflowKey = "others"

    private let full: TokenBucket
    private let keyCountMax: Int
    private var buckets: [Bucket] = []

    /// Lets `burst` lines of a key pass at once, and one more for each `interval`.
    package init(burst: Int = 1, interval: Duration = .seconds(60), keyCountMax: Int = 64) {
        precondition(keyCountMax > 0, "a rate limit that lets nothing pass")
        full = TokenBucket(burst: burst, interval: interval)
        self.keyCountMax = keyCountMax
    }

    /// nil: the line is withheld. Else it may be written, and says how many were withheld before it.
    package mutating func admit(_ key: String, now: Instant) -> Int? {
        let index = bucket(key, now: now)
        guard buckets[index].tokens.take(now) else {
            buckets[index].withheld += 1
            return nil
        }
        defer { buckets[index].withheld = 0 }
        return buckets[index].withheld
    }

    /// The keys whose lines were withheld and may be written again, each with its count, which is taken as written.
    /// For a caller that wants to report the end of a burst that nothing followed.
    package mutating func overdue(now: Instant) -> [(key: String, count: Int)] {
        var overdue: [(key: String, count: Int)] = []
        for index in buckets.indices where buckets[index].withheld > 0 {
            guard buckets[index].tokens.take(now) else { continue }
            overdue.append((buckets[index].key, buckets[index].withheld))
            buckets[index].withheld = 0
        }
        return overdue
    }

    private mutating func bucket(_ key: String, now: Instant) -> Int {
        if let index = buckets.firstIndex(where: { $0.key == key }) { return index }
        let fresh = Bucket(key: key, tokens: full)
        if buckets.count < keyCountMax {
            buckets.append(fresh)
            return buckets.count - 1
        }
        // A key that has saved up all its credit has nothing to remember.
        for index in buckets.indices where buckets[index].withheld == 0 && buckets[index].key != RateLimit.overflowKey {
            if buckets[index].tokens.isFull(now) {
                buckets[index] = fresh
                return index
            }
        }
        if let index = buckets.firstIndex(where: { $0.key == RateLimit.overflowKey }) { return index }
        buckets.append(Bucket(key: RateLimit.overflowKey, tokens: full))
        return buckets.count - 1
    }
}
