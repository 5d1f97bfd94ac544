// The doors for operators: the control socket and the classic FIFO. Requests are checked for who asks, and handed to
// the status process; its answers go back. A client that does not read loses its answer, not the daemon's time.
import Admin
import CLinux
import ClusterModel
import Journal
import LinuxSystem
import Messaging
import Privsep
import Reactor

final class AdminServer {
    /// Connections at once; more are closed at once.
    private static let clientsMax = 64
    /// Of those who may only look, so that administrators always find room.
    private static let strangersMax = 32
    /// Packets that wait for one client.
    private static let queueMax = 16_384

    private final class Client {
        let socket: Descriptor
        let isPrivileged: Bool
        var source: EventSource?
        var queue: [[UInt8]] = []
        /// Its request is not answered yet: the next one waits with the client. So the channel to the status process is
        /// never full of questions, and what control itself has to say finds room.
        var isAsking = false

        init(_ socket: consuming Descriptor, isPrivileged: Bool) {
            self.socket = socket
            self.isPrivileged = isPrivileged
        }
    }

    private let loop: EventLoop
    private let log: Log
    private let forward: (ControlToStatus) -> Void
    private let reload: () -> String?
    private let paths: Paths
    private let administrators: gid_t?
    private let listener: Descriptor
    private let fifo: Descriptor
    private var sources: [EventSource] = []
    /// In the order of connection; looked up by number.
    private var clients: [(id: ClientID, client: Client)] = []
    private var clientLast: ClientID = 0
    private var framer = StreamFramer()

    /// `reload` reads the configuration again, and returns why it stays as it was; nil where it is in force.
    init(
        paths: Paths, loop: EventLoop, log: Log, reload: @escaping () -> String?,
        forward: @escaping (ControlToStatus) -> Void
    ) throws(SystemError) {
        self.paths = paths
        self.loop = loop
        self.log = log
        self.reload = reload
        self.forward = forward
        let group = Confinement.Identity.named(user: "hacluster", group: "haclient")
        administrators = group == .nobody ? nil : group.group
        // Everybody may look; who may change something is told by the credentials of the connection.
        listener = try AdminSocket.listen(at: paths.controlSocket, mode: 0o666)
        // A script that wrote while no daemon ran has left a file there.
        if let kind = FileSystem.kind(of: paths.fifo), kind != .other { _ = unlink(paths.fifo) }
        if mkfifo(paths.fifo, 0o600) == -1 && cl_errno() != EEXIST { throw SystemError.last("mkfifo \(paths.fifo)") }
        // Open for writing too, or every writer that closes would look like the end.
        fifo = try Descriptor.open(paths.fifo, O_RDWR | O_NONBLOCK)
        sources = [
            try loop.onReadable(listener.raw) { [unowned self] in accept() },
            try loop.onReadable(fifo.raw) { [unowned self] in readFifo() },
        ]
    }

    // MARK: Clients

    private func accept() {
        do throws(SystemError) {
            guard let socket = try AdminSocket.accept(listener.raw) else { return }
            guard clients.count < AdminServer.clientsMax else { return }
            let mayChange = isPrivileged(socket.raw)
            let strangers = clients.count { !$0.client.isPrivileged }
            guard mayChange || strangers < AdminServer.strangersMax else { return }
            let client = Client(socket, isPrivileged: mayChange)
            clientLast &+= 1
            let id = clientLast
            client.source = try loop.onReady(client.socket.raw, events: UInt32(EPOLLIN.rawValue)) { [unowned self] in
                ready(id, $0)
            }
            clients.append((id, client))
        } catch {
            log.write(.warning, "admin-socket", "\(error)")
        }
    }

    /// Root, this process's own user, and members of the group haclient.
    private func isPrivileged(_ raw: Int32) -> Bool {
        guard let peer = PeerCredentials(raw) else { return false }
        if peer.user == 0 || peer.user == geteuid() { return true }
        return administrators.map(peer.isMember) ?? false
    }

    private func ready(_ id: ClientID, _ events: UInt32) {
        guard let client = client(id) else { return }
        if events & UInt32(EPOLLOUT.rawValue) != 0 { flush(id, client) }
        guard events & UInt32(EPOLLIN.rawValue | EPOLLHUP.rawValue | EPOLLERR.rawValue) != 0 else { return }
        if client.isAsking {
            // It is not listened to, so it is gone.
            if events & UInt32(EPOLLHUP.rawValue | EPOLLERR.rawValue) != 0 { close(id) }
            return
        }
        do throws(SystemError) {
            let packet = try AdminSocket.receive(client.socket.raw)
            if packet.isEmpty { return close(id) }
            if client.isPrivileged && AdminServer.asksForReload(packet) { return answerReload(id) }
            client.isAsking = true
            watch(client)
            forward(.request(client: id, privileged: client.isPrivileged, bytes: packet))
        } catch {
            if error.code != EAGAIN { close(id) }
        }
    }

    /// Only what administrators send is read here: this process is root.
    private static func asksForReload(_ packet: [UInt8]) -> Bool {
        guard let message = try? AdminMessage.decode(packet) else { return false }
        return (try? AdminRequest(message)) == .reload
    }

    private func answerReload(_ id: ClientID) {
        let response = reload().map { AdminResponse(.refused, $0) } ?? AdminResponse(.done)
        if let packet = try? AdminMessage.encode(response.message) { respond(id, packet, last: true) }
    }

    /// Takes the doors away, so that nobody knocks at the house of a daemon that has ended.
    func close() {
        sources = []
        clients.removeAll()
        for path in [paths.controlSocket, paths.fifo] where unlink(path) == -1 && cl_errno() != ENOENT {
            log.write(.warning, "admin-socket", "\(SystemError.last("remove \(path)"))")
        }
    }

    /// An answer's packet, or part of it.
    func respond(_ id: ClientID, _ bytes: [UInt8], last: Bool) {
        guard let client = client(id) else { return }
        client.queue.append(bytes)
        if last { client.isAsking = false }
        if client.queue.count > AdminServer.queueMax { return close(id) }
        flush(id, client)
    }

    private func flush(_ id: ClientID, _ client: Client) {
        do throws(SystemError) {
            while let packet = client.queue.first {
                try AdminSocket.send(client.socket.raw, packet)
                client.queue.removeFirst()
            }
        } catch {
            guard error.code == EAGAIN else { return close(id) }
        }
        watch(client)
    }

    private func watch(_ client: Client) {
        client.source?.watch(
            (client.isAsking ? 0 : UInt32(EPOLLIN.rawValue)) | (client.queue.isEmpty ? 0 : UInt32(EPOLLOUT.rawValue)))
    }

    private func close(_ id: ClientID) {
        clients.removeAll { $0.id == id }
        forward(.clientGone(client: id))
    }

    private func client(_ id: ClientID) -> Client? { clients.first { $0.id == id }?.client }

    /// Requests that the dead status process had will not be answered: their clients see the connection end.
    func statusProcessLost() { clients.removeAll() }

    // MARK: The FIFO

    /// Takes what the scripts of an existing site write (specs/heartbeat.md 1.3, 5.5).
    private func readFifo() {
        var buffer = [UInt8](repeating: 0, count: 8192)
        let count = read(fifo.raw, &buffer, buffer.count)
        guard count > 0 else { return }
        for bytes in framer.accept(buffer[..<count]) {
            do {
                try take(try ClassicCodec.decode(bytes), bytes)
            } catch {
                log.write(.warning, "fifo", "a message in the FIFO cannot be read: \(error)")
            }
        }
    }

    private func take(_ message: HAMessage, _ bytes: [UInt8]) throws {
        let selection = GroupSelection(word: message.text("rsc_hold") ?? "all")
        let request: AdminRequest
        switch (message.text("t"), message.text("info")) {
        case ("ask_resources", "me"): request = .standby(selection)
        case ("hb_takeover", _): request = .takeover(selection)
        default:
            // Words to the cluster; which it may be told is judged there.
            return forward(.inject(bytes))
        }
        forward(.request(client: 0, privileged: true, bytes: try AdminMessage.encode(request.message)))
    }
}
