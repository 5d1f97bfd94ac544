// The way of frames and descriptors between two processes of one node: one SOCK_SEQPACKET socket, one frame a message.
// The kernel's buffer is the only queue, so a stuck receiver costs its sender a bounded amount and a `.wouldBlock`.
import CLinux
import LinuxSystem

extension Frame {
    /// The bytes of the frame.
    package func encoded() -> [UInt8] {
        var writer = FrameWriter()
        encode(into: &writer)
        return writer.bytes
    }

    /// The frame in these bytes; throws where they hold anything less or more.
    package init(decoding bytes: [UInt8]) throws(FrameError) {
        var reader = FrameReader(bytes[...])
        try self.init(decoding: &reader)
        try reader.finish()
    }
}

/// A descriptor that came with a frame; closed with its last reference unless it was taken.
package final class PassedDescriptor {
    private var descriptor: Descriptor?

    fileprivate init(owning raw: Int32) { descriptor = Descriptor(owning: raw) }

    /// Hands the descriptor over to the caller; nil from the second call on.
    package func take() -> Descriptor? { descriptor.take() }
}

/// One end of a channel. Not a queue: what does not fit is the caller's to keep or to drop.
package final class Channel {
    /// What became of a frame that was to be sent.
    package enum Sent: Equatable {
        case sent
        /// The receiver is behind; nothing was sent.
        case wouldBlock
        /// The other end is gone.
        case closed
    }

    /// What was there to receive.
    package enum Received {
        case frame([UInt8], [PassedDescriptor])
        /// Nothing now.
        case empty
        /// The other end is gone and everything that it sent was received.
        case closed
    }

    /// Largest frame in bytes: the largest message (specs/heartbeat.md 1.5) and what a frame adds to it.
    package static let frameSizeMax = 256 * 1024 + 1024
    /// Most descriptors in one frame.
    package static let descriptorCountMax = 8

    private let socket: Descriptor
    /// Never shrinks; only pages that a frame has touched take memory.
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: frameSizeMax, alignment: 16)
    private let control = UnsafeMutableRawBufferPointer.allocate(
        byteCount: cl_cmsg_space(descriptorCountMax * MemoryLayout<Int32>.size), alignment: 16)

    /// Takes over one end of a `SocketPair`.
    package init(_ socket: consuming Descriptor) {
        // The default buffer is smaller than the largest frame; the kernel doubles what is asked for.
        var size = Int32(256 * 1024)
        let length = socklen_t(MemoryLayout<Int32>.size)
        if setsockopt(socket.raw, SOL_SOCKET, SO_SNDBUFFORCE, &size, length) == -1 {
            setsockopt(socket.raw, SOL_SOCKET, SO_SNDBUF, &size, length)
        }
        self.socket = socket
    }

    deinit {
        buffer.deallocate()
        control.deallocate()
    }

    /// The descriptor, for an event loop to watch.
    package var raw: Int32 { socket.raw }

    /// Sends one frame; the descriptors stay the caller's. See `send(bytes:)`.
    package func send(
        _ frame: some Frame, descriptors: [Int32] = [], waiting: Bool = false
    ) throws(SystemError) -> Sent {
        try send(bytes: frame.encoded(), descriptors: descriptors, waiting: waiting)
    }

    /// Sends 1 to `frameSizeMax` bytes as one frame, whole or not at all; more throws EMSGSIZE. Blocks only where
    /// `waiting`. The corresponding C function is `sendmsg`.
    package func send(
        bytes: [UInt8], descriptors: [Int32] = [], waiting: Bool = false
    ) throws(SystemError) -> Sent {
        precondition(!bytes.isEmpty, "an empty frame would read as the channel's end")
        precondition(descriptors.count <= Channel.descriptorCountMax, "too many descriptors for one frame")
        guard bytes.count <= Channel.frameSizeMax else { throw SystemError(code: EMSGSIZE, operation: "send a frame") }
        do throws(SystemError) {
            try transmit(bytes, descriptors, flags: Int32(MSG_NOSIGNAL) | (waiting ? 0 : Channel.dontWait))
            return .sent
        } catch {
            switch error.code {
            case EAGAIN: return .wouldBlock
            case EPIPE, ECONNRESET: return .closed
            default: throw error
            }
        }
    }

    /// Takes the next frame and what rides with it. A frame that is too long, or has too many descriptors, is dropped
    /// whole and throws EMSGSIZE. Blocks only where `waiting`. The corresponding C function is `recvmsg`.
    package func receive(waiting: Bool = false) throws(SystemError) -> Received {
        var slice = iovec(iov_base: buffer.baseAddress, iov_len: buffer.count)
        var header = msghdr()
        header.msg_control = control.baseAddress
        header.msg_controllen = control.count
        let flags = Int32(MSG_CMSG_CLOEXEC) | (waiting ? 0 : Channel.dontWait)
        let count: Int
        do throws(SystemError) {
            count = try withUnsafeMutablePointer(to: &slice) { slice throws(SystemError) in
                header.msg_iov = slice
                header.msg_iovlen = 1
                return try retrying("receive a frame") { recvmsg(socket.raw, &header, flags) }
            }
        } catch {
            switch error.code {
            case EAGAIN: return .empty
            case ECONNRESET: return .closed
            default: throw error
            }
        }
        let descriptors = Channel.takeDescriptors(&header)
        if header.msg_flags & Int32(MSG_TRUNC | MSG_CTRUNC) != 0 {
            throw SystemError(code: EMSGSIZE, operation: "receive a frame")
        }
        return count == 0 ? .closed : .frame(Array(buffer[..<count]), descriptors)
    }

    /// Most frames that `drain` takes, so that no sender holds up the rest of a process.
    package static let drainMax = 64

    /// Hands over the frames that are there, in order, at most `limit`; what is left makes the descriptor readable
    /// again. Returns whether the other end is gone. What `receive`, the decoding or `take` throws ends it.
    package func drain<F: Frame>(
        atMost limit: Int = drainMax, _ take: (F, [PassedDescriptor]) throws -> Void
    ) throws -> Bool {
        for _ in 0..<limit {
            switch try receive() {
            case .empty: return false
            case .closed: return true
            case .frame(let bytes, let descriptors): try take(try F(decoding: bytes), descriptors)
            }
        }
        return false
    }

    private static let dontWait = Int32(MSG_DONTWAIT)

    private func transmit(_ bytes: [UInt8], _ descriptors: [Int32], flags: Int32) throws(SystemError) {
        var header = msghdr()
        if !descriptors.isEmpty {
            let size = descriptors.count * MemoryLayout<Int32>.size
            header.msg_control = control.baseAddress
            header.msg_controllen = cl_cmsg_space(size)
            if let rights = cl_cmsg_first(&header) {
                rights.pointee.cmsg_level = SOL_SOCKET
                rights.pointee.cmsg_type = Int32(SCM_RIGHTS)
                rights.pointee.cmsg_len = cl_cmsg_len(size)
                cl_cmsg_data(rights)?.copyMemory(from: descriptors, byteCount: size)
            }
        }
        let sent = bytes.withUnsafeBytes { source in
            var slice = iovec(iov_base: UnsafeMutableRawPointer(mutating: source.baseAddress), iov_len: source.count)
            return withUnsafeMutablePointer(to: &slice) { slice in
                header.msg_iov = slice
                header.msg_iovlen = 1
                var result: Int
                repeat { result = sendmsg(socket.raw, &header, flags) } while result == -1 && cl_errno() == EINTR
                return result
            }
        }
        if sent == -1 { throw SystemError.last("send a frame") }
    }

    private static func takeDescriptors(_ header: inout msghdr) -> [PassedDescriptor] {
        var descriptors: [PassedDescriptor] = []
        var next = cl_cmsg_first(&header)
        while let message = next {
            if message.pointee.cmsg_level == SOL_SOCKET && message.pointee.cmsg_type == Int32(SCM_RIGHTS),
                let data = cl_cmsg_data(message)
            {
                let count = (message.pointee.cmsg_len - cl_cmsg_len(0)) / MemoryLayout<Int32>.size
                for index in 0..<count {
                    let raw = data.loadUnaligned(fromByteOffset: index * MemoryLayout<Int32>.size, as: Int32.self)
                    descriptors.append(PassedDescriptor(owning: raw))
                }
            }
            next = cl_cmsg_next(&header, message)
        }
        return descriptors
    }
}
