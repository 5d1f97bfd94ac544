// The epoch of each group, kept where the next resource manager finds it, whatever becomes of this one: of two nodes
// that both run a group, the one that was granted it last keeps it, and a restart must not make that one forget.
import ClusterModel
import LinuxSystem
import Reactor

/// The epochs of this node's groups, and the file that remembers them. The file is replaced a moment after they have
/// changed: nobody waits for it, and many groups that are taken together cost one. It is worth nothing after a reboot.
/// Where it was not written, it has an earlier epoch of a group or none: less than it has, never more.
final class Epochs {
    /// From a change until the file is replaced. A status process whose orders do not fit into the channel waits half
    /// as long.
    private static let pause = Duration.milliseconds(100)
    /// From a failure until the next attempt.
    private static let failurePause = Duration.seconds(10)
    /// What else there is to do comes first.
    private static let priority: Int64 = 8
    /// Bytes that are read; no haresources fills as many.
    private static let sizeMax = 16 << 20

    private var epochs: [String: UInt64]
    /// The configured groups: the file has no others.
    private var groups: [String] = []
    private var isKept = true
    private var hasFailed = false
    private var timer: EventSource?
    private let path: String
    private let bootID: String
    private let loop: EventLoop
    private let failed: (SystemError) -> Void

    /// With what an earlier resource manager has left in this folder since the machine was booted. Where the file
    /// cannot be written, `failed` is told why, once until it can.
    init(directory: String, loop: EventLoop, failed: @escaping (SystemError) -> Void) {
        path = directory + "/epochs"
        bootID = Machine.bootLine
        epochs = Epochs.read(path, bootID)
        self.loop = loop
        self.failed = failed
    }

    /// The epoch that the last start or reassert of the group named since the machine was booted, or one before it; 0
    /// if none is known.
    subscript(group: String) -> UInt64 { epochs[group] ?? 0 }

    /// A start or reassert has named it.
    func note(_ epoch: UInt64, of group: String) {
        if epochs.updateValue(epoch, forKey: group) != epoch { keepSoon() }
    }

    /// The names of the groups that are configured from now on.
    func configure(_ names: [String]) {
        if names == groups { return }
        groups = names
        if !epochs.isEmpty { keepSoon() }
    }

    /// Writes down what has changed.
    func keep() {
        if isKept { return }
        do throws(SystemError) {
            try replace()
            isKept = true
            hasFailed = false
        } catch {
            if !hasFailed { failed(error) }
            hasFailed = true
            keep(after: Epochs.failurePause)
        }
    }

    private func keepSoon() {
        if !isKept { return }
        isKept = false
        keep(after: Epochs.pause)
    }

    private func keep(after pause: Duration) {
        let at = Clock.now() + pause
        if let timer { return timer.schedule(at) }
        timer = try? loop.onTime(at, priority: Epochs.priority) { [unowned self] in keep() }
    }

    // MARK: The file: a line with the boot's id, then one for each group, its epoch, a blank and its name

    /// Bytes and not characters, for a name may begin with what joins the blank before it. A line without an end was
    /// cut off, and is none.
    private static func read(_ path: String, _ bootID: String) -> [String: UInt64] {
        guard let text = FileSystem.text(of: path, limit: sizeMax), text.utf8.starts(with: bootID.utf8) else {
            return [:]
        }
        var epochs: [String: UInt64] = [:]
        var rest = text.utf8.dropFirst(bootID.utf8.count)
        while let lineEnd = rest.firstIndex(of: UInt8(ascii: "\n")) {
            let line = rest[..<lineEnd]
            rest = rest[rest.index(after: lineEnd)...]
            guard let blank = line.firstIndex(of: UInt8(ascii: " ")), let digits = String(line[..<blank]),
                let name = String(line[line.index(after: blank)...]),
                let epoch = UInt64(digits).flatMap(Counter.accepted)
            else { continue }
            epochs[name] = epoch
        }
        return epochs
    }

    /// Whoever is killed here leaves the old contents or the new ones.
    private func replace() throws(SystemError) {
        let lines = groups.compactMap { group in epochs[group].map { "\($0) \(group)\n" } }
        let bytes = Array((bootID + lines.joined()).utf8)
        try FileReplacement.replace(path, bytes, mode: 0o600, isFlushed: false)
    }
}
