// The kernel's list of mounts, read without touching any of them: looking at it cannot hang, costs no process, and one
// look serves all filesystems. The kernel says when the list has changed.
import CLinux
import ClusterModel
import LinuxSystem
import Reactor

/// Knows which mounts are there.
final class MountWatch {
    /// Called after the list has changed, at most once in `quiet`.
    var onChange: () -> Void = {}

    private static let path = "/proc/self/mountinfo"
    /// A list read this long ago is still good, and changes this close together are told once.
    private static let quiet: Duration = .milliseconds(200)

    private let loop: EventLoop
    private let file: Descriptor
    private var source: EventSource?
    private var timer: EventSource?
    /// Of each directory the mount that is on top, by the kernel's number for it.
    private var mounts: [String: Int32] = [:]
    private var readAt: Instant?
    /// What was found to be mounted as it should be: directory as configured, and the number then.
    private var known: [String: Int32] = [:]

    init(loop: EventLoop) throws(SystemError) {
        self.loop = loop
        file = try Descriptor.open(MountWatch.path, O_RDONLY | O_CLOEXEC)
        source = try loop.onReady(file.raw, events: UInt32(EPOLLPRI.rawValue)) { [unowned self] _ in
            changed()
        }
    }

    /// The kernel's number for the mount on top of a directory; nil where there is none under that very name.
    func number(_ directory: String) -> Int32? { current[directory] }

    /// Whether the mount that was confirmed is still on top.
    func isConfirmed(_ directory: String) -> Bool {
        guard let number = known[directory] else { return false }
        return current[directory] == number
    }

    /// The mount with a number, as `number` said before anybody looked, was found to be the right one.
    func confirm(_ directory: String, _ number: Int32?) { known[directory] = number }

    private var current: [String: Int32] {
        if let readAt, Clock.now() - readAt < MountWatch.quiet { return mounts }
        mounts = [:]
        // Of several mounts on a directory the last one is on top.
        for entry in (try? Mounts.entries()) ?? [] { mounts[entry.directory] = entry.number }
        readAt = Clock.now()
        return mounts
    }

    private func changed() {
        readAt = nil
        if timer != nil { return }
        timer = try? loop.onTime(Clock.now() + MountWatch.quiet) { [unowned self] in
            timer = nil
            readAt = nil
            onChange()
        }
    }
}
