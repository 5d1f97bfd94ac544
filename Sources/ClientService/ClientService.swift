// The process that serves heartbeat's client library. What clients write is read here and nowhere else; the status
// process hears of it only what is fit to be said. Its death costs the clients their connections, and nothing more.
import Admin
import CLinux
import ClusterModel
import Journal
import LinuxSystem
import Messaging
import Privsep
import Reactor

final class ClientService {
    static let controlDescriptor: Int32 = 3
    static let listenDescriptor: Int32 = 4
    static let logDescriptor: Int32 = 5
    private static let bundleSizeMax = 16 << 20
    /// Connections at once; more are closed at once.
    private static let clientsMax = 64
    /// How long a connection may last without a sign-on.
    private static let signOnTime = Duration.seconds(30)

    private let loop: EventLoop
    private let control: Channel
    private let listener: Descriptor
    private let foreground: Bool
    private var log: Log
    private var limit = RateLimit(burst: 5, interval: .seconds(60), keyCountMax: 16)
    private let logPipe: Int32?
    private var sources: [EventSource] = []
    private var status: Channel?
    private var statusSource: EventSource?
    private var resume: EventSource?

    private(set) var clients: [ClientConnection] = []
    private var numberLast = 0
    private var generationLast = 0
    /// nil while it is not known: then clients wait.
    private(set) var view: ClientView?
    /// Whether clients may speak to the cluster; where not, they wait.
    private var isFlowOpen = true
    private(set) var configuration = Configuration()
    private(set) var parameters = ClientParameters(Configuration())
    private var authorization = ClientAuthorization([])

    static func main(parent: pid_t, identity: Confinement.Identity, foreground: Bool, hasLogPipe: Bool) -> Int32 {
        Signals.ignore(SIGPIPE)
        do throws(SystemError) {
            try Confinement.drop(to: identity)
            try ParentWatch.dieWithParent(parent)
            ProcessTitle.set("heartbeat: client service")
            let service = try ClientService(foreground: foreground, hasLogPipe: hasLogPipe)
            // Its callbacks do not hold it.
            defer { withExtendedLifetime(service) {} }
            return try service.loop.run()
        } catch {
            fputs("heartbeat: client service: \(error)\n", cl_stderr())
            return 1
        }
    }

    private init(foreground: Bool, hasLogPipe: Bool) throws(SystemError) {
        self.foreground = foreground
        loop = try EventLoop()
        control = Channel(Descriptor(owning: ClientService.controlDescriptor))
        listener = Descriptor(owning: ClientService.listenDescriptor)
        logPipe = hasLogPipe ? ClientService.logDescriptor : nil
        log = Log(settings: LogSettings(), node: "", process: "client", foreground: foreground)
        sources = [
            try loop.onReadable(control.raw, priority: -5) { [unowned self] in takeControlFrames() },
            try loop.onReadable(listener.raw) { [unowned self] in accept() },
        ]
        resume = try loop.onTime(.distantFuture) { [unowned self] in resumeClients() }
    }

    // MARK: Control

    private func takeControlFrames() {
        do {
            let isClosed = try control.drain { (frame: ControlToClients, descriptors) in
                try take(frame, descriptors.first)
            }
            if isClosed { loop.stop() }
        } catch {
            log.write(.error, "control-channel", "\(error)")
            loop.stop(code: 1)
        }
    }

    private func take(_ frame: ControlToClients, _ descriptor: PassedDescriptor?) throws {
        guard let descriptor = descriptor?.take() else { return }
        switch frame {
        case .configure:
            let bytes = try MemoryFile.read(descriptor, limit: ClientService.bundleSizeMax)
            let bundle = try ConfigurationBundle(decoding: bytes)
            guard let new = bundle.configuration(withKeys: false) else { return }
            configuration = new
            parameters = ClientParameters(new)
            authorization = ClientAuthorization(new.processes.apiAuthorizations)
            let pipe = logPipe.map { cl_fcntl($0, F_DUPFD_CLOEXEC, 3) } ?? -1
            let file = pipe < 0 ? nil : Descriptor(owning: pipe)
            log = Log(
                settings: new.logging, node: new.localName, process: "client", logfile: file, foreground: foreground)
        case .statusProcess: try join(Channel(descriptor))
        }
    }

    // MARK: The status process

    private func join(_ channel: Channel) throws(SystemError) {
        status = channel
        view = nil
        isFlowOpen = true
        statusSource = try loop.onReadable(channel.raw) { [unowned self] in takeStatusFrames() }
        if !clients.isEmpty { tellStatus(.watch(true)) }
    }

    private func takeStatusFrames() {
        guard let status else { return }
        let isClosed = try? status.drain { (frame: StatusToClients, _) in take(frame) }
        if isClosed ?? true { loseStatus() }
    }

    /// Its successor's channel comes from control; until then clients wait.
    private func loseStatus() {
        status = nil
        statusSource = nil
        view = nil
    }

    private func take(_ frame: StatusToClients) {
        switch frame {
        case .view(let new):
            let old = view
            view = new
            if let old { announce(ClientNews.between(old, new)) }
            for client in clients {
                client.hasFreshView = true
                work(client)
            }
        case .message(let bytes):
            guard let message = try? NetstringCodec.decode(bytes).message else { return }
            receive(message)
        case .flow(let isOpen):
            isFlowOpen = isOpen
            if isOpen { for client in clients { work(client) } }
        }
    }

    /// Returns whether the status process has it.
    @discardableResult
    private func tellStatus(_ frame: ClientsToStatus) -> Bool {
        guard let status else { return false }
        if (try? status.send(frame)) == .sent { return true }
        warn("status-behind", "the status process takes no client messages")
        return false
    }

    // MARK: Clients

    private func accept() {
        let raw = accept4(
            listener.raw, .init(__sockaddr__: nil), nil, Int32(SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue))
        guard raw >= 0 else { return }
        let socket = Descriptor(owning: raw)
        guard let peer = PeerCredentials(raw) else { return }
        guard clients.count < ClientService.clientsMax else {
            return warn("clients-many", "more than \(ClientService.clientsMax) clients: process \(peer.pid) is refused")
        }
        numberLast += 1
        let number = numberLast
        do throws(SystemError) {
            let client = try ClientConnection(socket, number: number, peer: peer, loop: loop) { [unowned self] in
                ready(number, $0)
            }
            clients.append(client)
            // Asked again for each: what is known may be older than the connection.
            tellStatus(.watch(true))
            resume?.schedule(Clock.now() + ClientService.signOnTime)
        } catch {
            warn("client", "\(error)")
        }
    }

    private func ready(_ number: Int, _ events: UInt32) {
        guard let client = clients.first(where: { $0.number == number }) else { return }
        if events & UInt32(EPOLLOUT.rawValue) != 0, !client.flush() { return close(client, "died") }
        let isOver = events & UInt32(EPOLLHUP.rawValue | EPOLLERR.rawValue) != 0
        if events & UInt32(EPOLLIN.rawValue) != 0 {
            guard client.read() else {
                // What it said before it went counts.
                work(client)
                return close(client, "died")
            }
            work(client)
        } else if isOver {
            close(client, "died")
        }
    }

    /// Handles what a client has said, as far as that can be done now.
    private func work(_ client: ClientConnection) {
        while let message = client.pending.first {
            guard let view, client.hasFreshView, clients.contains(where: { $0 === client }) else { break }
            let isRequest = message.text(Wire.FieldName.type) == Wire.MessageType.clientRequest
            if isRequest {
                client.pending.removeFirst()
                answer(message, client, view)
            } else {
                // Said again after a while, if the status process has no room for it.
                guard isFlowOpen, client.budget.take(Clock.now()), pass(message, from: client) else { break }
                client.pending.removeFirst()
            }
        }
        client.isHeld = !client.pending.isEmpty
        if client.isHeld { resume?.schedule(Clock.now() + SendBudget.pause) }
    }

    private func resumeClients() {
        for client in clients { work(client) }
        for client in clients where client.identity == nil && Clock.now() - client.since >= ClientService.signOnTime {
            close(client, "died")
        }
        if clients.contains(where: { $0.identity == nil || $0.isHeld }) {
            let isHeld = clients.contains { $0.isHeld }
            resume?.schedule(Clock.now() + (isHeld ? SendBudget.pause : ClientService.signOnTime))
        }
    }

    func send(_ text: ClientText, to client: ClientConnection) {
        if !client.send(text.frame) { close(client, "died") }
    }

    /// Ends a connection; `reason` is what other clients of the same name are told.
    func close(_ client: ClientConnection, _ reason: String) {
        guard let index = clients.firstIndex(where: { $0 === client }) else { return }
        clients.remove(at: index)
        if let identity = client.identity, !identity.isCasual { tellChange(of: identity, "leave", reason) }
        if clients.isEmpty { tellStatus(.watch(false)) }
    }

    // MARK: Sign-on

    func signOn(_ request: HAMessage, _ client: ClientConnection) {
        let name = request.text(Wire.FieldName.fromID) ?? ""
        let isCasual = name == request.text(Wire.FieldName.processID)
        let refusal = refusal(request, name, isCasual, client)
        var text = ClientText()
        text.add(Wire.FieldName.type, Wire.MessageType.clientResponse)
        text.add(Wire.FieldName.requestType, "signon")
        if let refusal { text.add(Wire.FieldName.info, refusal) }
        text.add(Wire.FieldName.result, refusal == nil ? "OK" : "badreq")
        let timing = configuration.timing
        text.add(Wire.FieldName.clientDeadtime, String(max(0, timing.deadtime.wholeMilliseconds), radix: 16))
        text.add(Wire.FieldName.clientKeepalive, String(max(0, timing.keepalive.wholeMilliseconds), radix: 16))
        text.add(Wire.FieldName.node, configuration.localName)
        text.add("hbversion", Product.version)
        text.add("pacemaker", "false")
        text.add(Wire.FieldName.logFacility, String(parameters.facility))
        if let refusal {
            warn("client-refused", "client \(printable(name)) (process \(client.peer.pid)) is refused: \(refusal)")
            _ = client.send(text.frame)
            return close(client, refusal)
        }
        generationLast += 1
        let identity = ClientConnection.Identity(id: name, isCasual: isCasual, generation: generationLast)
        client.identity = identity
        send(text, to: client)
        if !isCasual {
            log.write(.info, "client-signon", "client \(printable(name)) (process \(client.peer.pid)) has signed on")
            tellChange(of: identity, "join", "signon")
        }
    }

    private func refusal(
        _ request: HAMessage, _ name: String, _ isCasual: Bool, _ client: ClientConnection
    ) -> String? {
        guard request.text(Wire.FieldName.processID) == String(client.peer.pid) else { return "bad pid" }
        guard (1...64).contains(name.utf8.count), name.utf8.allSatisfy({ (33...126).contains($0) }) else {
            return "bad from_id"
        }
        if clients.contains(where: { $0 !== client && $0.identity?.id == name }) { return "client id in use" }
        return authorization.refusal(of: isCasual ? ClientAuthorization.casual : name, to: client.peer)
    }

    /// Tells the clients of the same name everywhere that one came or went.
    private func tellChange(of identity: ClientConnection.Identity, _ change: String, _ reason: String) {
        var message = HAMessage()
        message.append(Wire.FieldName.type, Wire.MessageType.clientChange)
        message.append(Wire.FieldName.status, change)
        message.append(Wire.FieldName.fromID, identity.id)
        message.append(Wire.FieldName.toID, identity.id)
        message.append(Wire.FieldName.info, reason)
        message.append(Wire.FieldName.clientGeneration, String(identity.generation))
        tellCluster(message)
    }

    // MARK: Messages

    /// Returns false where the status process has no room; what cannot be written is passed over.
    @discardableResult
    func tellCluster(_ message: HAMessage) -> Bool {
        var writer = ByteWriter()
        guard (try? NetstringCodec.encode(message, into: &writer)) != nil else { return true }
        return tellStatus(.send(writer.bytes))
    }

    /// What a client says to the cluster, in its name. Returns false where it must be said again.
    private func pass(_ message: HAMessage, from client: ClientConnection) -> Bool {
        guard let identity = client.identity, !identity.isCasual else {
            warn("client-message", "a client without a name wanted to speak to the cluster")
            return true
        }
        var named = message
        for name in [Wire.FieldName.fromID, Wire.FieldName.toID, Wire.FieldName.clientGeneration] {
            named.removeAll(named: name)
        }
        named.append(Wire.FieldName.fromID, identity.id)
        named.append(Wire.FieldName.toID, identity.id)
        named.append(Wire.FieldName.clientGeneration, String(identity.generation))
        return tellCluster(named)
    }

    /// A message from the cluster: a question that this service answers, or one for its clients.
    private func receive(_ message: HAMessage) {
        if message.text(Wire.FieldName.type) == Wire.MessageType.clientStatusQuery { return answerQuery(message) }
        announce([message])
    }

    /// Messages with `to_id` are for the client of that name alone, others for every client with a name.
    private func announce(_ messages: [HAMessage]) {
        for message in messages {
            let name = message.text(Wire.FieldName.toID)
            var writer = ByteWriter()
            guard (try? ClassicCodec.encode(message, into: &writer)) != nil else { continue }
            let frame = ClientFraming.frame(writer.bytes)
            for client in clients {
                guard let identity = client.identity, name == nil ? !identity.isCasual : identity.id == name else {
                    continue
                }
                if !client.send(frame) { close(client, "died") }
            }
        }
    }

    /// Another node asks for one of the clients here.
    private func answerQuery(_ query: HAMessage) {
        guard let name = query.text(Wire.FieldName.clientName), let asker = query.text(Wire.FieldName.source),
            let id = query.text(Wire.FieldName.fromID)
        else { return }
        var answer = HAMessage()
        answer.append(Wire.FieldName.type, Wire.MessageType.clientStatusReply)
        answer.append(Wire.FieldName.destination, asker)
        answer.append(Wire.FieldName.result, "OK")
        answer.append(Wire.FieldName.clientName, name)
        answer.append(Wire.FieldName.toID, id)
        answer.append(Wire.FieldName.clientStatus, isOnline(name) ? "online" : "offline")
        tellCluster(answer)
    }

    func isOnline(_ name: String) -> Bool { clients.contains { $0.identity?.id == name } }

    // MARK: The log

    private func warn(_ event: String, _ text: String) {
        guard let withheld = limit.admit(event, now: Clock.now()) else { return }
        log.write(.warning, event, withheld > 0 ? "\(text) (and \(withheld) like it)" : text)
    }

    /// A client's word, safe to print.
    private func printable(_ text: String) -> String {
        String(text.unicodeScalars.prefix(64).map { (33...126).contains($0.value) ? Character($0) : "?" })
    }
}
