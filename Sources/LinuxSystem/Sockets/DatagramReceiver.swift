// Takes datagrams from a socket together with the moment at which the kernel took them from the wire, so that a reader
// that was late does not make its peers look late.
import CLinux
import ClusterModel

/// One datagram as it came.
package struct Datagram: Equatable, Sendable {
    /// Possibly empty.
    package var bytes: [UInt8]
    /// nil where the protocol names none.
    package var source: SocketAddress?
    /// When the kernel took it from the wire, where the socket stamps arrivals; else when it was received.
    package var arrival: Instant
    /// Whether it was longer than what is received, and its end is lost.
    package var isTruncated: Bool
}

/// Receives from a socket that somebody else owns.
package final class DatagramReceiver {
    /// Oldest arrival that is believed: beyond it the wall clock was set meanwhile.
    private static let ageMax = Duration.seconds(60)

    private let raw: Int32
    private let buffer: UnsafeMutableRawBufferPointer
    private let control = UnsafeMutableRawBufferPointer.allocate(byteCount: 256, alignment: 16)

    /// The socket MUST outlive the receiver. Datagrams longer than `sizeMax` are cut.
    package init(socket raw: Int32, sizeMax: Int) {
        self.raw = raw
        buffer = .allocate(byteCount: sizeMax, alignment: 16)
    }

    deinit {
        buffer.deallocate()
        control.deallocate()
    }

    /// The next datagram; nil where there is none now. The corresponding C function is `recvmsg`.
    package func receive() throws(SystemError) -> Datagram? {
        var source = sockaddr_storage()
        var slice = iovec(iov_base: buffer.baseAddress, iov_len: buffer.count)
        var header = msghdr()
        header.msg_control = control.baseAddress
        header.msg_controllen = control.count
        header.msg_namelen = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let count: Int
        do throws(SystemError) {
            count = try withUnsafeMutablePointer(to: &source) { source throws(SystemError) in
                try withUnsafeMutablePointer(to: &slice) { slice throws(SystemError) in
                    header.msg_name = UnsafeMutableRawPointer(source)
                    header.msg_iov = slice
                    header.msg_iovlen = 1
                    return try retrying("receive") { recvmsg(raw, &header, Int32(MSG_DONTWAIT)) }
                }
            }
        } catch {
            if error.code == EAGAIN { return nil }
            throw error
        }
        let now = Clock.now()
        let stamp = DatagramReceiver.stamp(&header)
        return Datagram(
            bytes: Array(buffer[..<min(count, buffer.count)]), source: SocketAddress(source),
            arrival: stamp.map { DatagramReceiver.arrival($0, wall: Clock.wallNanoseconds(), now: now) } ?? now,
            isTruncated: header.msg_flags & Int32(MSG_TRUNC) != 0)
    }

    /// A wall-clock stamp on the clock that is never set back, given both clocks now: never in the future, never older
    /// than `ageMax`.
    package static func arrival(_ stamp: Int64, wall: Int64, now: Instant) -> Instant {
        let (age, overflow) = wall.subtractingReportingOverflow(stamp)
        if overflow { return now }
        return now - .nanoseconds(min(max(0, age), ageMax.wholeNanoseconds))
    }

    private static func stamp(_ header: inout msghdr) -> Int64? {
        var next = cl_cmsg_first(&header)
        while let message = next {
            if message.pointee.cmsg_level == SOL_SOCKET && message.pointee.cmsg_type == SCM_TIMESTAMPNS,
                let data = cl_cmsg_data(message)
            {
                let time = data.loadUnaligned(as: timespec.self)
                return Int64(time.tv_sec) &* 1_000_000_000 &+ Int64(time.tv_nsec)
            }
            next = cl_cmsg_next(&header, message)
        }
        return nil
    }
}
