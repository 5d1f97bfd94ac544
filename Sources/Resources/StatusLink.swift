// The connection to one life of the status process: its orders in, outcomes out.
import CLinux
import ClusterModel
import LinuxSystem
import Privsep
import Reactor

/// Valid until the status process ends or control sends a new channel.
final class StatusLink {
    /// Outcomes that wait for a status process that does not read. One that is further behind is given up: its
    /// successor takes inventory.
    private static let outboxMax = 4096

    /// How long a receiver that is behind is left alone.
    private static let outboxPause: Duration = .milliseconds(50)

    private let channel: Channel
    private let groups: NodeGroups
    private let loop: EventLoop
    private let log: (LogRecord) -> Void
    private var outbox: [ResourceToStatus] = []
    private var reader: EventSource?
    private var retry: EventSource?

    init(
        _ channel: Channel, loop: EventLoop, groups: NodeGroups, log: @escaping (LogRecord) -> Void
    ) throws(SystemError) {
        self.channel = channel
        self.groups = groups
        self.loop = loop
        self.log = log
        reader = try loop.onReadable(channel.raw) { [unowned self] in receive() }
        groups.listener = self
    }

    // MARK: Orders

    private func receive() {
        defer { groups.keepEntitlement() }
        do {
            // What comes after the link was given up is not obeyed.
            let isClosed = try channel.drain { (frame: StatusToResource, _) in if reader != nil { take(frame) } }
            if isClosed && reader != nil { giveUp("the status process is gone") }
        } catch {
            giveUp("\(error)")
        }
    }

    private func take(_ frame: StatusToResource) {
        switch frame {
        case .takeInventory: groups.takeInventory(for: self)
        case .start(let operation, let group, let epoch, let isCold):
            groups.start(group, epoch: epoch, isCold: isCold, operation: operation, for: self)
        case .reassert(let operation, let group, let epoch):
            groups.reassert(group, epoch: epoch, operation: operation, for: self)
        case .stop(let operation, let group, let isForfeit):
            groups.stop(group, isForfeit: isForfeit, operation: operation, for: self)
        case .reboot(let reason): reboot(reason)
        case .fence(let operation, let node, let until):
            groups.fence(node, until: until, operation: operation, for: self)
        case .recall(let operation): groups.recall(operation)
        case .entitled(let until): groups.prolong(until: until)
        case .forgetFailures(let group): groups.forgetFailures(of: group)
        case .suspend(let group, let isSuspended): groups.suspend(group, isSuspended)
        case .fail(let group, let resource, let reason): groups.fail(group, resource: Int(resource), reason)
        }
    }

    /// At once and without saving anything, as heartbeat 3.0.6 does: what cannot be stopped might go on writing.
    private func reboot(_ reason: String) {
        log(LogRecord(.critical, "reboot", "Resource STOP failure. Reboot required! \(reason)"))
        log(LogRecord(.critical, "reboot", "\(Machine.reboot())"))
    }

    // MARK: Outcomes

    /// Sends an outcome, after those that still wait.
    func send(_ frame: ResourceToStatus) {
        if reader == nil { return }
        outbox.append(frame)
        if outbox.count > StatusLink.outboxMax { return giveUp("the status process does not read") }
        if retry == nil { flush() }
    }

    private func flush() {
        retry = nil
        do throws(SystemError) {
            while let frame = outbox.first {
                switch try channel.send(frame) {
                case .sent: outbox.removeFirst()
                case .closed: return giveUp("the status process is gone")
                case .wouldBlock:
                    retry = try loop.onTime(Clock.now() + StatusLink.outboxPause) { [unowned self] in flush() }
                    return
                }
            }
        } catch {
            giveUp("\(error)")
        }
    }

    private func giveUp(_ reason: String) {
        log(LogRecord(.info, "status-channel", "no status process: \(reason)"))
        reader = nil
        retry = nil
        outbox = []
    }
}
