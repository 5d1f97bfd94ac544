// Where the time of a failover went, by the word of the daemon that took over.
import Admin
import ClusterModel
import Failovers
import LinuxSystem
import Measuring
import Rig

extension Run {
    /// Takes in the phases of the last failover that a node has recorded since `begin`; of this project alone, as the
    /// others keep no such record.
    func recordPhases(_ figure: String, _ system: any FailoverSystem, on node: Node, after begin: Instant) {
        guard system is OwnSystem,
            let report = try? AdminClient.failovers(1, node.paths, deadline: Clock.now() + .seconds(2)),
            let failover = report.failovers.last, failover.steps.last.map({ $0.at > begin }) == true
        else { return }
        for phase in FailoverPhases(failover).phases {
            let milliseconds = Double(phase.duration.wholeNanoseconds) / 1e6
            record(figure, system, "phase: \(phase.name)", "ms", [milliseconds])
        }
    }
}
