// How late things came, in so few numbers that one more costs nanoseconds and all of them a kilobyte.
import ClusterModel

/// Counts durations in buckets whose width is an eighth of their value, from a microsecond to over an hour.
package struct LatenessHistogram: Equatable, Sendable {
    /// Buckets of one microsecond up to 8 us, then eight to each doubling.
    private static let bucketCount = 8 * 31

    private var counts = [UInt32](repeating: 0, count: bucketCount)
    /// Durations counted.
    package private(set) var count: UInt64 = 0
    /// The longest, to the microsecond; zero where nothing was counted.
    package private(set) var longest = Duration.zero

    /// Counts nothing yet.
    package init() {}

    /// Counts one; a negative one as zero.
    package mutating func add(_ duration: Duration) {
        let microseconds = max(0, duration.wholeNanoseconds) / 1000
        let bucket = LatenessHistogram.bucket(microseconds)
        if counts[bucket] < .max { counts[bucket] += 1 }
        count += 1
        longest = max(longest, .microseconds(microseconds))
    }

    /// The duration that this share of all (0 to 1) does not exceed, rounded up to the end of its bucket, but no longer
    /// than the longest; nil where nothing was counted.
    package func quantile(_ share: Double) -> Duration? {
        guard count > 0 else { return nil }
        let rank = Double(count) * min(1, max(0, share))
        var seen: UInt64 = 0
        for bucket in counts.indices {
            seen += UInt64(counts[bucket])
            if seen > 0, Double(seen) >= rank {
                return min(longest, .microseconds(LatenessHistogram.start(bucket + 1)))
            }
        }
        return longest
    }

    /// The middles of all buckets from that duration on, in ascending order, with what is in them.
    package func buckets(from least: Duration) -> [(middle: Duration, count: UInt64)] {
        let least = least.wholeNanoseconds / 1000
        return counts.indices.compactMap { bucket in
            let start = LatenessHistogram.start(bucket)
            guard counts[bucket] > 0, start >= least else { return nil }
            return (.microseconds((start + LatenessHistogram.start(bucket + 1)) / 2), UInt64(counts[bucket]))
        }
    }

    private static func bucket(_ microseconds: Int64) -> Int {
        guard microseconds >= 8 else { return Int(microseconds) }
        let exponent = 63 - microseconds.leadingZeroBitCount
        let eighth = Int(microseconds >> Int64(exponent - 3)) & 7
        return min(bucketCount - 1, (exponent - 2) * 8 + eighth)
    }

    /// Where a bucket begins, in microseconds.
    private static func start(_ bucket: Int) -> Int64 {
        guard bucket >= 8 else { return Int64(bucket) }
        return Int64(8 + bucket & 7 | 8) << Int64(bucket / 8 - 1)
    }
}

extension LatenessHistogram {
    /// `LONGEST BUCKET:COUNT ...`, the longest in microseconds; at most 3 kB.
    package var text: String {
        let words = counts.indices.filter { counts[$0] > 0 }.map { "\($0):\(counts[$0])" }
        return ([String(longest.wholeNanoseconds / 1000)] + words).joined(separator: " ")
    }

    /// Reads what `text` wrote; nil where it is anything else.
    package init?(text: String) {
        var words = text.split(separator: " ")[...]
        guard let first = words.popFirst(), let longest = Int64(first), longest >= 0 else { return nil }
        self.longest = .microseconds(min(longest, .max / 1_000_000))
        for word in words {
            let parts = word.split(separator: ":", omittingEmptySubsequences: false)
            guard parts.count == 2, let bucket = Int(parts[0]), counts.indices.contains(bucket),
                let number = UInt32(parts[1])
            else { return nil }
            counts[bucket] = number
            count += UInt64(number)
        }
    }
}
