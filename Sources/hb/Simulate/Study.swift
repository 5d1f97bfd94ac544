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
    let cluster: StudyCluster
    let configuration: Configuration
    /// Empty: all kinds are drawn.
    let steps: [Step]
    let runs: Int
    let seed: UInt64

    func report(progress: Progress) -> StudyReport {
        var progress = progress
        let kinds = steps.isEmpty ? cluster.kinds : [.several]
        var found = kinds.map { StudyReport.Kind(kind: $0, runs: []) }
        for index in 0..<runs {
            let kind = index % kinds.count
            let run = cluster.run(
                kinds[kind], steps: steps.isEmpty ? nil : steps, seed: seed &* 1_000_003 &+ UInt64(index))
            found[kind].runs.append(run)
            progress.show(index + 1)
        }
        progress.clear()
        let doubles = found.flatMap(\.runs).filter(\.isDouble)
        let shortest = doubles.min { $0.steps.count < $1.steps.count }.map(cluster.shortest)
        return StudyReport(
            study: self, kinds: found.filter { !$0.runs.isEmpty }, shortest: shortest,
            told: shortest ?? (steps.isEmpty ? nil : found[0].runs.first))
    }
}
