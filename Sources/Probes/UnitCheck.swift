// unit.monitor: the state of a unit, from systemd itself over D-Bus.
import ClusterModel
import LinuxSystem
import Reactor

/// Asks systemd for one unit's state.
final class UnitCheck: RunningCheck {
    private var call: SystemdBus.Call?
    private var done: ((Finding) -> Void)?
    let stage = "waiting for systemd"

    /// `states`: those of ActiveState that are well, `active`.
    init(
        _ unit: String, states: [String], tools: CheckTools, deadline: Instant,
        _ done: @escaping (Finding) -> Void
    ) {
        self.done = done
        guard tools.bus.isAvailable else {
            finish(Finding(failure: "systemd does not run this machine"))
            return
        }
        do throws(SystemError) {
            call = try tools.bus.property(
                "ActiveState", ofUnit: unit, timeout: max(.milliseconds(1), deadline - Clock.now())
            ) { [weak self] result in
                switch result {
                case .failure(let error): self?.finish(Finding(failure: error.text))
                case .success(let state):
                    self?.finish(
                        states.contains(state)
                            ? Finding(note: state) : Finding(failure: state.isEmpty ? "no state" : state))
                }
            }
        } catch {
            finish(Finding(failure: "\(error)"))
        }
    }

    func cancel() {
        done = nil
        call = nil
    }

    private func finish(_ finding: Finding) {
        let done = done
        self.done = nil
        done?(finding)
    }
}
