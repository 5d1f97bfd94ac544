// The channel to one life of the resource manager.
import ClusterModel
import LinuxSystem
import Privsep
import Reactor

final class ResourceLink {
    private static let readMax = 64

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
        for _ in 0..<ResourceLink.readMax {
            do {
                switch try channel.receive() {
                case .empty: return
                case .closed:
                    // Control restarts it and sends a new channel.
                    source = nil
                    return
                case .frame(let bytes, _): received(try ResourceToStatus(decoding: bytes))
                }
            } catch {
                log(LogRecord(.error, "resource-channel", "\(error)"))
                return
            }
        }
    }
}
