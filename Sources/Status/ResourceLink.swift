// The channel to one life of the resource manager.
import ClusterModel
import LinuxSystem
import Privsep
import Reactor

final class ResourceLink {
    /// Orders that wait for a resource manager that does not read. Each group has a few at most; what is worth nothing
    /// after the next of its kind is kept once.
    private static let outboxMax = 4096
    /// How long a receiver that is behind is left alone.
    private static let outboxPause: Duration = .milliseconds(50)

    private let channel: Channel
    private let loop: EventLoop
    private let received: (ResourceToStatus) -> Void
    private let log: (LogRecord) -> Void
    private var source: EventSource?
    private var outbox: [StatusToResource] = []
    private var retry: EventSource?
    private var isGone = false

    init(
        _ channel: Channel, loop: EventLoop, received: @escaping (ResourceToStatus) -> Void,
        log: @escaping (LogRecord) -> Void
    ) throws(SystemError) {
        self.channel = channel
        self.loop = loop
        self.received = received
        self.log = log
        source = try loop.onReadable(channel.raw, priority: Turn.incoming) { [unowned self] in read() }
    }

    /// Sends an order, after those that still wait: one that got lost would be waited for without end. Returns false
    /// where it cannot be kept, and once where the resource manager is found to be gone: its successor takes inventory,
    /// and all orders are void.
    func send(_ frame: StatusToResource) -> Bool {
        if isGone { return true }
        if case .entitled = frame, case .entitled? = outbox.last { outbox.removeLast() }
        guard outbox.count < ResourceLink.outboxMax else { return false }
        outbox.append(frame)
        return retry != nil || flush()
    }

    private func flush() -> Bool {
        retry = nil
        do throws(SystemError) {
            while let frame = outbox.first {
                switch try channel.send(frame) {
                case .sent: outbox.removeFirst()
                case .closed:
                    outbox = []
                    isGone = true
                    return false
                case .wouldBlock:
                    let later = Clock.now() + ResourceLink.outboxPause
                    retry = try loop.onTime(later, priority: Turn.due) { [unowned self] in _ = flush() }
                    return true
                }
            }
            return true
        } catch {
            log(LogRecord(.error, "resource-channel", "\(error)"))
            return false
        }
    }

    private func read() {
        do {
            let isClosed = try channel.drain { (frame: ResourceToStatus, _) in received(frame) }
            // Control restarts it and sends a new channel.
            if isClosed { source = nil }
        } catch {
            log(LogRecord(.error, "resource-channel", "\(error)"))
        }
    }
}
