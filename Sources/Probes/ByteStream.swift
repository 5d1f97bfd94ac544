// A TCP connection that never makes its owner wait, in plain text or under TLS.
import CLinux
import ClusterModel
import LinuxSystem
import Reactor

/// A connection to a server.
final class ByteStream {
    /// What happens on it.
    enum Event {
        case connected
        case secured
        case received([UInt8])
        /// The server has ended it.
        case closed
        /// In the system's words.
        case failed(String)
    }

    private enum State {
        /// Can transition to: open, over.
        case connecting
        /// Can transition to: securing, over.
        case open
        /// Can transition to: open, over.
        case securing
        case over
    }

    let target: SocketAddress
    private let socket: Descriptor
    private var source: EventSource?
    private var state = State.connecting
    private var outgoing: ArraySlice<UInt8> = []
    private(set) var session: TLSSession?
    private let tell: (Event) -> Void
    private static let chunk = 16 * 1024

    /// Begins to connect. `tell` is called from the event loop only.
    init(to target: SocketAddress, loop: EventLoop, _ tell: @escaping (Event) -> Void) throws(SystemError) {
        self.target = target
        self.tell = tell
        socket = try Descriptor.socket(family: target.address.family, type: SOCK_STREAM)
        try socket.setNonBlocking(true)
        do throws(SystemError) {
            try socket.connect(to: target)
        } catch {
            if error.code != EINPROGRESS { throw error }
        }
        source = try loop.onReady(socket.raw, events: UInt32(EPOLLOUT.rawValue)) { [unowned self] _ in ready() }
    }

    /// Ends the connection; nothing is told any more.
    func close() {
        state = .over
        source = nil
    }

    /// Sends bytes, as soon as they fit.
    func send(_ bytes: [UInt8]) {
        outgoing.append(contentsOf: bytes)
        if case .open = state { flush() }
    }

    /// Begins TLS; `.secured` or `.failed` follows.
    func secure(host: String, verifies: Bool, _ context: TLSContext) {
        session = context.session(socket.raw, host: host, verifies: verifies)
        state = .securing
        shakeHands()
    }

    private func ready() {
        switch state {
        case .connecting: connect()
        case .open:
            if !outgoing.isEmpty { flush() }
            read()
        case .securing: shakeHands()
        case .over: break
        }
    }

    private func connect() {
        var code: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        getsockopt(socket.raw, SOL_SOCKET, SO_ERROR, &code, &length)
        guard code == 0 else { return fail(SystemError.text(code)) }
        state = .open
        watch(writes: false)
        tell(.connected)
        if case .open = state, !outgoing.isEmpty { flush() }
    }

    private func shakeHands() {
        guard let session else { return fail("no memory for TLS") }
        switch session.shakeHands() {
        case .wantsRead: watch(writes: false)
        case .wantsWrite: source?.watch(UInt32(EPOLLOUT.rawValue))
        case .failed(let reason): fail("TLS: \(reason)")
        case .done:
            state = .open
            watch(writes: false)
            tell(.secured)
            if case .open = state, !outgoing.isEmpty { flush() }
        }
    }

    private func read() {
        guard case .open = state else { return }
        var buffer = [UInt8](repeating: 0, count: ByteStream.chunk)
        var count = 0
        if let session {
            let (read, progress) = session.read(&buffer)
            count = read
            switch progress {
            case .done: break
            case .wantsRead, .wantsWrite: return
            case .failed: return end(.closed)
            }
        } else {
            count = CLinux.read(socket.raw, &buffer, buffer.count)
            if count < 0 {
                let code = cl_errno()
                if code == EAGAIN || code == EINTR { return }
                return fail(SystemError.text(code))
            }
            if count == 0 { return end(.closed) }
        }
        tell(.received(Array(buffer[..<count])))
        // What TLS has taken from the socket already makes no descriptor readable.
        if session != nil { read() }
    }

    private func flush() {
        while !outgoing.isEmpty {
            let count: Int
            if let session {
                let (written, progress) = session.write(outgoing)
                if case .failed(let reason) = progress { return fail("TLS: \(reason)") }
                count = written
            } else {
                count = outgoing.withUnsafeBytes {
                    CLinux.send(socket.raw, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
                }
                if count < 0, cl_errno() != EAGAIN, cl_errno() != EINTR { return fail(SystemError.text(cl_errno())) }
            }
            guard count > 0 else { break }
            outgoing = outgoing.dropFirst(count)
        }
        watch(writes: !outgoing.isEmpty)
    }

    private func watch(writes: Bool) {
        source?.watch(UInt32(EPOLLIN.rawValue) | (writes ? UInt32(EPOLLOUT.rawValue) : 0))
    }

    private func fail(_ reason: String) { end(.failed(reason)) }

    private func end(_ event: Event) {
        close()
        tell(event)
    }
}
