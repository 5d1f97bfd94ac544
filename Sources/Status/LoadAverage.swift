// The load of this machine, as every sequenced message tells it (specs/heartbeat.md 2.1).
import CLinux
import ClusterModel
import LinuxSystem

/// The text of /proc/loadavg, read anew at most once a second, so that a burst of messages costs one read.
final class LoadAverage {
    private static let lifetime = Duration.seconds(1)
    /// What heartbeat 3.0.6 sends where it cannot tell.
    private static let unknown = "n/a"

    /// Open from the start: the kernel makes the text with each read, without waiting for a disk.
    private var file: Descriptor?
    private var last = unknown
    private var readAt: Instant?

    init() { file = try? Descriptor.open("/proc/loadavg", O_RDONLY) }

    /// Without the LF at its end; `n/a` where the system does not tell.
    func text(_ now: Instant) -> String {
        if let readAt, now - readAt < LoadAverage.lifetime { return last }
        readAt = now
        last = LoadAverage.unknown
        let raw = file?.raw
        if let raw {
            var buffer = [UInt8](repeating: 0, count: 128)
            let count = pread(raw, &buffer, buffer.count, 0)
            let line = buffer[..<max(0, count)].prefix { $0 != UInt8(ascii: "\n") }
            if !line.isEmpty { last = String(decoding: line, as: UTF8.self) }
        }
        return last
    }
}
