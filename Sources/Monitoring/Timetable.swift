// When things are due. One flat row of instants for each kind of timer: the earliest of thousands is found in
// microseconds, and nothing has to be kept in order.
import ClusterModel

/// The timers of all services, by the number of the service.
struct Timetable: Equatable, Sendable {
    /// Next check; `distantFuture`: none.
    private(set) var checks: [Int64]
    /// A trap must come before.
    private(set) var trapTimeouts: [Int64]
    /// Then a trap's failure is over.
    private(set) var trapDurations: [Int64]

    init(count: Int) {
        let never = [Int64](repeating: Timetable.never, count: count)
        checks = never
        trapTimeouts = never
        trapDurations = never
    }

    static let never = Instant.distantFuture.nanoseconds

    mutating func setCheck(_ index: Int, _ at: Instant?) { checks[index] = at?.nanoseconds ?? Timetable.never }
    mutating func setTrapTimeout(_ index: Int, _ at: Instant?) {
        trapTimeouts[index] = at?.nanoseconds ?? Timetable.never
    }
    mutating func setTrapDuration(_ index: Int, _ at: Instant?) {
        trapDurations[index] = at?.nanoseconds ?? Timetable.never
    }

    /// The services whose timer of one row has run out, the longest overdue first.
    static func due(_ row: [Int64], _ now: Instant) -> [Int] {
        var found: [Int] = []
        for index in row.indices where row[index] <= now.nanoseconds { found.append(index) }
        if found.count > 1 { found.sort { (row[$0], $0) < (row[$1], $1) } }
        return found
    }

    /// The earliest of a row; nil: there is none.
    static func earliest(_ row: [Int64]) -> Instant? {
        var best = never
        for at in row where at < best { best = at }
        return best == never ? nil : Instant(nanoseconds: best)
    }

    /// Whole seconds until an entry of a row, rounded up; 0 where it is past or there is none.
    static func seconds(_ row: [Int64], _ index: Int, _ now: Instant) -> Int64 {
        row[index] == never ? 0 : max(0, (row[index] - now.nanoseconds + 999_999_999) / 1_000_000_000)
    }

    /// Puts everything off: the scheduler stood still.
    mutating func postpone(by pause: Duration) {
        let shift = pause.wholeNanoseconds
        for index in checks.indices {
            if checks[index] != Timetable.never { checks[index] += shift }
            if trapTimeouts[index] != Timetable.never { trapTimeouts[index] += shift }
            if trapDurations[index] != Timetable.never { trapDurations[index] += shift }
        }
    }
}
