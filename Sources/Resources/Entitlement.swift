// Until when this node may hold groups, kept where the next resource manager finds it, whatever becomes of this one: a
// daemon that comes back too late must know that others may have taken what it finds running.
import CLinux
import ClusterModel
import LinuxSystem

/// The file that remembers the node's right to hold. It is written in place with every keepalive, so that a full disk
/// cannot hold it up, and is worth nothing after a reboot. Where it was not written, it has an earlier instant: less
/// than this node may, never more.
struct Entitlement: ~Copyable {
    /// As it was said last, by whichever daemon since the machine booted; nil where none has.
    private(set) var until: Instant?

    private var isKept = true
    private let file: Descriptor?
    private let bootID: String
    /// Digits of an instant in the file, so that each one overwrites all of the one before.
    private static let width = 20

    /// Where the file cannot be opened, what is said is forgotten with the process; `failed` is told why.
    init(directory: String, failed: (SystemError) -> Void) {
        bootID = Machine.bootLine
        let path = directory + "/entitled"
        if let text = FileSystem.text(of: path, limit: 256), text.hasPrefix(bootID) {
            let digits = text.dropFirst(bootID.count).drop { $0 == " " }.prefix { $0 != "\n" }
            until = Int64(digits).map(Instant.init(nanoseconds:))
        }
        do throws(SystemError) {
            file = try Descriptor.open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, mode: 0o600)
        } catch {
            file = nil
            failed(error)
        }
    }

    /// The right lasts until then; `keep` MUST follow.
    mutating func note(_ instant: Instant) {
        until = instant
        isKept = false
    }

    /// Writes down what was said last.
    mutating func keep() {
        guard !isKept, let until else { return }
        isKept = true
        let number: Int32
        switch file {
        case .some(let file): number = file.raw
        case .none: return
        }
        let digits = String(until.nanoseconds)
        let padding = String(repeating: " ", count: max(0, Entitlement.width - digits.utf8.count))
        let bytes = Array((bootID + padding + digits + "\n").utf8)
        _ = bytes.withUnsafeBytes { pwrite(number, $0.baseAddress, $0.count, 0) }
    }
}
