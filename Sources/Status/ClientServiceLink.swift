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
    private let view: () -> ClientView?
    private let received: (HAMessage) -> Void
    private var source: EventSource?
    private var timer: EventSource?
    private var isWatched = false
    private var told: ClientView?
    private var isLookDue = false

    /// `view` gives the state as it is now; `received` takes what a client sends.
    init(
        _ channel: Channel, loop: EventLoop, view: @escaping () -> ClientView?,
        received: @escaping (HAMessage) -> Void
    ) throws(SystemError) {
        self.channel = channel
        self.loop = loop
        self.view = view
        self.received = received
        source = try loop.onReadable(channel.raw, priority: 10) { [unowned self] in read() }
        timer = try loop.onTime(.distantFuture, priority: 10) { [unowned self] in look() }
    }

    /// Something has happened that may have changed what clients see.
    func noteChange() {
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

    private func look() {
        isLookDue = false
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
            received(message)
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
