import CLinux
import ClusterModel
import LinuxSystem
import Privsep
import Testing

@Suite struct ChannelTests {
    let near: Channel
    let far: Channel

    init() throws {
        let pair = try SocketPair()
        near = Channel(pair.first)
        far = Channel(pair.second)
    }

    private func frame(_ received: Channel.Received) -> [UInt8]? {
        if case .frame(let bytes, _) = received { bytes } else { nil }
    }

    @Test("frames arrive whole and in order, then there is nothing, then the end")
    func order() throws {
        let channel = try SocketPair()
        var sender: Channel? = Channel(channel.first)
        let receiver = Channel(channel.second)
        #expect(try sender?.send(ControlToStatus.shutdown) == .sent)
        #expect(try sender?.send(ControlToStatus.clientGone(client: 7)) == .sent)
        #expect(try ControlToStatus(decoding: #require(frame(receiver.receive()))) == .shutdown)
        #expect(try ControlToStatus(decoding: #require(frame(receiver.receive()))) == .clientGone(client: 7))
        guard case .empty = try receiver.receive() else { Issue.record("not empty"); return }
        sender = nil
        guard case .closed = try receiver.receive() else { Issue.record("not closed"); return }
        #expect(try receiver.send(StatusToControl.finished) == .closed)
    }

    @Test("what is there is drained in order, not more than asked for, and the end is told")
    func drained() throws {
        let pair = try SocketPair()
        var sender: Channel? = Channel(pair.first)
        let receiver = Channel(pair.second)
        var taken: [ControlToStatus] = []
        func drain(_ limit: Int) throws -> Bool {
            try receiver.drain(atMost: limit) { (frame, _) in taken.append(frame) }
        }
        #expect(try !drain(8))
        #expect(taken.isEmpty)
        let frames = (0..<5).map { ControlToStatus.clientGone(client: $0) }
        for frame in frames { #expect(try sender?.send(frame) == .sent) }
        #expect(try !drain(3))
        #expect(taken == Array(frames[..<3]))
        #expect(try sender?.send(bytes: [99]) == .sent)
        #expect(throws: FrameError.self) { try drain(8) }
        #expect(taken == frames, "what came before the garbage counts")
        #expect(try sender?.send(ControlToStatus.shutdown) == .sent)
        sender = nil
        #expect(try !drain(1))
        #expect(try drain(1))
        #expect(taken == frames + [.shutdown])
    }

    @Test("a message of the largest size fits a frame; one byte more is refused")
    func largest() throws {
        let datagram = ReceivedDatagram(
            arrival: Instant(nanoseconds: 1), bytes: [UInt8](repeating: 0x23, count: 256 * 1024))
        #expect(try near.send(datagram) == .sent)
        #expect(try ReceivedDatagram(decoding: #require(frame(far.receive()))) == datagram)
        #expect(throws: SystemError(code: EMSGSIZE, operation: "send a frame")) {
            try near.send(bytes: [UInt8](repeating: 0, count: Channel.frameSizeMax + 1))
        }
    }

    @Test("a receiver that does not read costs a bounded amount and is told from one that is gone")
    func full() throws {
        var sent = 0
        while try near.send(bytes: [UInt8](repeating: 1, count: 1000)) == .sent, sent < 100_000 { sent += 1 }
        #expect(sent > 100)
        #expect(sent < 100_000)
        #expect(try near.send(bytes: [UInt8](repeating: 1, count: 1000)) == .wouldBlock)
        for _ in 0..<sent { #expect(try frame(far.receive())?.count == 1000) }
        #expect(try near.send(bytes: [1]) == .sent)
    }

    @Test("descriptors ride along, close-on-exec, and are closed when nobody takes them")
    func descriptors() throws {
        let first = try MemoryFile.write(Array("first".utf8))
        let second = try MemoryFile.write(Array("second".utf8))
        #expect(try near.send(ControlToStatus.medium(index: 3), descriptors: [first.raw, second.raw]) == .sent)
        guard case .frame(let bytes, let passed) = try far.receive() else { Issue.record("no frame"); return }
        #expect(try ControlToStatus(decoding: bytes) == .medium(index: 3))
        #expect(passed.count == 2)
        guard let file = passed[1].take() else { Issue.record("already taken"); return }
        #expect(try MemoryFile.read(file, limit: 100) == Array("second".utf8))
        #expect(cl_fcntl(file.raw, F_GETFD, 0) & FD_CLOEXEC != 0)
        if passed[1].take() != nil { Issue.record("taken twice") }
    }

    @Test("a frame that is too long is dropped whole, and the next one is read")
    func hostileLength() throws {
        let pair = try SocketPair()
        let receiver = Channel(pair.second)
        var size: Int32 = 4 << 20
        setsockopt(pair.first.raw, SOL_SOCKET, SO_SNDBUFFORCE, &size, 4)
        let long = [UInt8](repeating: 0, count: Channel.frameSizeMax + 1)
        #expect(send(pair.first.raw, long, long.count, 0) == long.count)
        #expect(send(pair.first.raw, [9], 1, 0) == 1)
        #expect(throws: SystemError(code: EMSGSIZE, operation: "receive a frame")) { _ = try receiver.receive() }
        #expect(try frame(receiver.receive()) == [9])
    }

    @Test("a frame with too many descriptors is dropped whole, and none of them stays open")
    func hostileDescriptors() throws {
        let pair = try SocketPair()
        let receiver = Channel(pair.second)
        var ends: [Int32] = [-1, -1]
        #expect(pipe2(&ends, O_CLOEXEC | O_NONBLOCK) == 0)
        let reader = Descriptor(owning: ends[0])
        let writer = Descriptor(owning: ends[1])
        sendRights(pair.first, [Int32](repeating: writer.raw, count: Channel.descriptorCountMax + 1))
        _ = writer.release()
        close(ends[1])
        #expect(throws: SystemError(code: EMSGSIZE, operation: "receive a frame")) { _ = try receiver.receive() }
        var byte: UInt8 = 0
        #expect(read(reader.raw, &byte, 1) == 0, "a writer of the pipe is still open")
    }

    @Test("garbage is no frame", arguments: [[UInt8]](
        [[], [0], [99], [1], [1, 0], [5, 0, 0, 0, 0, 1, 0xFF, 0xFF, 0xFF, 0xFF], [7, 7]]))
    func garbage(bytes: [UInt8]) {
        #expect(throws: FrameError.self) { try ControlToStatus(decoding: bytes) }
    }
}

/// Sends one byte with these descriptors, past the limits of `Channel`.
private func sendRights(_ socket: borrowing Descriptor, _ raws: [Int32]) {
    let raw = socket.raw
    let size = raws.count * MemoryLayout<Int32>.size
    let control = UnsafeMutableRawBufferPointer.allocate(byteCount: cl_cmsg_space(size), alignment: 16)
    defer { control.deallocate() }
    var byte: UInt8 = 1
    let sent = withUnsafeMutablePointer(to: &byte) { byte in
        var slice = iovec(iov_base: byte, iov_len: 1)
        return withUnsafeMutablePointer(to: &slice) { slice in
            var header = msghdr()
            header.msg_iov = slice
            header.msg_iovlen = 1
            header.msg_control = control.baseAddress
            header.msg_controllen = control.count
            if let rights = cl_cmsg_first(&header) {
                rights.pointee.cmsg_level = SOL_SOCKET
                rights.pointee.cmsg_type = Int32(SCM_RIGHTS)
                rights.pointee.cmsg_len = cl_cmsg_len(size)
                cl_cmsg_data(rights)?.copyMemory(from: raws, byteCount: size)
            }
            return sendmsg(raw, &header, 0)
        }
    }
    #expect(sent == 1)
}
