// Whole clusters under random faults. A failure names its seed; `HB_SEED=N` runs that seed alone, `HB_SEEDS=N` runs N.
import ClusterCore
import ClusterModel
import LinuxSystem
import Testing
@testable import Simulation

@Suite("Random faults")
struct RandomFaultTests {
    static var seeds: ClosedRange<UInt64> {
        if let seed = environment("HB_SEED") { return seed...seed }
        return 1...(environment("HB_SEEDS") ?? 500)
    }

    static func environment(_ name: String) -> UInt64? {
        Spawn.inherited([name]).first.flatMap { UInt64($0.drop { $0 != "=" }.dropFirst()) }
    }

    @Test("no group is owned twice under majority, and every group runs once when the faults have ended")
    func randomFaults() {
        var failures = 0
        for seed in RandomFaultTests.seeds where failures < 3 {
            guard let text = RandomRun.violation(seed: seed) else { continue }
            failures += 1
            Issue.record("seed \(seed): \(text)")
        }
    }
}
