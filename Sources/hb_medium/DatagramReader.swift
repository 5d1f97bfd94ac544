// The read worker of media whose messages are datagrams: each becomes one frame, with the time of its arrival.
import CLinux
import ClusterModel
import LinuxSystem
import Media
import Privsep

struct DatagramReader {
    /// Failures in a row after which the descriptor is given up: it would fail for ever.
    private static let failureCountMax = 100

    private let channel: Channel
    private let log: WorkerLog
    private let receiver = DatagramReceiver(
        socket: MediumWorker.mediumDescriptor, sizeMax: MediumWorker.datagramSizeMax)
    private let transport: MediumWorker.Transport
    private var answered = AnsweredRequests()
    private var failureCount = 0

    init(_ transport: MediumWorker.Transport, channel: Channel, log: WorkerLog) {
        self.transport = transport
        self.channel = channel
        self.log = log
    }

    /// Never returns but by the reason for its end.
    consuming func run() throws -> Never {
        while true {
            var ready = [Readiness(MediumWorker.mediumDescriptor, read: true), Readiness(channel.raw)]
            try Readiness.wait(&ready)
            if ready[1].isHungUp { throw MediumWorkerExit.finished }
            do throws(SystemError) {
                guard let datagram = try receiver.receive() else { continue }
                failureCount = 0
                try forward(datagram)
            } catch {
                try failed(error)
            }
        }
    }

    private mutating func forward(_ datagram: Datagram) throws(SystemError) {
    }
}
