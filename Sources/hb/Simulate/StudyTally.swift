// What the runs of one row of a study did to each group, in memory that does not grow with their number.
import ClusterModel
import Simulation

/// Sums of runs.
struct StudyTally {
    /// What they did to one group.
    struct Group {
        /// Runs in which it was not served at some time, but before the faults were repaired again, by the longest of
        /// these times in whole milliseconds.
        private(set) var passing: [Int64: Int] = [:]
        /// Runs in which it was not served until the faults were repaired.
        private(set) var lasting = 0
        /// Runs in which two nodes served it at once, and of these those in which they did until the faults were
        /// repaired.
        private(set) var doubles = 0
        private(set) var doublesLasting = 0
        /// The longest time for which two nodes served it and then found out by themselves.
        private(set) var doubleWorst = Duration.zero

        /// Runs in which it was not served at some time.
        var hits: Int { passing.values.reduce(lasting, +) }
        /// The longest time that ended by itself; nil: none did.
        var worst: Int64? { passing.keys.max() }

        /// The median of the times of all hits; nil where it is one that lasted, or there was no hit.
        var typical: Int64? {
            var left = hits / 2
            for time in passing.keys.sorted() {
                guard let count = passing[time] else { continue }
                if left < count { return time }
                left -= count
            }
            return nil
        }

        fileprivate mutating func add(_ run: StudyRun, _ group: Int) {
            if run.lasts[group] {
                lasting += 1
            } else if run.outages[group] > .zero {
                passing[run.outages[group].wholeMilliseconds, default: 0] += 1
            }
            guard run.overlaps[group] > .zero else { return }
            doubles += 1
            if run.overlapLasts[group] {
                doublesLasting += 1
            } else {
                doubleWorst = max(doubleWorst, run.overlaps[group])
            }
        }
    }

    let row: Study.Row
    private(set) var runs = 0
    private(set) var groups: [Group]

    init(row: Study.Row, groups count: Int) {
        self.row = row
        groups = Array(repeating: Group(), count: count)
    }

    mutating func add(_ run: StudyRun) {
        runs += 1
        for index in groups.indices { groups[index].add(run, index) }
    }
}
