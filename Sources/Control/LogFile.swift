// The log file, written by the control process alone: the processes that must be in time write into a pipe that never
// blocks them, for a hung disk must not stop a heartbeat.
import CLinux
import LinuxSystem
import Reactor

final class LogFile {
    private let path: String
    private let readEnd: Descriptor
    private let pipeWriteEnd: Descriptor
    private var source: EventSource?

    init(_ path: String, loop: EventLoop) throws(SystemError) {
        self.path = path
        var ends: [Int32] = [-1, -1]
        _ = try retrying("pipe") { pipe2(&ends, O_CLOEXEC | O_NONBLOCK) }
        readEnd = Descriptor(owning: ends[0])
        pipeWriteEnd = Descriptor(owning: ends[1])
        source = try loop.onReadable(readEnd.raw) { [unowned self] in copy() }
    }

    /// For helpers to inherit.
    var writeEnd: Int32 { pipeWriteEnd.raw }

    /// A descriptor of its own for this process's log.
    func writer() throws(SystemError) -> Descriptor { try pipeWriteEnd.duplicate() }

    /// Opened for each batch, so that a rotated file is left at once.
    private func copy() {
        guard let file = try? Descriptor.open(path, O_WRONLY | O_APPEND | O_CREAT, mode: 0o640) else { return drop() }
        var buffer = [UInt8](repeating: 0, count: 65536)
        let count = read(readEnd.raw, &buffer, buffer.count)
        if count > 0 { _ = write(file.raw, buffer, count) }
    }

    /// The file cannot be written: the pipe must not stay full.
    private func drop() {
        var buffer = [UInt8](repeating: 0, count: 65536)
        _ = read(readEnd.raw, &buffer, buffer.count)
    }
}
