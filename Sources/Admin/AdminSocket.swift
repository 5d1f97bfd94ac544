// The control socket at its path: a SOCK_SEQPACKET UNIX socket, whose packets are `AdminMessage`s.
import CLinux
import ClusterModel
import LinuxSystem

/// Both ends of the control socket.
package enum AdminSocket {
    /// Longest path that fits into a socket's address, in bytes.
    private static let pathLengthMax = MemoryLayout.size(ofValue: sockaddr_un().sun_path) - 1

    /// Opens a listening socket, close-on-exec and non-blocking, in place of what a daemon that died has left at the
    /// path. `mode`: permission bits of the socket's file. `stream`: for bytes rather than packets. MUST be
    /// called only by who knows that no other daemon runs.
    /// The corresponding C functions are `bind` and `listen`.
    package static func listen(
        at path: String, mode: UInt32, stream: Bool = false
    ) throws(SystemError) -> Descriptor {
        let socket = try open(SOCK_NONBLOCK.rawValue | (stream ? SOCK_STREAM : SOCK_SEQPACKET).rawValue)
        let raw = socket.raw
        if unlink(path) == -1, cl_errno() != ENOENT { throw SystemError.last("remove \(path)") }
        // Nobody can connect before listen, and so not before the mode is right.
        try withAddress(path) { address, length throws(SystemError) in
            _ = try retrying("bind \(path)") { bind(raw, .init(__sockaddr__: address), length) }
        }
        _ = try retrying("chmod \(path)") { chmod(path, mode) }
        _ = try retrying("listen on \(path)") { CLinux.listen(raw, 32) }
        return socket
    }

    /// Takes a connection, close-on-exec and non-blocking; nil where none waits. The corresponding C function is
    /// `accept4`.
    package static func accept(_ raw: Int32) throws(SystemError) -> Descriptor? {
        do throws(SystemError) {
            let flags = Int32(SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
            return Descriptor(owning: try retrying("accept") { accept4(raw, .init(__sockaddr__: nil), nil, flags) })
        } catch {
            if error.code == EAGAIN || error.code == ECONNABORTED { return nil }
            throw error
        }
    }

    /// Connects, waiting at most `patience` for the daemon to take the connection; the socket is close-on-exec and
    /// blocking. The corresponding C function is `connect`.
    package static func connect(
        to path: String, patience: Duration?, stream: Bool = false
    ) throws(SystemError) -> Descriptor {
        let socket = try open((stream ? SOCK_STREAM : SOCK_SEQPACKET).rawValue)
        let raw = socket.raw
        if let patience {
            var time = timeval()
            let microseconds = max(1, patience.wholeNanoseconds / 1000)
            time.tv_sec = Int(microseconds / 1_000_000)
            time.tv_usec = Int(microseconds % 1_000_000)
            _ = try retrying("set a timeout") {
                setsockopt(raw, SOL_SOCKET, SO_SNDTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
            }
        }
        try withAddress(path) { address, length throws(SystemError) in
            _ = try retrying("connect to \(path)") { CLinux.connect(raw, .init(__sockaddr__: address), length) }
        }
        return socket
    }

    /// Sends one packet. EAGAIN: the socket does not block and has no room. A peer that is gone is EPIPE and no signal.
    /// The corresponding C function is `send`.
    package static func send(_ raw: Int32, _ packet: [UInt8]) throws(SystemError) {
        _ = try retrying("send to the control socket") {
            CLinux.send(raw, packet, packet.count, Int32(MSG_NOSIGNAL))
        }
    }

    /// Takes one packet; empty: the peer has closed, or sent nothing. EAGAIN: nothing waits. EMSGSIZE: longer than
    /// `AdminMessage.sizeMax`. The corresponding C function is `recv`.
    package static func receive(_ raw: Int32) throws(SystemError) -> [UInt8] {
        // One byte more than allowed, to tell a packet that was cut.
        var buffer = [UInt8](repeating: 0, count: AdminMessage.sizeMax + 1)
        let count = try retrying("receive from the control socket") {
            recv(raw, &buffer, buffer.count, Int32(MSG_DONTWAIT))
        }
        if count > AdminMessage.sizeMax {
            throw SystemError(code: EMSGSIZE, operation: "receive from the control socket")
        }
        return Array(buffer[..<count])
    }

    private static func open(_ type: UInt32) throws(SystemError) -> Descriptor {
        Descriptor(
            owning: try retrying("open a socket") { socket(AF_UNIX, Int32(SOCK_CLOEXEC.rawValue | type), 0) })
    }

    private static func withAddress(
        _ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) throws(SystemError) -> Void
    ) throws(SystemError) {
        guard path.utf8.count <= pathLengthMax else {
            throw SystemError(code: ENAMETOOLONG, operation: "use \(path), at most \(pathLengthMax) bytes, as a socket")
        }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let length = socklen_t(MemoryLayout<sockaddr_un>.size)
        // Typed errors do not pass through the closures of the standard library.
        var failure: SystemError?
        withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                do throws(SystemError) { try body(pointer, length) } catch { failure = error }
            }
        }
        if let failure { throw failure }
    }
}
