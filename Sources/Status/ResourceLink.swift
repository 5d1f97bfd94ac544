// The channel to one life of the resource manager.
import ClusterModel
import LinuxSystem
import Privsep
import Reactor

final class ResourceLink {

    private let channel: Channel
    private let received: (ResourceToStatus) -> Void
    private let log: (LogRecord) -> Void
    private var source: EventSource?

    init(
        _ channel: Channel, loop: EventLoop, received: @escaping (ResourceToStatus) -> Void,
        log: @escaping (LogRecord) -> Void
    ) throws(SystemError) {
        self.channel = channel
        self.received = received
        self.log = log
        source = try loop.onReadable(channel.raw, priority: -8) { [unowned self] in read() }
    }

    /// Returns whether the order was taken.
    func send(_ frame: StatusToResource) -> Bool {
        do throws(SystemError) {
            return try channel.send(frame) == .sent
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
