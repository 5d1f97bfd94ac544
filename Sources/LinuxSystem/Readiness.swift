// Waits for several descriptors at once, for the small processes that need no event loop.
import CLinux
import ClusterModel

/// A descriptor that is waited for, and how it was found.
package struct Readiness {
    private let raw: Int32
    private let wantsRead: Bool
    private let wantsWrite: Bool
    /// There is something to read, or the end of it. Only where it was asked for.
    package private(set) var isReadable = false
    /// There is room to write. Only where it was asked for.
    package private(set) var isWritable = false
    /// The other end is gone, or the device failed. Waited for always.
    package private(set) var isHungUp = false

    /// Not waited for yet. The descriptor stays the caller's.
    package init(_ raw: Int32, read: Bool = false, write: Bool = false) {
        self.raw = raw
        wantsRead = read
        wantsWrite = write
    }

    /// Waits until one of the descriptors is as wanted, or hung up, or the time is over; nil: no limit.
    /// The corresponding C function is `poll`.
    package static func wait(_ list: inout [Readiness], timeout: Duration? = nil) throws(SystemError) {
        var entries = list.map { entry in
            pollfd(
                fd: entry.raw, events: Int16((entry.wantsRead ? POLLIN : 0) | (entry.wantsWrite ? POLLOUT : 0)),
                revents: 0)
        }
        var milliseconds: Int32 = -1
        if let timeout {
            // Rounded up: a timeout that ends early would be waited for again and again.
            milliseconds = Int32(clamping: max(0, timeout.wholeNanoseconds / 1_000_000 + 1))
        }
        _ = try retrying("poll") { poll(&entries, nfds_t(entries.count), milliseconds) }
        for (index, entry) in entries.enumerated() {
            let bits = Int32(entry.revents)
            list[index].isReadable = bits & POLLIN != 0
            list[index].isWritable = bits & POLLOUT != 0
            list[index].isHungUp = bits & (POLLHUP | POLLERR | POLLNVAL) != 0
        }
    }
}
