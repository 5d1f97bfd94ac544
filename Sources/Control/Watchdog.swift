// When the watchdog is fed, and when it is let go (specs/heartbeat.md 9).
//
// Each check-in of the status process feeds it, as long as the resource manager has checked in too. So a node whose
// deciding process hangs is reset a timeout after its last word at the latest, which is before its silence has lasted
// for the others' deadtime; the same holds where control itself hangs. Workers of media do not count: they decide
// nothing, and one that hangs is a medium that is down.
import ClusterModel
import LinuxSystem

final class Watchdog {
    private var device: WatchdogDevice?
    private var timeout: Duration
    private var resourcesCheckedIn: Instant
    private var isStarved = false
    /// The device was built, or loaded, to have no way out.
    private var neverStops = false
    private var deviceLack: String?
    private var timeoutLack: String?
    /// What the watchdog does not protect from, in words; nil where it is as it should be.
    var lack: String? { deviceLack ?? timeoutLack }
    private let path: String
    private let log: (LogRecord) -> Void

    /// Opens the device; where that fails, the node runs without it, which is logged.
    init(_ path: String, timeout: Duration, log: @escaping (LogRecord) -> Void) {
        self.path = path
        self.timeout = timeout
        self.log = log
        resourcesCheckedIn = Clock.now()
        do throws(SystemError) {
            device = try WatchdogDevice(path)
            log(LogRecord(.notice, "watchdog", "Using watchdog device: \(path)"))
        } catch {
            device = nil
            log(LogRecord(.error, "watchdog", "Cannot open watchdog device: \(path): \(error)"))
            deviceLack = "no watchdog resets this node: \(error)"
        }
        set(timeout)
        warnOfEnds()
    }

    /// Says before it matters what the device does when the daemon ends.
    private func warnOfEnds() {
        let ends: WatchdogDevice.Ends
        switch device {
        case .some(let device): ends = device.ends(path)
        case .none: return
        }
        neverStops = ends.neverStops
        if ends.stopsAtAnyClose {
            deviceLack = "the watchdog \(path) does not reset this node when the daemon is killed"
            log(LogRecord(
                .critical, "watchdog", "\(path) stops when the daemon is killed: its driver knows no other end of it"))
        }
        if neverStops {
            log(LogRecord(
                .warning, "watchdog",
                "\(path) cannot be stopped: this node is reset where heartbeat is stopped and not started again"))
        }
    }

    /// Takes over changed intervals.
    func change(timeout: Duration) {
        if timeout != self.timeout { set(timeout) }
    }

    private func set(_ timeout: Duration) {
        self.timeout = timeout
        do throws(SystemError) { try device?.set(timeout) } catch {
            log(LogRecord(.warning, "watchdog", "\(path): \(error)"))
        }
        let actual: Duration?
        switch device {
        case .some(let device): actual = device.timeout
        case .none: return
        }
        timeoutLack = nil
        guard let actual, actual > timeout else { return }
        let seconds = actual.wholeMilliseconds / 1000
        let reason = "\(path) counts \(seconds) s: others take over before it resets this node"
        timeoutLack = "the watchdog \(reason)"
        log(LogRecord(.critical, "watchdog", reason))
    }

    /// The resource manager runs.
    func resourcesAreWell() { resourcesCheckedIn = Clock.now() }

    /// The status process ran at an instant. Where control itself was late to read that, it feeds nothing: the time
    /// until the reset counts from the check-in.
    func statusIsWell(at time: Instant) {
        guard Clock.now() - time <= Timing.checkInLatenessMax else { return }
        // The resource manager has the same time as the status process, and what it misses is not lost at once: while
        // the status process runs, the others do not take over.
        let isWell = Clock.now() - resourcesCheckedIn <= timeout
        if isStarved != !isWell {
            isStarved = !isWell
            log(isWell
                ? LogRecord(.notice, "watchdog", "the resource manager has checked in again: feeding the watchdog")
                : LogRecord(
                    .critical, "watchdog", "the resource manager has not checked in: the watchdog resets this node"))
        }
        if isWell { feed() }
    }

    private func feed() {
        do throws(SystemError) { try device?.feed() } catch {
            log(LogRecord(.critical, "watchdog", "\(path): \(error)"))
        }
    }

    /// The node is shut down in order: nothing is held here any more.
    func disarm() {
        do throws(SystemError) { try device?.disarm() } catch {
            log(LogRecord(.critical, "watchdog", "\(path): \(error)"))
        }
        device = nil
        if neverStops {
            log(LogRecord(
                .critical, "watchdog",
                "\(path) cannot be stopped: it resets this node in \(timeout) unless heartbeat is started again"))
        }
    }

    /// The daemon ends and its resources stay. The device goes on counting until the next daemon opens it, for as long
    /// as the others were asked to wait: where none comes, the node is reset before they take what runs here.
    func leave(for patience: Duration) {
        set(timeout + patience)
        feed()
    }
}
