// The status process's side of the client service: what clients are told, and what they may make this node say. The
// service is unprivileged and reads what anybody writes, so its frames are read as hostile.
import Admin
import ClusterCore
import ClusterModel
import LinuxSystem
import Messaging
import Privsep
import Reactor

/// The channel to one life of the client service.
final class ClientServiceLink {
    private static let readMax = 32
    /// Between two looks at what may have changed: clients are told of a change within this time.
    private static let lookInterval = Duration.milliseconds(100)

    private let channel: Channel
    private let loop: EventLoop
    /// Messages that may be kept before the service is not read any more.
    private static let waitingMax = 256

    private let view: () -> ClientView?
    private let maySend: () -> Bool
    private let received: (HAMessage) -> Void
    private var source: EventSource?
    private var timer: EventSource?
    private var isWatched = false
    private var told: ClientView?
    private var isLookDue = false
    /// What clients have said and may not be sent yet, in order.
    private(set) var waiting: [HAMessage]
    private var isReleasing = false
    private var isOpenThere = true

    /// `view` gives the state as it is now; `maySend` says whether flow control lets clients speak (protocol.md, R17);
    /// `received` takes what a client sends, when it may be sent. `waiting`: of the link before this one.
    init(
        _ channel: Channel, loop: EventLoop, waiting: [HAMessage] = [], view: @escaping () -> ClientView?,
        maySend: @escaping () -> Bool, received: @escaping (HAMessage) -> Void
    ) throws(SystemError) {
        self.channel = channel
        self.loop = loop
        self.waiting = waiting
        self.view = view
        self.maySend = maySend
        self.received = received
        source = try loop.onReadable(channel.raw, priority: Turn.idle) { [unowned self] in read() }
        timer = try loop.onTime(.distantFuture, priority: Turn.idle) { [unowned self] in look() }
    }

    /// Something has happened that may have changed what clients see, or whether they may speak.
    func noteChange() {
        release()
        guard isWatched, !isLookDue else { return }
        isLookDue = true
        timer?.schedule(Clock.now() + ClientServiceLink.lookInterval)
    }

    /// A service that is behind misses the message: clients bear loss, a heartbeat bears no waiting.
    func deliver(_ message: HAMessage) {
        guard source != nil else { return }
        var writer = ByteWriter()
        guard (try? NetstringCodec.encode(message, into: &writer)) != nil else { return }
        // What the view says must not be older than the message.
        look()
        _ = try? channel.send(StatusToClients.message(writer.bytes))
    }

    /// Sends what may be sent of what waits, and tells the service whether there is room for more.
    private func release() {
        // What is sent brings us here again.
        guard !isReleasing else { return }
        isReleasing = true
        defer { isReleasing = false }
        while !waiting.isEmpty, maySend() { received(waiting.removeFirst()) }
        if waiting.count < ClientServiceLink.waitingMax { source?.enable() } else { source?.disable() }
        tellFlow()
    }

    private func tellFlow() {
        let isOpen = waiting.isEmpty && maySend()
        guard source != nil, isOpen != isOpenThere else { return }
        if (try? channel.send(StatusToClients.flow(isOpen: isOpen))) == .sent {
            isOpenThere = isOpen
        } else {
            // It is behind: it is told with the next look.
            isLookDue = true
            timer?.schedule(Clock.now() + ClientServiceLink.lookInterval)
        }
    }

    private func look() {
        isLookDue = false
        tellFlow()
        guard isWatched, let now = view(), now != told else { return }
        if (try? channel.send(StatusToClients.view(now))) == .sent { told = now } else { noteChange() }
    }

    private func read() {
        let isClosed = try? channel.drain(atMost: ClientServiceLink.readMax) { (frame: ClientsToStatus, _) in
            take(frame)
        }
        guard isClosed ?? true else { return }
        source = nil
        isWatched = false
    }

    private func take(_ frame: ClientsToStatus) {
        switch frame {
        case .watch(let isWanted):
            isWatched = isWanted
            told = nil
            look()
        case .send(let bytes):
            guard bytes.count <= 2 * ClientMessageRules.sizeMax,
                let message = try? NetstringCodec.decode(bytes).message
            else { return }
            waiting.append(message)
            release()
        }
    }
}

extension ClientView {
    /// What clients may know of a snapshot.
    init(_ snapshot: ClusterSnapshot, media: [Medium]) {
        self.init(
            localName: snapshot.localName, holdings: snapshot.holdings,
            nodes: snapshot.nodes.map { node in
                var links: [ClientLink] = []
                for link in node.links {
                    let name = media[link.medium.index].linkName
                    let isUp = link.status == .up
                    // Two media of one interface are one link to clients.
                    if let index = links.firstIndex(where: { $0.name == name }) {
                        links[index].isUp = links[index].isUp || isUp
                    } else {
                        links.append(ClientLink(name: name, isUp: isUp))
                    }
                }
                return ClientNode(
                    name: node.name, isPing: node.kind == .ping, status: node.status.rawValue, links: links,
                    uuid: node.uuid)
            })
    }
}
