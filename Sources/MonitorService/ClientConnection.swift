// One client's connection: bytes in, lines out of them; answers in, bytes out. Everything is bounded: what a client may
// send before its line ends, and what waits for one that does not read.
import CLinux
import ClusterModel
import LinuxSystem
import Monitoring
import Reactor

final class ClientConnection {
    /// While more than this waits to be sent, no further line is answered.
    static let pendingMax = 256 * 1024
    /// Bytes taken at once.
    private static let chunkSize = 4096

    let number: ClientNumber
    /// Numeric address of the other end; empty: a process of this machine.
    let host: String
    /// An answer is being found out: until it is there, nothing more is taken.
    var isHeld = false
    private let socket: Descriptor
    private var source: EventSource?
    private let lineReady: (ClientConnection) -> Void
    private var received: [UInt8] = []
    /// Up to where `received` has been looked at.
    private var scanned = 0
    /// The last byte taken ended a line: more ends belong to that one.
    private var isInEnd = false
    private var outgoing: [UInt8] = []
    private var sent = 0
    private(set) var isClosed = false
    /// Nothing more is taken; what waits is still sent.
    private var isEnding = false
    private var hasEnded = false
    /// When something last moved.
    private(set) var lastActivity: Instant

    /// `lineReady` is called when there may be a line, and when there is room for answers again.
    init(
        _ number: ClientNumber, _ socket: consuming Descriptor, host: String, loop: EventLoop,
        lineReady: @escaping (ClientConnection) -> Void
    ) throws(SystemError) {
        self.number = number
        self.host = host
        self.socket = socket
        self.lineReady = lineReady
        lastActivity = Clock.now()
        source = try loop.onReady(self.socket.raw, events: UInt32(EPOLLIN.rawValue)) { [unowned self] in ready($0) }
    }

    /// Bytes that wait to be sent.
    var pending: Int { outgoing.count - sent }

    private func ready(_ events: UInt32) {
        touch()
        if events & UInt32(EPOLLERR.rawValue) != 0 { return close() }
        if events & UInt32(EPOLLIN.rawValue | EPOLLHUP.rawValue) != 0, !hasEnded { take() }
        if events & UInt32(EPOLLOUT.rawValue) != 0 { flush() }
        if !isClosed { lineReady(self) }
    }

    private func take() {
        var chunk = [UInt8](repeating: 0, count: ClientConnection.chunkSize)
        let count = recv(socket.raw, &chunk, chunk.count, Int32(MSG_DONTWAIT))
        if count > 0 {
            if !isEnding { received.append(contentsOf: chunk[..<count]) }
        } else if count == 0 {
            hasEnded = true
        } else if cl_errno() != EAGAIN && cl_errno() != EINTR {
            close()
        }
    }

    /// The next whole line, without its end; nil where there is none, or no room for an answer. A run of CR and LF is
    /// one end.
    func nextLine() -> [UInt8]? {
        guard !isClosed, !isEnding, !isHeld, pending < ClientConnection.pendingMax else { return nil }
        while scanned < received.count {
            let byte = received[scanned]
            let isEnd = byte == 0x0a || byte == 0x0d
            if isEnd && isInEnd {
                received.removeFirst(scanned + 1)
                scanned = 0
                continue
            }
            isInEnd = isEnd
            if isEnd {
                let line = Array(received[..<scanned])
                received.removeFirst(scanned + 1)
                scanned = 0
                return line
            }
            scanned += 1
        }
        if received.count > Monitor.lineLengthMax {
            send(Array("520 line too long\n".utf8))
            finish()
        }
        return nil
    }

    /// Whether nothing more will come.
    var isDone: Bool { !isHeld && (hasEnded && received.isEmpty || hasEnded && !isInEnd && scanned == received.count) }

    /// The time of silence begins anew.
    func touch() { lastActivity = Clock.now() }

    /// Puts an answer behind what waits; `flush` sends it.
    func send(_ bytes: [UInt8]) {
        if !isClosed { outgoing += bytes }
    }

    /// Closes when all is sent.
    func finish() {
        isEnding = true
        received = []
        scanned = 0
    }

    /// Sends what the kernel takes: one write where it takes all.
    func flush() {
        while !isClosed, pending > 0 {
            let count = outgoing.withUnsafeBytes { bytes in
                CLinux.send(
                    socket.raw, bytes.baseAddress.map { $0 + sent }, bytes.count - sent,
                    Int32(MSG_NOSIGNAL | MSG_DONTWAIT))
            }
            if count > 0 {
                sent += count
            } else if cl_errno() == EAGAIN {
                break
            } else if cl_errno() != EINTR {
                return close()
            }
        }
        if pending == 0 {
            outgoing = []
            sent = 0
            if isEnding || isDone { return close() }
        }
        // Who does not read is not read either.
        let reads = pending < ClientConnection.pendingMax && !hasEnded && !isHeld
        source?.watch(
            (reads ? UInt32(EPOLLIN.rawValue) : 0) | (pending > 0 ? UInt32(EPOLLOUT.rawValue) : 0))
    }

    func close() {
        isClosed = true
        source = nil
        outgoing = []
        received = []
    }
}
