// The resource manager's own eye on the right to hold. A status process that hangs or has died orders nothing, and the
// kernel's lease ends addresses only: filesystems and services have to be stopped before another node starts them.
import ClusterModel
import LinuxSystem
import Reactor

/// Tells when the right to hold has ended and nobody is there to say so. A status process that runs says until when the
/// right lasts with every keepalive, also where that is over, and decides itself what is stopped.
final class SilenceWatch {
    /// A status process that has said nothing for so many keepalives is silent.
    private static let keepalivesMax = 2

    /// How often the status process speaks.
    var keepalive: Duration
    private let loop: EventLoop
    private let silent: () -> Void
    private var until: Instant?
    private var heardAt: Instant
    private var isBusy = false
    private var due = Instant.distantFuture
    private var timer: EventSource?
    private var wasLate = false

    /// `silent` is called once for each silence.
    init(loop: EventLoop, keepalive: Duration, silent: @escaping () -> Void) {
        self.loop = loop
        self.keepalive = keepalive
        self.silent = silent
        heardAt = Clock.now()
    }

    /// The status process has said until when the right lasts, or an earlier one had.
    func heard(until: Instant) {
        self.until = until
        heardAt = Clock.now()
        wasLate = false
        // Armed anew and not left to run out: that costs less than to be woken and find that all is well.
        wait(until: end(of: until))
    }

    /// Nothing is expected of the status process while it waits for this process.
    func setBusy(_ isBusy: Bool) {
        self.isBusy = isBusy
        heardAt = Clock.now()
    }

    private func end(of until: Instant) -> Instant { max(until, heardAt + keepalive * SilenceWatch.keepalivesMax) }

    private func wait(until instant: Instant) {
        due = instant
        if let timer { return timer.schedule(instant) }
        // Without a timer this process could do nothing else either.
        timer = try? loop.onTime(instant) { [unowned self] in judge() }
    }

    private func judge() {
        guard let until else { return }
        let now = Clock.now()
        let end = end(of: until)
        if isBusy || now < end { return wait(until: max(end, now + keepalive)) }
        // Whoever was stopped with the status process lets it speak first.
        if now - due > keepalive && !wasLate {
            wasLate = true
            return wait(until: now + keepalive * SilenceWatch.keepalivesMax)
        }
        timer = nil
        silent()
    }
}
