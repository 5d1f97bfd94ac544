// The read worker of a serial line: cuts the stream of bytes into messages, each of which becomes one frame.
import CLinux
import ClusterModel
import LinuxSystem
import Media
import Messaging
import Privsep

final class SerialReader {
    private let channel: Channel
    private let log: WorkerLog
    private var framer = StreamFramer()
    private var buffer = [UInt8](repeating: 0, count: 4096)

    init(channel: Channel, log: WorkerLog) {
        self.channel = channel
        self.log = log
    }

    /// Returns why the worker ends.
    func run() throws(SystemError) -> MediumWorkerExit {
        while true {
            var ready = [Readiness(MediumWorker.mediumDescriptor, read: true), Readiness(channel.raw)]
            try Readiness.wait(&ready)
            if ready[1].isHungUp { return .finished }
            let count: Int
            do throws(SystemError) {
                count = try retrying("read") { read(MediumWorker.mediumDescriptor, &buffer, buffer.count) }
            } catch {
                if error.code == EAGAIN { continue }
                log.write(.error, "medium-lost", "\(error)")
                return .mediumLost
            }
            if count == 0 {
                log.write(.error, "medium-lost", "the line was hung up")
                return .mediumLost
            }
            let arrival = Clock.now()
            let broken = framer.brokenMessages
            for message in framer.accept(buffer[..<count]) {
                let frame = ReceivedDatagram(arrival: arrival, bytes: message)
                if try channel.send(frame, waiting: true) == .closed { return .finished }
            }
            if framer.brokenMessages != broken {
                log.writeLimited(.warning, "message-broken", key: "broken", "dropped a damaged message")
            }
        }
    }
}
