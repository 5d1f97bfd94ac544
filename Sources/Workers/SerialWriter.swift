// The write worker of a serial line. The line is slower than the cluster may talk, and its cable may be out: what it
// does not take in time is dropped, oldest first and heartbeats last, and never holds up the status process.
import CLinux
import ClusterModel
import LinuxSystem
import Media
import Privsep

final class SerialWriter {
    /// A line that takes nothing for this long does not drain (specs/heartbeat.md 6.4).
    private static let drainMax = Duration.milliseconds(500)

    private let tty: String
    private let channel: Channel
    private let log: WorkerLog
    private var queue: SerialQueue
    /// When the line last took something, or began to have something to take.
    private var progressed = Clock.now()

    init(tty: String, baud: Int, channel: Channel, log: WorkerLog) {
        self.tty = tty
        self.channel = channel
        self.log = log
        queue = SerialQueue(baud: baud)
    }

    /// Returns why the worker ends.
    func run() throws(SystemError) -> MediumWorkerExit {
        while true {
            let waits = !queue.isEmpty
            var ready = [
                Readiness(channel.raw, read: true), Readiness(MediumWorker.mediumDescriptor, write: waits),
            ]
            let remaining = SerialWriter.drainMax - (Clock.now() - progressed)
            try Readiness.wait(&ready, timeout: waits ? max(.zero, remaining) : nil)
            if ready[0].isReadable || ready[0].isHungUp, try !takeFrames() { return .finished }
            if ready[1].isHungUp {
                log.write(.error, "medium-lost", "the line was hung up")
                return .mediumLost
            }
            if ready[1].isWritable {
                do throws(SystemError) {
                    try write()
                } catch {
                    log.write(.error, "medium-lost", "\(error)")
                    return .mediumLost
                }
            }
            if waits && Clock.now() - progressed >= SerialWriter.drainMax { giveUp() }
        }
    }

    /// Queues what has come; false where the channel is closed.
    private func takeFrames() throws(SystemError) -> Bool {
        // A bounded number, so that the line gets its turn.
        for _ in 0..<64 {
            switch try channel.receive() {
            case .empty: return true
            case .closed: return false
            case .frame(let message, _):
                if queue.isEmpty { progressed = Clock.now() }
                let droppedCount = queue.append(message)
                if droppedCount > 0 {
                    log.writeLimited(
                        .warning, "serial-overrun", key: "overrun",
                        "\(droppedCount) messages dropped: more than \(tty) can send; raise keepalive or baud")
                }
            }
        }
        return true
    }

    private func write() throws(SystemError) {
        let bytes = Array(queue.next)
        let count: Int
        do throws(SystemError) {
            count = try retrying("write") { CLinux.write(MediumWorker.mediumDescriptor, bytes, bytes.count) }
        } catch {
            if error.code == EAGAIN { return }
            throw error
        }
        if count > 0 { progressed = Clock.now() }
        queue.sent(count)
    }

    private func giveUp() {
        SerialLine.discardOutput(MediumWorker.mediumDescriptor)
        let count = queue.discard()
        log.writeLimited(
            .warning, "serial-timeout", key: "timeout",
            "TTY write timeout on [\(tty)] (no connection or bad cable?), \(count) messages dropped", hourly: true)
    }
}
