// An order to the heartbeat of this machine: what `hb standby` says on the control socket, without waiting for it.
import Admin
import CLinux
import ClusterModel
import LinuxSystem
import Messaging
import Reactor

/// One request and its outcome.
final class ClusterOrder: AlertWork {
    /// A daemon that takes no connections is left alone for so long.
    private static let pause: Duration = .milliseconds(500)
    /// The socket is this machine's own: it takes a connection at once, or its queue is full.
    private static let patience: Duration = .milliseconds(20)

    private let request: AdminRequest
    private let origin: RequestOrigin
    private let tools: AlertTools
    private let deadline: Instant
    private var socket: SocketBox?
    private var source: EventSource?
    private var retry: EventSource?
    private var done: ((AlertEnd) -> Void)?

    /// A class, for a descriptor cannot be optional in a class that passes closures on.
    private final class SocketBox {
        let descriptor: Descriptor
        init(_ descriptor: consuming Descriptor) { self.descriptor = descriptor }
    }

    init(
        _ request: AdminRequest, _ origin: RequestOrigin, _ tools: AlertTools, _ deadline: Instant,
        _ done: @escaping (AlertEnd) -> Void
    ) {
        self.request = request
        self.origin = origin
        self.tools = tools
        self.deadline = deadline
        self.done = done
        connect()
    }

    func cancel() {
        done = nil
        source = nil
        retry = nil
        socket = nil
    }

    private func connect() {
        var message = request.message
        origin.add(to: &message)
        do {
            let packet = try AdminMessage.encode(message)
            let box = SocketBox(
                try AdminSocket.connect(to: tools.paths.controlSocket, patience: ClusterOrder.patience))
            try AdminSocket.send(box.descriptor.raw, packet)
            socket = box
            source = try tools.loop.onReadable(box.descriptor.raw) { [unowned self] in read(box.descriptor.raw) }
        } catch let error as SystemError {
            if error.code == EAGAIN, Clock.now() + ClusterOrder.pause < deadline { return connectLater() }
            finish(.failed("heartbeat does not take the order: \(error)"))
        } catch {
            finish(.failed("\(error)"))
        }
    }

    private func connectLater() {
        socket = nil
        retry = try? tools.loop.onTime(Clock.now() + ClusterOrder.pause) { [unowned self] in connect() }
    }

    private func read(_ raw: Int32) {
        do {
            let packet = try AdminSocket.receive(raw)
            if packet.isEmpty { return finish(.failed("heartbeat ended before the outcome was known")) }
            guard case .end(let response) = try AdminAnswer(try AdminMessage.decode(packet)) else { return }
            // Also what is done is worth its words: an order that came too late is done, and nothing was.
            let text = response.text.isEmpty ? nil : response.text
            finish(response.outcome == .done ? .done(text) : .failed(text ?? response.outcome.rawValue))
        } catch let error as SystemError {
            if error.code != EAGAIN { finish(.failed("\(error)")) }
        } catch {
            finish(.failed("\(error)"))
        }
    }

    private func finish(_ end: AlertEnd) {
        let done = done
        cancel()
        done?(end)
    }
}
