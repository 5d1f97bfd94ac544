// Ends a helper that does not check in: it is stopped, or spins, and what it was is of no use any more.
import ClusterModel
import LinuxSystem
import Reactor

/// Waits for the check-ins of one process, which come at least each second.
final class CheckIn {
    /// A timer that comes this late says that control was stopped itself, most likely with the helper.
    private static let ownLatenessMax = Duration.milliseconds(500)

    private let patience: Duration
    private let silent: (Duration) -> Void
    private var due: Instant
    private var timer: EventSource?

    /// `silent` is called with `patience` once nothing was heard for so long.
    init(loop: EventLoop, patience: Duration, silent: @escaping (Duration) -> Void) throws(SystemError) {
        self.patience = patience
        self.silent = silent
        due = Clock.now() + patience
        timer = try loop.onTime(due) { [unowned self] in judge() }
    }

    /// The process has checked in.
    func heard() { wait(patience) }

    private func wait(_ time: Duration) {
        due = Clock.now() + time
        timer?.schedule(due)
    }

    private func judge() {
        guard Clock.now() - due <= CheckIn.ownLatenessMax else { return wait(.seconds(1)) }
        silent(patience)
    }
}
