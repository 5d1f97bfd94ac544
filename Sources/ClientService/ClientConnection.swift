// One client's connection: what came in and waits, what goes out and waits, and who the client is.
import CLinux
import ClusterModel
import LinuxSystem
import Messaging
import Reactor

final class ClientConnection {
    /// Bytes that wait for a client that does not read; beyond it is given up.
    private static let outputMax = 256 * 1024

    /// Who a client has signed on as.
    struct Identity: Equatable {
        var id: String
        /// A process without a name of its own: it asks, and sends nothing to the cluster.
        var isCasual: Bool
        /// Grows with every sign-on at this service.
        var generation: Int
    }

    let number: Int
    let since = Clock.now()
    let peer: PeerCredentials
    var identity: Identity?
    var budget = SendBudget.full
    /// Whether the state of the cluster was told since the connection: it is not answered from what was before.
    var hasFreshView = false
    /// Messages that were read and not handled yet.
    var pending: [HAMessage] = []
    /// Whether the client must wait before it is read again.
    var isHeld = false {
        didSet { if isHeld != oldValue { watch() } }
    }
    private let socket: Descriptor
    private var framing = ClientFraming()
    private var output: [UInt8] = []
    /// The client does not hear any more; what it said before is still to be read.
    private var isDeaf = false
    private var source: EventSource?

    init(
        _ socket: consuming Descriptor, number: Int, peer: PeerCredentials, loop: EventLoop,
        ready: @escaping (UInt32) -> Void
    ) throws(SystemError) {
        self.number = number
        self.peer = peer
        self.socket = socket
        source = try loop.onReady(self.socket.raw, events: UInt32(EPOLLIN.rawValue), ready)
    }

    /// Reads once. Returns false where the connection is at its end, or cannot be read any further. Text that is no
    /// message is skipped.
    func read() -> Bool {
        var buffer = [UInt8](repeating: 0, count: 16_384)
        let count = recv(socket.raw, &buffer, buffer.count, Int32(MSG_DONTWAIT))
        if count == 0 { return false }
        if count < 0 { return cl_errno() == EAGAIN || cl_errno() == EINTR }
        guard let texts = try? framing.accept(buffer[..<count]) else { return false }
        pending += texts.compactMap(ClientFraming.message)
        return true
    }

    /// Queues a frame. Returns false where the client does not read.
    func send(_ frame: [UInt8]) -> Bool {
        if isDeaf { return true }
        output += frame
        return output.count <= ClientConnection.outputMax && flush()
    }

    /// Sends what waits. A client that has gone is noticed when all that it said was read; false where that cannot be.
    func flush() -> Bool {
        while !output.isEmpty {
            let count = CLinux.send(socket.raw, output, output.count, Int32(MSG_DONTWAIT | MSG_NOSIGNAL))
            if count < 0 {
                switch cl_errno() {
                case EAGAIN: break
                case EPIPE, ECONNRESET:
                    isDeaf = true
                    output = []
                default: return false
                }
                break
            }
            output.removeFirst(count)
        }
        watch()
        return true
    }

    private func watch() {
        // Its end is not heard either while it waits, or it would be heard again and again.
        if isHeld { return source?.disable() ?? () }
        source?.enable()
        source?.watch(UInt32(EPOLLIN.rawValue) | (output.isEmpty ? 0 : UInt32(EPOLLOUT.rawValue)))
    }
}
