// Runs the schedules of a study and sums them up.
import Admin
import CLinux
import ClusterModel
import LinuxSystem
import Simulation

/// One line on the terminal that moves; nothing where no person looks.
struct Progress {
    let total: Int
    private let isShown = Terminal.isTerminal(STDERR_FILENO)
    private var shownAt = Instant.distantPast

    init(total: Int) { self.total = total }

    mutating func show(_ done: Int) {
        guard isShown, Clock.now() - shownAt >= .milliseconds(100) else { return }
        shownAt = Clock.now()
        let width = 40
        let filled = done * width / max(1, total)
        let bar = String(repeating: "#", count: filled) + String(repeating: ".", count: width - filled)
        Terminal.complain("\r[\(bar)] \(done) of \(total)")
    }

    func clear() {
        if isShown { Terminal.complain("\r\u{1B}[K") }
    }
}

/// What is tried.
struct Study {
    /// One kind of fault, or what is given; a row of the report for each group.
    struct Row {
        let kind: FaultKind
        let title: String
        /// nil: drawn.
        var steps: [Step]?
        /// As in `StudyRun`; nil: drawn.
        var pingsOver: Int?
    }

    /// Of the runs in which two nodes served a group, so many of the shortest are looked at.
    private static let candidatesMax = 16

    let cluster: StudyCluster
    let configuration: Configuration
    let rows: [Row]
    /// Whether faults are given.
    let isGiven: Bool
    let runs: Int
    let seed: UInt64

    /// `steps` empty: all kinds are drawn.
    init(cluster: StudyCluster, configuration: Configuration, steps: [Step], runs: Int, seed: UInt64) {
        self.cluster = cluster
        self.configuration = configuration
        self.runs = runs
        self.seed = seed
        isGiven = !steps.isEmpty
        rows = steps.isEmpty
            ? cluster.kinds.map { Row(kind: $0, title: $0.title) }
            : cluster.placesOfPingNodes(for: steps).map { place in
                let texts = steps.map { cluster.text($0.fault, pingsOver: place) }
                return Row(kind: .several, title: texts.joined(separator: ", "), steps: steps, pingsOver: place)
            }
    }

    /// Whether a link is among what is given.
    var cutsLinks: Bool {
        rows.contains { row in
            row.steps?.contains { step in
                switch step.fault {
                case .cut, .unplug: true
                default: false
                }
            } ?? false
        }
    }

    /// Ends early with ^C, with what was found until then.
    func report(progress: Progress) -> StudyReport {
        var progress = progress
        var tallies = rows.map { StudyTally(row: $0, groups: cluster.groups.count) }
        var candidates: [StudyRun] = []
        var first: StudyRun?
        var done = 0
        let interruption = Interruption()
        while done < runs, !interruption.hasCome {
            let row = done % rows.count
            let run = cluster.run(
                rows[row].kind, steps: rows[row].steps, pingsOver: rows[row].pingsOver,
                seed: seed &* 1_000_003 &+ UInt64(done))
            tallies[row].add(run)
            first = first ?? run
            if run.isDouble {
                let place = candidates.firstIndex { $0.steps.count > run.steps.count } ?? candidates.count
                candidates.insert(run, at: place)
                if candidates.count > Study.candidatesMax { candidates.removeLast() }
            }
            done += 1
            progress.show(done)
        }
        progress.clear()
        interruption.end()
        let shortest = candidates.map(cluster.shortest).min { $0.steps.count < $1.steps.count }
        return StudyReport(
            study: self, done: done, tallies: tallies.filter { $0.runs > 0 }, shortest: shortest,
            told: shortest ?? (isGiven ? first : nil))
    }
}

/// ^C, as something to look for between two runs.
private struct Interruption {
    private var signals = sigset_t()

    init() {
        sigemptyset(&signals)
        sigaddset(&signals, SIGINT)
        sigprocmask(SIG_BLOCK, &signals, nil)
    }

    var hasCome: Bool {
        var pending = sigset_t()
        sigemptyset(&pending)
        sigpending(&pending)
        return sigismember(&pending, SIGINT) == 1
    }

    /// From here on ^C ends the program; one that has come is taken.
    func end() {
        var signals = signals
        var none = timespec()
        sigtimedwait(&signals, nil, &none)
        sigprocmask(SIG_UNBLOCK, &signals, nil)
    }
}
