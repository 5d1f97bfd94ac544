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
    private static let sizeMax = 16 << 20
    /// A list read this long ago is still good, and changes this close together are told once.
    private static let quiet: Duration = .milliseconds(200)

    private let loop: EventLoop
    private let file: Descriptor
    private var source: EventSource?
    private var timer: EventSource?
    /// Of each directory the mount that is on top, by the kernel's number for it.
    private var mounts: [String: String] = [:]
    private var readAt: Instant?
    /// What was found to be mounted as it should be: directory as configured, and the number then.
    private var known: [String: String] = [:]

    init(loop: EventLoop) throws(SystemError) {
        self.loop = loop
        file = try Descriptor.open(MountWatch.path, O_RDONLY | O_CLOEXEC)
        source = try loop.onReady(file.raw, events: UInt32(EPOLLPRI.rawValue)) { [unowned self] _ in
            changed()
        }
    }

    /// The kernel's number for the mount on top of a directory; nil where there is none under that very name.
    func number(_ directory: String) -> String? { current[directory] }

    /// Whether the mount that was confirmed is still on top.
    func isConfirmed(_ directory: String) -> Bool {
        guard let number = known[directory] else { return false }
        return current[directory] == number
    }

    /// The mount with a number, as `number` said before anybody looked, was found to be the right one.
    func confirm(_ directory: String, _ number: String?) { known[directory] = number }

    private var current: [String: String] {
        if let readAt, Clock.now() - readAt < MountWatch.quiet { return mounts }
        mounts = [:]
        let text = FileSystem.text(of: MountWatch.path, limit: MountWatch.sizeMax) ?? ""
        for line in text.utf8.split(separator: UInt8(ascii: "\n")) {
            // Number, parent, device, root, directory; of several mounts on a directory the last one is on top.
            let words = line.split(separator: UInt8(ascii: " "), maxSplits: 5)
            guard words.count == 6 else { continue }
            mounts[MountWatch.unescaped(words[4])] = String(decoding: words[0], as: UTF8.self)
        }
        readAt = Clock.now()
        return mounts
    }

    /// The kernel writes blanks, tabs, newlines and backslashes as three octal digits.
    private static func unescaped(_ word: Substring.UTF8View.SubSequence) -> String {
        var bytes: [UInt8] = []
        var rest = word[...]
        while let byte = rest.popFirst() {
            let digits = rest.prefix(3)
            if byte == UInt8(ascii: "\\"), digits.count == 3,
                let value = UInt8(String(decoding: digits, as: UTF8.self), radix: 8)
            {
                bytes.append(value)
                rest = rest.dropFirst(3)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
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
