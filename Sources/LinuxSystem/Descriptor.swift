// Owned file descriptors: closed exactly once, and never leaked by an early return.
import CLinux

/// A file descriptor that this value owns and closes when it ends.
package struct Descriptor: ~Copyable {
    /// The number, for calls; the descriptor stays owned here.
    package let raw: Int32

    /// Takes ownership of an open descriptor.
    package init(owning raw: Int32) {
        precondition(raw >= 0, "descriptor \(raw) is not open")
        self.raw = raw
    }

    deinit {
        // EBADF would mean that somebody else closed it, and that its number may by now be another file's.
        if close(raw) == -1 && cl_errno() == EBADF { preconditionFailure("descriptor \(raw) closed twice") }
    }

    /// Gives the descriptor up without closing it.
    package consuming func release() -> Int32 {
        let number = raw
        discard self
        return number
    }

    /// A second descriptor for the same open file, close-on-exec. The corresponding C function is `fcntl`.
    package borrowing func duplicate() throws(SystemError) -> Descriptor {
        let number = raw
        return Descriptor(owning: try retrying("dup") { cl_fcntl(number, F_DUPFD_CLOEXEC, 3) })
    }

    package borrowing func setNonBlocking(_ on: Bool) throws(SystemError) {
        let number = raw
        let flags = try retrying("fcntl") { cl_fcntl(number, F_GETFL, 0) }
        let wanted = on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK
        _ = try retrying("fcntl") { cl_fcntl(number, F_SETFL, Int(wanted)) }
    }

    /// Opens a file, close-on-exec. The corresponding C function is `open`.
    package static func open(_ path: String, _ flags: Int32, mode: UInt32 = 0) throws(SystemError) -> Descriptor {
        Descriptor(owning: try retrying("open \(path)") { cl_open(path, flags | O_CLOEXEC, mode) })
    }
}

/// Two connected sockets.
@frozen package struct SocketPair: ~Copyable {
    package var first: Descriptor
    package var second: Descriptor

    /// A SOCK_SEQPACKET pair, close-on-exec: message boundaries are kept, and the end of one side is seen by the other.
    package init() throws(SystemError) {
        var pair: [Int32] = [-1, -1]
        _ = try retrying("socketpair") {
            socketpair(AF_UNIX, Int32(SOCK_SEQPACKET.rawValue | SOCK_CLOEXEC.rawValue), 0, &pair)
        }
        first = Descriptor(owning: pair[0])
        second = Descriptor(owning: pair[1])
    }
}
