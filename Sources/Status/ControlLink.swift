// What the control process is told: in order, and without waiting for it. An answer to `hb status` has a frame for each
// group, and may be more than the channel holds at once.
import ClusterModel
import LinuxSystem
import Privsep
import Reactor

final class ControlLink {
    /// Frames that wait for a control process that is behind; answers that do not fit are given up.
    private static let outboxMax = 65_536
    /// How long a receiver that is behind is left alone.
    private static let pause: Duration = .milliseconds(1)
    /// Tries to be rid of everything when this process ends.
    private static let lastTries = 1000

    private let channel: Channel
    private let loop: EventLoop
    private let failed: (SystemError) -> Void
    private var outbox: [StatusToControl] = []
    /// What of the outbox is sent.
    private var sentCount = 0
    private var retry: EventSource?

    /// `failed` is told why something could not be sent.
    init(_ channel: Channel, loop: EventLoop, failed: @escaping (SystemError) -> Void) {
        self.channel = channel
        self.loop = loop
        self.failed = failed
    }

    /// Sends a frame, after those that still wait.
    func send(_ frame: StatusToControl) {
        if case .response = frame, outbox.count >= ControlLink.outboxMax { return }
        outbox.append(frame)
        if retry == nil { flush() }
    }

    /// Sends all that waits: this process ends.
    func finish() {
        for _ in 0..<ControlLink.lastTries where !outbox.isEmpty {
            flush()
            if !outbox.isEmpty { Clock.wait(ControlLink.pause) }
        }
    }

    private func flush() {
        retry = nil
        do throws(SystemError) {
            while sentCount < outbox.count {
                switch try channel.send(outbox[sentCount]) {
                case .sent: sentCount += 1
                // This process ends with control, and nobody is left to be told.
                case .closed: sentCount = outbox.count
                case .wouldBlock:
                    retry = try loop.onTime(Clock.now() + ControlLink.pause) { [unowned self] in flush() }
                    return
                }
            }
        } catch {
            failed(error)
        }
        outbox.removeAll(keepingCapacity: false)
        sentCount = 0
    }
}
