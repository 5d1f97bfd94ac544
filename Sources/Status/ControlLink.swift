// What the control process is told: in order, and without waiting for it. An answer to `hb status` has a frame for each
// group, and may be more than the channel holds at once; it holds up nothing else.
import ClusterModel
import LinuxSystem
import Privsep
import Reactor

final class ControlLink {
    /// Frames of answers that wait for a control process that is behind; what does not fit is given up.
    private static let answersMax = 65_536
    /// How long a receiver that is behind is left alone.
    private static let pause: Duration = .milliseconds(1)
    /// Tries to be rid of everything when this process ends.
    private static let lastTries = 1000

    /// Frames that wait, in order.
    private struct Queue {
        private var frames: [StatusToControl] = []
        /// What of them is sent.
        private var sentCount = 0

        var count: Int { frames.count - sentCount }
        var first: StatusToControl? { sentCount < frames.count ? frames[sentCount] : nil }

        mutating func append(_ frame: StatusToControl) { frames.append(frame) }

        mutating func removeFirst() {
            sentCount += 1
            guard 2 * sentCount > frames.count else { return }
            frames.removeFirst(sentCount)
            sentCount = 0
        }

        mutating func removeAll() {
            frames = []
            sentCount = 0
        }
    }

    private let channel: Channel
    private let loop: EventLoop
    private let failed: (SystemError) -> Void
    /// What is not an answer goes first: control waits for the word that this process is well.
    private var words = Queue()
    private var answers = Queue()
    private var retry: EventSource?

    /// `failed` is told why something could not be sent.
    init(_ channel: Channel, loop: EventLoop, failed: @escaping (SystemError) -> Void) {
        self.channel = channel
        self.loop = loop
        self.failed = failed
    }

    /// Sends a frame, after those of its kind that still wait.
    func send(_ frame: StatusToControl) {
        if case .response = frame {
            if answers.count >= ControlLink.answersMax { return }
            answers.append(frame)
        } else {
            words.append(frame)
        }
        if retry == nil { flush() }
    }

    /// Sends all that waits: this process ends.
    func finish() {
        for _ in 0..<ControlLink.lastTries {
            flush()
            if retry == nil { return }
            Clock.wait(ControlLink.pause)
        }
    }

    private func flush() {
        retry = nil
        do throws(SystemError) {
            while let frame = words.first ?? answers.first {
                switch try channel.send(frame) {
                case .sent: if words.count > 0 { words.removeFirst() } else { answers.removeFirst() }
                // This process ends with control, and nobody is left to be told.
                case .closed: forget()
                case .wouldBlock:
                    retry = try loop.onTime(Clock.now() + ControlLink.pause, priority: Turn.due) { [unowned self] in
                        flush()
                    }
                    return
                }
            }
        } catch {
            forget()
            failed(error)
        }
    }

    private func forget() {
        words.removeAll()
        answers.removeAll()
    }
}
