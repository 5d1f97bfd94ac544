// The channel to one life of the notifier. It is told of transitions when there is nothing else to do; what it does not
// take waits here, and holds up nothing.
import ClusterModel
import LinuxSystem
import Privsep
import Reactor

final class NotifierLink {
    /// How long a notifier that is behind is left alone.
    private static let pause: Duration = .milliseconds(50)
    /// Frames in one turn of the loop.
    private static let sendMax = 32

    private let channel: Channel
    private let loop: EventLoop
    private let next: () -> (number: UInt64, frame: StatusToNotifier)?
    private let sent: (UInt64) -> Void
    private let kept: (UInt64) -> Void
    private var source: EventSource?
    private var timer: EventSource?
    private var isDue = false

    /// `next` gives what is to be told next, `sent` and `kept` take the number of what was sent and is in the spool.
    init(
        _ channel: Channel, loop: EventLoop, next: @escaping () -> (number: UInt64, frame: StatusToNotifier)?,
        sent: @escaping (UInt64) -> Void, kept: @escaping (UInt64) -> Void
    ) throws(SystemError) {
        self.channel = channel
        self.loop = loop
        self.next = next
        self.sent = sent
        self.kept = kept
        source = try loop.onReadable(channel.raw, priority: Turn.idle) { [unowned self] in read() }
        timer = try loop.onTime(.distantFuture, priority: Turn.idle) { [unowned self] in _ = send() }
        noteChange()
    }

    /// There is something to tell.
    func noteChange() {
        guard source != nil, !isDue else { return }
        isDue = true
        timer?.schedule(Clock.now())
    }

    /// Tells what can be told without waiting: this process ends.
    func flush() { while source != nil, next() != nil, send() {} }

    /// Whether there may be more to send, and room for it.
    @discardableResult
    private func send() -> Bool {
        isDue = false
        for _ in 0..<NotifierLink.sendMax {
            guard let (number, frame) = next() else { return false }
            switch try? channel.send(frame) {
            case .sent: sent(number)
            case .wouldBlock:
                isDue = true
                timer?.schedule(Clock.now() + NotifierLink.pause)
                return false
            // Control starts another one and sends its channel.
            case .closed, nil:
                source = nil
                return false
            }
        }
        noteChange()
        return true
    }

    private func read() {
        let isClosed = try? channel.drain { (frame: NotifierToStatus, _) in
            switch frame {
            case .kept(let number): kept(number)
            }
        }
        if isClosed ?? true { source = nil }
    }
}
