// What a child prints, up to a limit. The child's end is opened for reading and writing: a daemon that a script leaves
// behind with our pipe as its standard output is then not killed by SIGPIPE when this process ends before it.
import CLinux

/// A pipe that a child writes and this process reads.
package final class OutputPipe {
    /// Bytes kept; what comes after them is read and dropped.
    package static let sizeMax = 64 * 1024
    /// Bytes taken in one call of `read`, so that a chatterer does not hold up the rest of the process.
    private static let burstMax = 256 * 1024

    /// For the child.
    package let childEnd: Descriptor
    private let readEnd: Descriptor
    /// What came, at most `sizeMax` bytes.
    package private(set) var bytes: [UInt8] = []
    package private(set) var isTruncated = false

    /// Opens the pipe. The corresponding C function is `pipe2`.
    package init() throws(SystemError) {
        var pair: [Int32] = [-1, -1]
        _ = try retrying("open a pipe") { pipe2(&pair, O_CLOEXEC) }
        readEnd = Descriptor(owning: pair[0])
        let writeEnd = Descriptor(owning: pair[1])
        childEnd = try Descriptor.open("/proc/self/fd/\(writeEnd.raw)", O_RDWR)
        try readEnd.setNonBlocking(true)
    }

    /// The descriptor to read from, for an event loop to watch.
    package var raw: Int32 { readEnd.raw }

    /// Takes what is there now; does not wait.
    package func read() {
        var chunk = [UInt8](repeating: 0, count: 16 * 1024)
        var burst = 0
        while burst < OutputPipe.burstMax {
            let count = CLinux.read(readEnd.raw, &chunk, chunk.count)
            if count <= 0 { return }
            burst += count
            let room = OutputPipe.sizeMax - bytes.count
            bytes.append(contentsOf: chunk[..<min(count, room)])
            if count > room { isTruncated = true }
        }
    }

    /// Takes the rest after the child has ended. Whoever still writes is from now on neither read, nor blocked, nor
    /// killed: its writes fail once the pipe is full.
    package func finish() {
        read()
        // Only a closed descriptor could make this fail.
        try? childEnd.setNonBlocking(true)
    }
}
