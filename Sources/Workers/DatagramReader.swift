// The read worker of media whose messages are datagrams: each becomes one frame, with the time of its arrival.
import CLinux
import ClusterModel
import LinuxSystem
import Media
import Privsep

final class DatagramReader {
    /// Failures in a row after which the descriptor is given up: it would fail for ever.
    private static let failureCountMax = 100

    private let transport: MediumWorker.Transport
    private let channel: Channel
    private let log: WorkerLog
    private let receiver = DatagramReceiver(
        socket: MediumWorker.mediumDescriptor, sizeMax: MediumWorker.datagramSizeMax)
    private var answered = AnsweredRequests()
    private var failureCount = 0

    init(_ transport: MediumWorker.Transport, channel: Channel, log: WorkerLog) {
        self.transport = transport
        self.channel = channel
        self.log = log
    }

    /// Returns why the worker ends.
    func run() throws(SystemError) -> MediumWorkerExit {
        while true {
            var ready = [Readiness(MediumWorker.mediumDescriptor, read: true), Readiness(channel.raw)]
            try Readiness.wait(&ready)
            if ready[1].isHungUp { return .finished }
            if let datagram = try receive(), let message = message(in: datagram) {
                let frame = ReceivedDatagram(arrival: datagram.arrival, bytes: message)
                if try channel.send(frame, waiting: true) == .closed { return .finished }
            }
            if failureCount == DatagramReader.failureCountMax { return .mediumLost }
        }
    }

    /// nil where there was nothing, or a failure that may pass.
    private func receive() throws(SystemError) -> Datagram? {
        do throws(SystemError) {
            let datagram = try receiver.receive()
            failureCount = 0
            return datagram
        } catch {
            failureCount = error.isDeviceLoss ? DatagramReader.failureCountMax : failureCount + 1
            log.writeLimited(.warning, "receive-failed", key: "receive \(error.code)", "\(error)")
            return nil
        }
    }

    /// The message that a datagram carries for us; nil for what is none.
    private func message(in datagram: Datagram) -> [UInt8]? {
        if datagram.isTruncated {
            log.writeLimited(
                .warning, "datagram-oversized", key: "oversized",
                "dropped a datagram of more than \(MediumWorker.datagramSizeMax) bytes")
            return nil
        }
        guard case .echo(let identifier, let targets) = transport else {
            return datagram.bytes.isEmpty ? nil : datagram.bytes
        }
        // The kernel gives every raw socket the replies to everybody's pings.
        guard let source = datagram.source?.address, targets.contains(where: { $0.address == source }),
            let reply = ICMPEcho.reply(datagram.bytes, isIPv6: source.isIPv6, identifier: identifier),
            !reply.payload.isEmpty, answered.isFirst(reply.sequence)
        else { return nil }
        return Array(reply.payload)
    }
}

extension SystemError {
    /// Whether the descriptor behind the failed call will never work again.
    var isDeviceLoss: Bool { [ENODEV, ENXIO, EBADF, EIO, ENOTSOCK].contains(code) }
}
