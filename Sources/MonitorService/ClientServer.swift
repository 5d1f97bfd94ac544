// The doors for clients (specs/mon.md 10): the TCP port, and a UNIX socket at which the kernel tells who comes.
import Admin
import CLinux
import ClusterModel
import LinuxSystem
import Monitoring
import Reactor

final class ClientServer {
    /// Answers that wait for all clients together, in bytes: beyond it, clients wait for their turn.
    private static let pendingMax = 64 << 20

    private let loop: EventLoop
    private let log: (LogRecord) -> Void
    private let deliver: (MonitorEvent) -> Void
    private var listeners: [(socket: Int32, source: EventSource, isLocal: Bool)] = []
    private var connections: [ClientNumber: ClientConnection] = [:]
    private var numberLast: ClientNumber = 0
    private var sweeper: EventSource?
    private let administrators: gid_t?
    var filter: ClientFilter?
    var idleMax: Duration = .seconds(30)

    init(
        loop: EventLoop, log: @escaping (LogRecord) -> Void, deliver: @escaping (MonitorEvent) -> Void
    ) throws(SystemError) {
        self.loop = loop
        self.log = log
        self.deliver = deliver
        administrators = getgrnam("haclient").map { $0.pointee.gr_gid }
        sweeper = try loop.onTime(Clock.now() + .seconds(1)) { [unowned self] in sweep() }
    }

    deinit { for listener in listeners { _ = CLinux.close(listener.socket) } }

    /// Opens the TCP port.
    func listen(on address: SocketAddress) throws(SystemError) {
        let socket = try Descriptor.socket(family: address.address.family, type: SOCK_STREAM)
        try socket.setOption("SO_REUSEADDR", SOL_SOCKET, SO_REUSEADDR)
        try socket.bind(to: address)
        try socket.setNonBlocking(true)
        let raw = socket.raw
        _ = try retrying("listen on \(address)") { CLinux.listen(raw, 512) }
        try add(socket, isLocal: false)
    }

    /// Opens the UNIX socket: everybody may ask, what he may is told by who he is.
    func listen(at path: String) throws(SystemError) {
        try add(try AdminSocket.listen(at: path, mode: 0o666, stream: true), isLocal: true)
    }

    private func add(_ socket: consuming Descriptor, isLocal: Bool) throws(SystemError) {
        let raw = socket.release()
        do throws(SystemError) {
            let source = try loop.onReadable(raw) { [unowned self] in accept(raw, isLocal: isLocal) }
            listeners.append((raw, source, isLocal))
        } catch {
            _ = CLinux.close(raw)
            throw error
        }
    }

    /// Takes a few at a time, so that a flood of them does not hold up the rest.
    private func accept(_ raw: Int32, isLocal: Bool) {
        for _ in 0..<16 {
            var storage = sockaddr_storage()
            var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
            let number = withUnsafeMutablePointer(to: &storage) { storage in
                storage.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                    accept4(
                        raw, .init(__sockaddr__: address), &length,
                        Int32(SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue))
                }
            }
            guard number >= 0 else {
                if cl_errno() == EMFILE || cl_errno() == ENFILE {
                    log(LogRecord(.warning, "client-refused", "no descriptors left for a client"))
                    // Who waits stays there, and would call again at once; `sweep` listens again.
                    listeners.first { $0.socket == raw }?.source.disable()
                }
                return
            }
            let socket = Descriptor(owning: number)
            guard connections.count < Monitor.clientsMax else { continue }
            if isLocal {
                guard let peer = PeerCredentials(number) else { continue }
                open(socket, localPeer(peer), "process \(peer.pid) of user \(peer.user)")
            } else {
                guard let address = SocketAddress(storage), filter?.allows("\(address.address)") ?? false
                else { continue }
                try? socket.setOption("TCP_NODELAY", Int32(IPPROTO_TCP), TCP_NODELAY)
                open(socket, .address("\(address.address)", isLocal: address.address.isLoopback), "\(address)")
            }
        }
    }

    /// Root, this daemon's own user and members of haclient may do everything.
    private func localPeer(_ peer: PeerCredentials) -> ClientPeer {
        let user = getpwuid(peer.user).map { String(cString: $0.pointee.pw_name) } ?? "\(peer.user)"
        let isTrusted = peer.user == 0 || peer.user == geteuid() || administrators.map(peer.isMember) ?? false
        return .process(user: user, isTrusted: isTrusted)
    }

    private func open(_ socket: consuming Descriptor, _ peer: ClientPeer, _ name: String) {
        numberLast += 1
        let number = numberLast
        let host = if case .address(let host, _) = peer { host } else { "" }
        do throws(SystemError) {
            connections[number] = try ClientConnection(number, socket, host: host, loop: loop) { [unowned self] in
                work($0)
            }
        } catch {
            return log(LogRecord(.warning, "client-refused", "\(error)"))
        }
        log(LogRecord(.debug, "client-connection", "client connection from \(name)"))
        deliver(.connected(number, peer: peer))
    }

    // MARK: Lines

    /// Answers what has come, as far as there is room for answers.
    private func work(_ connection: ClientConnection) {
        while pending < ClientServer.pendingMax, let line = connection.nextLine() {
            deliver(.line(connection.number, line))
        }
        connection.flush()
        drop(connection)
    }

    private func drop(_ connection: ClientConnection) {
        guard connection.isClosed, connections.removeValue(forKey: connection.number) != nil else { return }
        deliver(.disconnected(connection.number))
    }

    private var pending: Int { connections.values.reduce(0) { $0 + $1.pending } }

    func reply(_ number: ClientNumber, _ bytes: [UInt8]) { connections[number]?.send(bytes) }

    func finish(_ number: ClientNumber) { connections[number]?.finish() }

    /// Numeric address of a client; empty: a process of this machine.
    func host(of number: ClientNumber) -> String { connections[number]?.host ?? "" }

    /// The answer to a client's last line takes a while; its lines wait until `goOn`.
    func hold(_ number: ClientNumber) { connections[number]?.isHeld = true }

    /// A client that was held has its answer.
    func goOn(_ number: ClientNumber) {
        guard let connection = connections[number], connection.isHeld else { return }
        connection.isHeld = false
        connection.touch()
        work(connection)
    }

    /// Sends what waits, as far as the kernel takes it: the daemon ends.
    func flushAll() { connections.values.forEach { $0.flush() } }

    /// Ends who has been silent for too long, and gives others their turn who waited for room.
    private func sweep() {
        let now = Clock.now()
        for listener in listeners { listener.source.enable() }
        for number in connections.keys.sorted() {
            guard let connection = connections[number] else { continue }
            if !connection.isHeld, now - connection.lastActivity >= idleMax { connection.close() }
            work(connection)
        }
        sweeper?.schedule(now + .seconds(1))
    }
}
